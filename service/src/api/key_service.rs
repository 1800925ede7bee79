//! `KeyService`: API keys.

use spiderq_proto::v1::{self, key_service_server::KeyService};
use tonic::{Request, async_trait};

use super::{Answer, Calls};
use crate::auth::Caller;
use spiderq_core::{
    error::{Error, Result},
    model::{Actor, ProjectId, Role},
    store::ApiKeyRecord,
};

/// `spiderq.v1.KeyService` over the keys.
#[derive(Clone, Debug)]
pub struct KeyApi(pub(crate) Calls);

#[async_trait]
impl KeyService for KeyApi {
    async fn create_key(
        &self,
        request: Request<v1::CreateKeyRequest>,
    ) -> Answer<v1::CreateKeyResponse> {
        self.0
            .call("CreateKey", request, |on, message| async move {
                on.caller.may_administer()?;
                let name = Actor::parse(&message.name)?;
                let role = role(message.role)?;
                let projects = projects(role, message.projects)?;
                let (key, record) = on.domain.auth().create_key(&name, role, projects).await?;
                Ok(v1::CreateKeyResponse {
                    secret: key.expose().to_owned(),
                    key: Some(api_key(record)),
                })
            })
            .await
    }

    async fn list_keys(
        &self,
        request: Request<v1::ListKeysRequest>,
    ) -> Answer<v1::ListKeysResponse> {
        self.0
            .call("ListKeys", request, |on, _| async move {
                on.caller.may_administer()?;
                let keys = on.domain.auth().list_keys().await?;
                Ok(v1::ListKeysResponse { keys: keys.into_iter().map(api_key).collect() })
            })
            .await
    }

    async fn revoke_key(
        &self,
        request: Request<v1::RevokeKeyRequest>,
    ) -> Answer<v1::RevokeKeyResponse> {
        self.0
            .call("RevokeKey", request, |on, message| async move {
                on.caller.may_administer()?;
                on.domain.auth().revoke_key(&message.id).await?;
                Ok(v1::RevokeKeyResponse {})
            })
            .await
    }

    async fn get_identity(
        &self,
        request: Request<v1::GetIdentityRequest>,
    ) -> Answer<v1::GetIdentityResponse> {
        self.0
            .call("GetIdentity", request, |on, _| async move {
                match on.caller {
                    Caller::Key { name, role, projects } => Ok(v1::GetIdentityResponse {
                        name: name.to_string(),
                        role: proto_role(role).into(),
                        projects: numbers(projects),
                    }),
                    Caller::Job { .. } => {
                        Err(Error::Forbidden("a job token has no identity".to_owned()))
                    }
                }
            })
            .await
    }
}

fn role(number: i32) -> Result<Role> {
    let bad = || Error::invalid("role", "must be read, worker, user or admin");
    match v1::Role::try_from(number).map_err(|_| bad())? {
        v1::Role::Unspecified => Err(bad()),
        v1::Role::Read => Ok(Role::Read),
        v1::Role::Worker => Ok(Role::Worker),
        v1::Role::User => Ok(Role::User),
        v1::Role::Admin => Ok(Role::Admin),
    }
}

const fn proto_role(role: Role) -> v1::Role {
    match role {
        Role::Read => v1::Role::Read,
        Role::Worker => v1::Role::Worker,
        Role::User => v1::Role::User,
        Role::Admin => v1::Role::Admin,
    }
}

/// An admin manages every project's keys, so an admin key of some projects would be a lie.
fn projects(role: Role, numbers: Vec<i64>) -> Result<Option<Vec<u64>>> {
    if numbers.is_empty() {
        return Ok(None);
    }
    if role == Role::Admin {
        return Err(Error::invalid("projects", "must be empty for the role admin"));
    }
    let ids = numbers.into_iter().map(|number| ProjectId::new(number).map(ProjectId::get));
    let ids = ids.collect::<Result<_>>().map_err(|error| error.with_field("projects"))?;
    Ok(Some(ids))
}

fn numbers(projects: Option<Vec<u64>>) -> Vec<i64> {
    let projects = projects.unwrap_or_default();
    projects.into_iter().filter_map(|id| id.try_into().ok()).collect()
}

fn api_key(record: ApiKeyRecord) -> v1::ApiKey {
    v1::ApiKey {
        id: record.id,
        name: record.name,
        role: proto_role(record.role).into(),
        projects: numbers(record.projects),
        created: record.created.try_into().unwrap_or(i64::MAX),
    }
}
