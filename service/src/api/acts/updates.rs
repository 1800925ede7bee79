//! What of an `UpdateQueue` is an act: deletions, restores, and changes of all jobs of a spider.
//! What workers do with it, above all ending their jobs, is none.

use spiderq_proto::v1::{self, job_update::Target, updated_job::Result::Made};

use super::{
    Audited, Subject, Telling,
    subjects::{named, spider},
};

/// What an update may be.
enum Kind {
    /// Of all jobs of this spider.
    Spider(String),
    Deletion(String),
    /// It ends the job, or restores it where that is deleted.
    End,
    Other,
}

impl Kind {
    fn of(update: &v1::JobUpdate) -> Self {
        match (&update.target, update.state()) {
            (Some(Target::Spider(named)), _) => Self::Spider(spider(named)),
            (Some(Target::Key(key)), v1::JobState::Deleted) => Self::Deletion(key.clone()),
            (Some(Target::Key(_)), v1::JobState::Finished) => Self::End,
            (Some(Target::Key(_)), _) | (None, _) => Self::Other,
        }
    }

    /// Whether it was an act, in a job that was in state `before`.
    fn is_act(&self, before: v1::JobState) -> bool {
        match self {
            Self::Spider(_) => true,
            Self::Deletion(_) => before != v1::JobState::Deleted,
            Self::End => before == v1::JobState::Deleted,
            Self::Other => false,
        }
    }
}

impl Audited for v1::UpdateQueueRequest {
    type Response = v1::UpdateQueueResponse;

    fn act(&self) -> Telling<Self::Response> {
        let kinds: Vec<Kind> = self.updates.iter().map(Kind::of).collect();
        let project = self.project;
        Box::new(move |response| match response {
            Some(response) => done(project, &kinds, response),
            None => asked(project, &kinds),
        })
    }
}

fn done(project: i64, kinds: &[Kind], response: &v1::UpdateQueueResponse) -> Option<Subject> {
    let (mut count, mut deleted, mut restored) = (0, Vec::new(), Vec::new());
    for updated in &response.results {
        let kind = usize::try_from(updated.update_index).ok().and_then(|index| kinds.get(index));
        let (Some(kind), Some(Made(made))) = (kind, &updated.result) else { continue };
        if !kind.is_act(made.previous_state()) {
            continue;
        }
        count += 1;
        match kind {
            Kind::Deletion(_) => deleted.push(updated.key.as_str()),
            Kind::End => restored.push(updated.key.as_str()),
            Kind::Spider(_) | Kind::Other => {}
        }
    }
    let mut parts = spiders(kinds);
    if !deleted.is_empty() {
        parts.push(format!("deletes {}", named(&deleted)));
    }
    if !restored.is_empty() {
        parts.push(format!("restores {}", named(&restored)));
    }
    (count > 0).then(|| Subject { project, text: parts.join("; "), count: Some(count) })
}

/// Of a call that failed as a whole.
fn asked(project: i64, kinds: &[Kind]) -> Option<Subject> {
    let mut parts = spiders(kinds);
    let keys = kinds.iter().filter_map(|kind| match kind {
        Kind::Deletion(key) => Some(key),
        Kind::Spider(_) | Kind::End | Kind::Other => None,
    });
    let keys: Vec<&String> = keys.collect();
    if !keys.is_empty() {
        parts.push(format!("deletes {}", named(keys)));
    }
    (!parts.is_empty()).then(|| Subject { project, text: parts.join("; "), count: None })
}

fn spiders(kinds: &[Kind]) -> Vec<String> {
    let names = kinds.iter().filter_map(|kind| match kind {
        Kind::Spider(name) => Some(name),
        Kind::Deletion(_) | Kind::End | Kind::Other => None,
    });
    let names: Vec<&String> = names.collect();
    if names.is_empty() {
        Vec::new()
    } else {
        vec![format!("all jobs of spiders {}", named(names))]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn update(target: Target, state: v1::JobState) -> v1::JobUpdate {
        v1::JobUpdate { target: Some(target), state: state.into(), ..Default::default() }
    }

    fn made(index: i32, key: &str, before: v1::JobState) -> v1::UpdatedJob {
        let result = Some(Made(v1::MadeUpdate { previous_state: before.into() }));
        v1::UpdatedJob { key: key.to_owned(), update_index: index, result }
    }

    fn told(updates: Vec<v1::JobUpdate>, results: Option<Vec<v1::UpdatedJob>>) -> Option<Subject> {
        let request = v1::UpdateQueueRequest { project: 53, updates, ..Default::default() };
        let response = results.map(|results| v1::UpdateQueueResponse { results });
        request.act()(response.as_ref())
    }

    #[test]
    fn the_end_of_a_job_is_no_act_but_its_restore_is() {
        use v1::JobState::{Deleted, Finished, Running};
        let updates = || vec![update(Target::Key("53/1/1".to_owned()), Finished)];
        assert_eq!(told(updates(), Some(vec![made(0, "53/1/1", Running)])), None);
        assert_eq!(told(updates(), None), None);
        let restored = told(updates(), Some(vec![made(0, "53/1/1", Deleted)])).unwrap();
        assert_eq!((restored.text.as_str(), restored.count), ("restores 53/1/1", Some(1)));
    }

    #[test]
    fn deletions_and_changes_of_a_spider_are_acts() {
        use v1::JobState::{Deleted, Finished, Unspecified};
        let name = v1::spider_ref::Spider::Name("books".to_owned());
        let spider = Target::Spider(v1::SpiderRef { spider: Some(name) });
        let updates = || {
            vec![
                update(spider.clone(), Unspecified),
                update(Target::Key("53/1/1".to_owned()), Deleted),
            ]
        };
        let results = vec![
            made(0, "53/1/1", Finished),
            made(0, "53/1/2", Finished),
            made(1, "53/1/1", Finished),
        ];
        let text = "all jobs of spiders books; deletes 53/1/1".to_owned();
        let of = |count| Some(Subject { project: 53, text: text.clone(), count });
        assert_eq!(told(updates(), Some(results)), of(Some(3)));
        assert_eq!(told(updates(), None), of(None));
        assert_eq!(told(updates(), Some(Vec::new())), None);
    }
}
