//! `WatchJobs`: events as messages, as long as the reader takes them and may read them.

use std::{collections::HashMap, sync::Arc};

use futures::StreamExt as _;
use prost::Message as _;
use spiderq_proto::v1::{self, watch_jobs_response::Event};
use tonic::{Status, codegen::BoxStream, metadata::MetadataMap};

use super::{decode, encode, fields::Fields, outbox, outbox::Outbox, view::View};
use crate::{
    auth::{Credentials, Permit},
    domain::{Domain, EventCursor, EventKind, JobEvent, Watch, WatchItem, WatchQuery},
};
use spiderq_core::{
    error::{Error, Result},
    limits::WATCH_READ_TIMEOUT,
    model::{Job, JobKey, ProjectId},
};

/// Who reads the watch.
pub(super) struct Reader {
    domain: Arc<Domain>,
    credentials: Option<Credentials>,
    request_id: String,
}

type Message = Result<v1::WatchJobsResponse, Status>;

impl Reader {
    pub(super) fn new(domain: &Arc<Domain>, metadata: &MetadataMap) -> Self {
        Self {
            domain: Arc::clone(domain),
            credentials: super::credentials(metadata.as_ref()),
            request_id: super::request_id(metadata.as_ref()).to_owned(),
        }
    }

    /// Authenticates and authorizes the reader once more.
    async fn recheck(&self, query: &WatchQuery) -> Result<()> {
        let auth = self.domain.auth();
        auth.recheck(self.credentials.as_ref(), |caller| query.allows(caller)).await
    }

    /// Returns when the reader may no longer watch.
    async fn refused(&self, query: &WatchQuery) -> Error {
        let auth = self.domain.auth();
        auth.refused(self.credentials.as_ref(), |caller| query.allows(caller)).await
    }

    /// Whether the credentials are a job's token, which ends with the attempt that it was made for.
    const fn has_token(&self) -> bool {
        matches!(self.credentials, Some(Credentials::Token { .. }))
    }
}

pub(super) fn decode(message: v1::WatchJobsRequest) -> Result<WatchQuery> {
    let mut fields = Fields::default();
    let key = decode::some(message.key).map(|key| JobKey::parse(&key)).transpose();
    let key = fields.field("key", key);
    let named = key.as_ref().and_then(Option::as_ref);
    // A key that is wrong itself must not make the project wrong too.
    let project = match (message.project, &key) {
        (0, None) => None,
        (number, _) => fields.field("project", decode::project(number, named)),
    };
    let spider = fields.within("spider", decode::some_spider_ref(message.spider, "spider"));
    let after = project.map(|project| {
        decode::some(message.cursor).map(|cursor| parse_cursor(project, &cursor)).transpose()
    });
    let after = after.and_then(|after| fields.field("cursor", after));
    let (Some(project), Some(spider), Some(key), Some(after)) = (project, spider, key, after)
    else {
        return Err(fields.into_error());
    };
    Ok(WatchQuery { project, spider, key, after })
}

/// Project, number of an event and its stamp, in hexadecimal: `35-1f-6f0c2a`.
fn cursor_text(project: ProjectId, EventCursor { number, stamp }: EventCursor) -> String {
    format!("{:x}-{number:x}-{stamp:x}", project.get())
}

/// [`Error::CursorGone`] for a cursor without a stamp, as earlier versions gave them: it may be of
/// events that were lost since.
fn parse_cursor(project: ProjectId, text: &str) -> Result<EventCursor> {
    let mut words = text.split('-');
    let mut number = || words.next().and_then(|word| u64::from_str_radix(word, 16).ok());
    let (of_project, number, stamp) = (number(), number(), number());
    // There is one way to write a number: others were not given by this service.
    if let (Some(_), Some(number), None) = (of_project, number, stamp)
        && text == format!("{:x}-{number:x}", project.get())
    {
        return Err(Error::CursorGone);
    }
    let cursor = number.zip(stamp).map(|(number, stamp)| EventCursor { number, stamp });
    cursor.filter(|cursor| cursor_text(project, *cursor) == text).ok_or_else(|| {
        let message = "must be one that a watch of this project gave";
        Error::invalid("cursor", message)
    })
}

/// The messages of a watch. The last one is a status that says why it ends, with the cursor
/// of the message before.
pub(super) fn stream(
    watch: Watch,
    reader: Reader,
    permit: Arc<Permit>,
) -> BoxStream<v1::WatchJobsResponse> {
    let send = |outbox| async move {
        let _permit = permit;
        let mut sender = Sender { project: watch.query().project, last: watch.last(), outbox };
        let end = sender.send(watch, &reader).await;
        let Err(error) = end else {
            return;
        };
        super::log("WatchJobs", &reader.request_id, &error);
        let cursor = cursor_text(sender.project, sender.last);
        let metadata = HashMap::from([("cursor".to_owned(), cursor)]);
        let status = super::status::with(&error, metadata);
        sender.outbox.end(Err(status));
    };
    outbox::stream_of(send).boxed()
}

struct Sender {
    project: ProjectId,
    /// That of the event of the last message.
    last: EventCursor,
    outbox: Outbox<Message>,
}

impl Sender {
    /// Never returns without an error.
    async fn send(&mut self, mut watch: Watch, reader: &Reader) -> Result<()> {
        let query = watch.query().clone();
        let (shutdown, refused) = (watch.shutdown(), reader.refused(&query));
        let (mut shutdown, mut refused) = (std::pin::pin!(shutdown), std::pin::pin!(refused));
        self.put(moved(), self.last).await?;
        loop {
            let items = tokio::select! {
                () = shutdown.as_mut() => return Err(Error::ShuttingDown),
                error = refused.as_mut() => return Err(error),
                items = watch.next() => items?,
            };
            if items.is_empty() {
                continue;
            }
            // The event that ends the attempt is also for the bearer of its token.
            if !reader.has_token() {
                reader.recheck(&query).await?;
            }
            for item in items {
                let (cursor, message) = message(item);
                tokio::select! {
                    () = shutdown.as_mut() => return Err(Error::ShuttingDown),
                    put = self.put(message, cursor) => put?,
                }
            }
            if reader.has_token() {
                reader.recheck(&query).await?;
            }
        }
    }

    async fn put(&mut self, mut message: v1::WatchJobsResponse, last: EventCursor) -> Result<()> {
        message.cursor = cursor_text(self.project, last);
        let bytes = message.encoded_len();
        let put = self.outbox.put(Ok(message), bytes).await;
        put.map_err(|_| Error::SlowReader(WATCH_READ_TIMEOUT.as_secs()))?;
        self.last = last;
        Ok(())
    }
}

/// The place of the event, and a message whose cursor is still to be set.
fn message(item: WatchItem) -> (EventCursor, v1::WatchJobsResponse) {
    match item {
        WatchItem::Event(event, job) => (event.cursor, encoded(&event, job.map(|job| *job))),
        WatchItem::Skipped(last) => (last, moved()),
    }
}

fn moved() -> v1::WatchJobsResponse {
    let event = Some(Event::CursorMoved(v1::CursorMoved {}));
    v1::WatchJobsResponse { event, ..v1::WatchJobsResponse::default() }
}

/// The event with the job as it is now; of one that was purged since, just its key.
fn encoded(event: &JobEvent, job: Option<Job>) -> v1::WatchJobsResponse {
    let key_alone = || encode::key_of_job(event.key);
    let job = Some(job.map_or_else(key_alone, |job| encode::job(job, &View::row())));
    let state = encode::state(event.state).into();
    let previous_state = event.previous.map_or(0, |state| encode::state(state).into());
    let event = Some(match event.kind() {
        EventKind::Created => Event::Created(v1::JobCreated { state }),
        EventKind::StateChanged => {
            Event::StateChanged(v1::JobStateChanged { previous_state, state })
        }
        EventKind::StopRequested => Event::StopRequested(v1::JobStopRequested {}),
        EventKind::Restored => Event::Restored(v1::JobRestored {}),
        EventKind::Purged => Event::Purged(v1::JobPurged {}),
    });
    v1::WatchJobsResponse { job, event, ..v1::WatchJobsResponse::default() }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CURSOR: EventCursor = EventCursor { number: 31, stamp: 0xab };

    #[test]
    fn a_cursor_belongs_to_its_project_and_is_written_in_one_way() {
        let project = ProjectId::new(53).unwrap();
        let text = cursor_text(project, CURSOR);
        assert_eq!(text, "35-1f-ab");
        assert_eq!(parse_cursor(project, &text).unwrap(), CURSOR);
        let first = EventCursor { number: 0, stamp: 0 };
        assert_eq!(parse_cursor(project, "35-0-0").unwrap(), first);
        let other = ProjectId::new(54).unwrap();
        assert!(parse_cursor(other, &text).is_err());
        let bad = ["35", "35-", "-1f", "35-1F", "35-01", "35-+1", "35-10000000000000000", "x"];
        let longer =
            ["35-1f-", "35-1f-AB", "35-1f-0ab", "35-1f-ab-", "35-1f-ab-1", "36-1f", "36-1f-ab"];
        for bad in bad.into_iter().chain(longer) {
            let refused = parse_cursor(project, bad).unwrap_err().to_string();
            assert_eq!(refused, "cursor: must be one that a watch of this project gave", "{bad}");
        }
    }

    #[test]
    fn a_cursor_of_before_the_stamps_is_gone() {
        let gone = parse_cursor(ProjectId::new(53).unwrap(), "35-1f");
        assert!(matches!(gone, Err(Error::CursorGone)));
    }

    #[test]
    fn the_project_of_a_watch_is_that_of_its_key() {
        let request = |project, key: &str, cursor: &str| v1::WatchJobsRequest {
            project,
            key: key.to_owned(),
            cursor: cursor.to_owned(),
            spider: None,
        };
        let query = decode(request(0, "53/7/81", "35-1f-ab")).unwrap();
        assert_eq!((query.project.get(), query.after), (53, Some(CURSOR)));
        let paths = |request| {
            let violations = decode(request).unwrap_err().violations();
            violations.into_iter().map(|one| one.path).collect::<Vec<_>>()
        };
        assert_eq!(paths(request(0, "", "")), ["project"]);
        assert_eq!(paths(request(0, "x", "y")), ["key"]);
        assert_eq!(paths(request(53, "x", "y")), ["key", "cursor"]);
    }

    #[test]
    fn an_event_of_a_purged_job_has_its_key_alone() {
        use spiderq_core::model::State;
        let event = |previous, state| {
            let key = JobKey::parse("53/7/81").unwrap();
            encoded(&JobEvent { cursor: CURSOR, key, state, previous, stop: false }, None)
        };
        let created = event(None, State::Pending);
        assert_eq!(created.job.unwrap().key, "53/7/81");
        let state = v1::JobState::Pending.into();
        assert_eq!(created.event, Some(Event::Created(v1::JobCreated { state })));
        let purged = event(Some(State::Deleted), State::Deleted);
        assert_eq!(purged.job.unwrap().key, "53/7/81");
        assert_eq!(purged.event, Some(Event::Purged(v1::JobPurged {})));
    }
}
