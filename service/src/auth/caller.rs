//! What a caller may do, by its role and projects (`docs/access.md`).

use spiderq_core::{
    error::{Error, Result},
    model::{Actor, ApiKeyRecord, Fence, JobKey, ProjectId, Role},
    store::Holder,
};

/// Who made a call, once its credentials were found valid.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Caller {
    /// The owner of an API key.
    Key {
        /// Names the API key; no secret.
        id: String,
        /// The owner's name: the actor of state entries.
        name: Actor,
        /// What calls with the API key may do.
        role: Role,
        /// Numbers of the projects that it reaches; `None`: all.
        projects: Option<Vec<u64>>,
    },
    /// The bearer of a running job's token.
    Job {
        /// The only job that it reaches.
        key: JobKey,
        /// The attempt that the token was made for.
        attempt: u32,
        /// Who started that attempt.
        actor: Actor,
    },
}

impl Caller {
    pub(super) fn of_key(record: &ApiKeyRecord) -> Result<Self> {
        Ok(Self::Key {
            id: record.id.clone(),
            name: Actor::parse(&record.name).map_err(|_| Error::bug("key with a bad name"))?,
            role: record.role,
            projects: record.projects.clone(),
        })
    }

    /// The actor of state entries that the call causes.
    #[must_use]
    pub const fn actor(&self) -> &Actor {
        match self {
            Self::Key { name, .. } => name,
            Self::Job { actor, .. } => actor,
        }
    }

    /// On whose account its bytes of memory are: the owner's, or that of the job.
    #[must_use]
    pub fn account(&self) -> String {
        match self {
            Self::Key { name, .. } => name.to_string(),
            Self::Job { key, .. } => key.to_string(),
        }
    }

    /// An error unless the caller has the role `least` or above in `project`. A job token has
    /// none.
    pub fn may(&self, least: Role, project: ProjectId) -> Result<()> {
        match self {
            Self::Key { projects: Some(only), .. } if !only.contains(&project.get()) => {
                Err(Error::forbidden(format!("this key does not reach project {project}")))
            }
            Self::Key { .. } | Self::Job { .. } => self.has_role(least),
        }
    }

    /// An error unless the caller has the role `least` or above, in whichever projects it reaches.
    pub fn has_role(&self, least: Role) -> Result<()> {
        match self {
            Self::Key { role, .. } if *role < least => {
                let (needed, role) = (least.as_str(), role.as_str());
                let message = format!(
                    "this needs a key of role {needed} or above; this key's role is {role}"
                );
                Err(Error::Forbidden { message, required: Some(least) })
            }
            Self::Key { .. } => Ok(()),
            Self::Job { key, .. } => Err(own_job_only(*key)),
        }
    }

    /// An error unless the caller may manage API keys.
    pub fn may_administer(&self) -> Result<()> {
        if matches!(self, Self::Key { role: Role::Admin, .. }) {
            return Ok(());
        }
        let message = "this needs a key of role admin".to_owned();
        Err(Error::Forbidden { message, required: Some(Role::Admin) })
    }

    /// Numbers of the projects that the caller reaches; `None`: all. An error for a job token.
    pub fn reach(&self) -> Result<Option<&[u64]>> {
        match self {
            Self::Key { projects, .. } => Ok(projects.as_deref()),
            Self::Job { key, .. } => Err(own_job_only(*key)),
        }
    }

    /// An error unless the caller may read this job.
    pub fn may_read(&self, job: JobKey) -> Result<()> {
        match self {
            Self::Job { key, .. } if *key == job => Ok(()),
            Self::Key { .. } | Self::Job { .. } => self.may(Role::Read, job.project),
        }
    }

    /// Who must hold the job for the caller to write to it; an error when it may not. With a
    /// `fence`, the attempt of that fence must still hold the job, whoever calls.
    pub fn may_write(&self, job: JobKey, fence: Option<Fence>) -> Result<Holder> {
        match (self, fence) {
            (Self::Job { key, attempt, .. }, None) if *key == job => Ok(Holder::Attempt(*attempt)),
            (Self::Job { key, .. }, Some(fence)) if *key == job => Ok(Holder::Fence(fence)),
            (Self::Key { role, .. }, Some(fence)) if *role >= Role::Worker => {
                self.may(Role::Worker, job.project)?;
                Ok(Holder::Fence(fence))
            }
            (Self::Key { name, role: Role::Worker, .. }, None) => {
                self.may(Role::Worker, job.project)?;
                Ok(Holder::StartedBy(name.clone()))
            }
            (Self::Key { .. } | Self::Job { .. }, _) => {
                self.may(Role::User, job.project)?;
                Ok(Holder::Anyone)
            }
        }
    }
}

fn own_job_only(key: JobKey) -> Error {
    Error::forbidden(format!("a job token reaches only its own job, {key}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(role: Role, projects: Option<Vec<u64>>) -> Caller {
        let name = Actor::parse("ann").unwrap();
        Caller::Key { id: "k".to_owned(), name, role, projects }
    }

    fn token(key: &str) -> Caller {
        let actor = Actor::parse("ann").unwrap();
        Caller::Job { key: JobKey::parse(key).unwrap(), attempt: 2, actor }
    }

    #[test]
    fn a_role_may_do_all_that_lower_roles_may() {
        let project = ProjectId::new(53).unwrap();
        let table = Role::ALL
            .map(|role| Role::ALL.map(|least| key(role, None).may(least, project).is_ok()));
        assert_eq!(
            table,
            [
                [true, false, false, false],
                [true, true, false, false],
                [true, true, true, false],
                [true, true, true, true],
            ]
        );
    }

    #[test]
    fn a_key_reaches_only_its_projects() {
        let of = |id| ProjectId::new(id).unwrap();
        let user = key(Role::User, Some(vec![53, 54]));
        assert!(user.may(Role::Read, of(53)).is_ok());
        let message = user.may(Role::Read, of(55)).unwrap_err().to_string();
        assert_eq!(message, "this key does not reach project 55");
    }

    #[test]
    fn workers_must_hold_a_job_to_write_to_it_and_users_need_not() {
        let job = JobKey::parse("53/7/81").unwrap();
        let fence = Fence::random().unwrap();
        let ann = Actor::parse("ann").unwrap();
        let held = |caller: Caller, fence| caller.may_write(job, fence).ok();
        assert_eq!(held(key(Role::Read, None), None), None);
        assert_eq!(held(key(Role::Read, None), Some(fence.clone())), None);
        assert_eq!(held(key(Role::Worker, None), None), Some(Holder::StartedBy(ann)));
        assert_eq!(held(key(Role::User, None), None), Some(Holder::Anyone));
        assert_eq!(held(key(Role::Admin, Some(vec![1])), None), None);
        assert_eq!(held(token("53/7/81"), None), Some(Holder::Attempt(2)));
        assert_eq!(held(token("53/7/82"), None), None);
        assert_eq!(held(token("53/7/82"), Some(fence.clone())), None);
        for caller in [key(Role::Worker, None), key(Role::Admin, None), token("53/7/81")] {
            assert_eq!(held(caller, Some(fence.clone())), Some(Holder::Fence(fence.clone())));
        }
    }
}
