//! The messages of workers and of the queue's updates and lists.

use spiderq_proto::{
    time::duration,
    v1::{self, job_update::Target},
};
use tokio::time::Instant;

use super::{decode, encode, fields::Fields, filter, view::View};
use crate::{
    auth::{Caller, Credentials},
    domain::{
        Heartbeat, ListOrder, ListQuery, QueueUpdate, StartJob, UpdateTarget, UpdatedJob,
        request_id::RequestId,
    },
};
use spiderq_core::{
    error::{Error, Result},
    limits::DEFAULT_QUEUE_COUNT,
    model::{ClaimFilter, Job, JobKey, Millis, ProjectId, Units},
};

/// The waiting time is not part of the request: a call that is made again may wait longer.
pub(super) fn start_id(
    message: &v1::StartJobRequest,
    caller: &Caller,
) -> Result<Option<RequestId>> {
    if message.request_id.is_empty() {
        return Ok(None);
    }
    let mut asked = message.clone();
    asked.wait = None;
    decode::request_id(&message.request_id, caller, "StartJob", &asked)
}

/// Whether the call may stand for a while.
pub(super) fn waits(message: &v1::StartJobRequest) -> bool {
    decode::span(message.wait).is_some_and(|wait_ms| wait_ms > 0)
}

pub(super) fn start(
    message: v1::StartJobRequest,
    deadline: Option<Instant>,
    credentials: Option<Credentials>,
) -> Result<StartJob> {
    let mut fields = Fields::default();
    let project = fields.field("project", decode::project(message.project, None));
    let max_units = fields.field("max_units", max_units(message.max_units));
    let spiders = fields.within("spiders", decode::spiders(message.spiders));
    let has_tags = fields.within("has_tags", decode::tags(&message.has_tags, "has_tags"));
    let lacks_tags = fields.within("lacks_tags", decode::tags(&message.lacks_tags, "lacks_tags"));
    let metadata = fields.part(decode::metadata(message.metadata_json));
    let (
        Some(project),
        Some(max_units),
        Some((names, numbers)),
        Some(has_tags),
        Some(lacks_tags),
        Some(metadata),
    ) = (project, max_units, spiders, has_tags, lacks_tags, metadata)
    else {
        return Err(fields.into_error());
    };
    Ok(StartJob {
        project,
        filter: ClaimFilter { spiders: names, has_tags, lacks_tags, max_units },
        spiders: numbers,
        metadata,
        lease_ms: decode::span(message.lease),
        wait_ms: decode::span(message.wait).unwrap_or(0),
        deadline,
        credentials,
    })
}

fn max_units(number: i32) -> Result<Option<Units>> {
    match number {
        0 => Ok(None),
        most => decode::units(Some(most)).map_err(|error| error.with_field("max_units")),
    }
}

pub(super) fn heartbeat(message: v1::HeartbeatRequest) -> Result<Heartbeat> {
    let mut fields = Fields::default();
    let key = fields.field("key", JobKey::parse(&message.key));
    let fence = fields.field("fence", decode::fence(&message.fence));
    let counters = fields.within("counters", decode::counters(message.counters));
    let (Some(key), Some(fence), Some(counters)) = (key, fence, counters) else {
        return Err(fields.into_error());
    };
    Ok(Heartbeat { key, fence, lease_ms: decode::span(message.lease), counters })
}

/// The updates of a request.
pub(super) enum UpdateRequest {
    /// Of the project given, or else of the first that is well-formed; the domain refuses those of
    /// others.
    OfProject(ProjectId, Vec<Result<QueueUpdate>>),
    /// None is well-formed, so that no project is known.
    Malformed(Vec<UpdatedJob>),
}

impl UpdateRequest {
    pub(super) fn decode(project: i64, messages: Vec<v1::JobUpdate>) -> Result<Self> {
        let has_spider = messages.iter().any(|one| matches!(one.target, Some(Target::Spider(_))));
        let project = match project {
            // The domain refuses a request without updates once it knows the project.
            0 if messages.is_empty() => {
                return Err(Error::invalid("updates", "at least one is required"));
            }
            0 if !has_spider => messages.iter().find_map(project_of_key),
            number => Some(decode::project(number, None)?),
        };
        let updates: Vec<_> = messages.into_iter().map(update).collect();
        Ok(match project {
            Some(project) => Self::OfProject(project, updates),
            None => {
                let refused = updates.into_iter().enumerate().filter_map(|(update, result)| {
                    let result = Err(result.err()?);
                    Some(UpdatedJob { key: None, update, result })
                });
                Self::Malformed(refused.collect())
            }
        })
    }
}

fn project_of_key(message: &v1::JobUpdate) -> Option<ProjectId> {
    match &message.target {
        Some(Target::Key(key)) => Some(JobKey::parse(key).ok()?.project),
        Some(Target::Spider(_)) | None => None,
    }
}

fn target(target: Option<Target>) -> Result<UpdateTarget> {
    match target {
        Some(Target::Key(key)) => {
            JobKey::parse(&key).map(UpdateTarget::Job).map_err(|error| error.at("key"))
        }
        Some(Target::Spider(spider)) => {
            let spider = decode::spider_ref(Some(spider), "spider");
            spider.map(UpdateTarget::Spider).map_err(|error| error.within("spider"))
        }
        None => Err(Error::invalid("key", "is required, or spider")),
    }
}

/// Errors name fields within the message.
fn update(message: v1::JobUpdate) -> Result<QueueUpdate> {
    let mut fields = Fields::default();
    let target = fields.part(target(message.target));
    let state = fields.field("state", decode::state(message.state));
    let metadata = fields.part(decode::metadata(message.metadata_json));
    let tags = fields.within("tag_changes", decode::tag_changes(message.tag_changes));
    let priority = fields.field("priority", decode::priority(message.priority));
    let units = fields.field("units", decode::units(message.units));
    let counters = fields.within("counters", decode::counters(message.counters));
    let fence = fields.field("fence", decode::fence(&message.fence));
    let (
        Some(target),
        Some(state),
        Some(metadata),
        Some(tags),
        Some(priority),
        Some(units),
        Some(counters),
        Some(fence),
    ) = (target, state, metadata, tags, priority, units, counters, fence)
    else {
        return Err(fields.into_error());
    };
    let close_reason = message.close_reason;
    Ok(QueueUpdate {
        target,
        state,
        metadata,
        tags,
        priority,
        units,
        counters,
        fence,
        close_reason,
    })
}

pub(super) fn list(message: v1::ListQueueRequest) -> Result<(ListQuery, View)> {
    let mut fields = Fields::default();
    let jobs = fields.part(filter::selection(message.project, message.filter, filter::LIVE));
    let skip = fields.field("skip", decode::not_negative("skip", message.skip));
    let limit = fields.field("limit", decode::not_negative("limit", message.limit));
    let stop = decode::some(message.stop).map(|stop| JobKey::parse(&stop)).transpose();
    let stop = fields.field("stop", stop.map_err(|error| error.with_field("stop")));
    let view = fields.part(View::of(message.view, &message.metadata_fields));
    let (Some(jobs), Some(skip), Some(limit), Some(stop), Some(view)) =
        (jobs, skip, limit, stop, view)
    else {
        return Err(fields.into_error());
    };
    let limit = if limit == 0 { DEFAULT_QUEUE_COUNT } else { limit };
    let (order, fields) = (ListOrder::Given, view.fields.clone());
    let query = ListQuery { order, skip, limit, stop, fields, ..ListQuery::from(jobs) };
    Ok((query, view))
}

pub(super) fn row(job: Job, view: &View, now: Millis) -> v1::ListQueueResponse {
    let elapsed = now.0.saturating_sub(job.position.ts().0);
    let elapsed = Some(duration(encode::count(elapsed)));
    v1::ListQueueResponse { job: Some(encode::job(job, view)), elapsed }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn update_of(key: &str) -> v1::JobUpdate {
        v1::JobUpdate { target: Some(Target::Key(key.to_owned())), ..v1::JobUpdate::default() }
    }

    #[test]
    fn updates_are_of_the_project_that_the_first_of_them_names() {
        let decode = |project, keys: &[&str]| {
            UpdateRequest::decode(project, keys.iter().map(|key| update_of(key)).collect())
        };
        for (given, expected) in [(0, 53), (54, 54)] {
            match decode(given, &["x", "53/7/1", "54/1/1"]).unwrap() {
                UpdateRequest::OfProject(project, updates) => {
                    assert_eq!((project.get(), updates.len()), (expected, 3));
                    assert!(updates[0].is_err() && updates[1].is_ok());
                }
                UpdateRequest::Malformed(_) => panic!("two are well-formed"),
            }
        }
        assert!(matches!(decode(53, &["x"]), Ok(UpdateRequest::OfProject(..))));
        match decode(0, &["x", ""]).unwrap() {
            UpdateRequest::Malformed(refused) => {
                let updates: Vec<usize> = refused.iter().map(|one| one.update).collect();
                assert_eq!(updates, [0, 1]);
            }
            UpdateRequest::OfProject(..) => panic!("there is no project"),
        }
        assert!(decode(-1, &["53/7/1"]).is_err());
        let spider = v1::SpiderRef { spider: Some(v1::spider_ref::Spider::Id(7)) };
        let target = Some(Target::Spider(spider));
        let of_spider = v1::JobUpdate { target, ..v1::JobUpdate::default() };
        let refused = UpdateRequest::decode(0, vec![of_spider]).err().unwrap().to_string();
        assert_eq!(refused, "project: must be a positive integer");
        let refused = decode(0, &[]).err().unwrap().to_string();
        assert_eq!(refused, "updates: at least one is required");
    }

    #[test]
    fn every_wrong_field_of_an_update_is_named() {
        let wrong = v1::JobUpdate {
            state: 9,
            priority: Some(-1),
            counters: Some(v1::JobCounters { pages: Some(-1), ..Default::default() }),
            ..update_of("x")
        };
        let violations = update(wrong).unwrap_err().violations();
        let paths: Vec<&str> = violations.iter().map(|one| one.path.as_str()).collect();
        assert_eq!(paths, ["key", "state", "priority", "counters.pages"]);
    }

    #[test]
    fn a_call_that_waits_longer_is_the_same_request() {
        use spiderq_core::model::{Actor, Role};
        let name = Actor::parse("ann").unwrap();
        let caller = Caller::Key { id: "k".to_owned(), name, role: Role::Worker, projects: None };
        let id = |wait_ms| {
            let request_id = "id".to_owned();
            let wait = Some(duration(wait_ms));
            let message = v1::StartJobRequest { request_id, wait, ..Default::default() };
            format!("{:?}", start_id(&message, &caller).unwrap())
        };
        assert_eq!(id(1), id(2));
    }
}
