//! `WatchJobs`: events as messages, as long as the reader takes them and may read them.

mod query;

use std::sync::Arc;

use futures::StreamExt as _;
use prost::Message as _;
use spiderq_proto::v1::{self, watch_jobs_response::Event};
use tonic::{Status, codegen::BoxStream, metadata::MetadataMap};

use self::query::{Needed, cursor_text};
pub(super) use self::query::{Source, decode};
use super::{encode, outbox, outbox::Outbox, view::View};
use crate::{
    auth::{Credentials, Permit},
    domain::{Domain, EventCursor, EventKind, JobEvent, Progress, WatchItem},
};
use spiderq_core::{
    error::{Error, Result},
    limits::WATCH_READ_TIMEOUT,
    model::{Job, ProjectId},
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
    async fn recheck(&self, needed: &Needed) -> Result<()> {
        let auth = self.domain.auth();
        auth.recheck(self.credentials.as_ref(), |caller| needed.by(caller)).await
    }

    /// Returns when the reader may no longer watch.
    async fn refused(&self, needed: &Needed) -> Error {
        let auth = self.domain.auth();
        auth.refused(self.credentials.as_ref(), |caller| needed.by(caller)).await
    }

    /// Whether the credentials are a job's token, which ends with the attempt that it was made for.
    const fn has_token(&self) -> bool {
        matches!(self.credentials, Some(Credentials::Token { .. }))
    }
}

/// The messages of a watch. The last one is a status that says why it ends, with the cursor
/// of the message before.
pub(super) fn stream(
    watch: Source,
    reader: Reader,
    permit: Arc<Permit>,
) -> BoxStream<v1::WatchJobsResponse> {
    let send = |outbox| async move {
        let _permit = permit;
        let mut sender = Sender { last: None, outbox };
        let end = sender.send(watch, &reader).await;
        let Err(error) = end else {
            return;
        };
        super::log("WatchJobs", &reader.request_id, &error);
        let cursor = sender.last.map(|(project, last)| cursor_text(project, last));
        let metadata = cursor.map(|cursor| ("cursor".to_owned(), cursor)).into_iter().collect();
        let status = super::status::with(&error, metadata);
        sender.outbox.end(Err(status));
    };
    outbox::stream_of(send).boxed()
}

struct Sender {
    /// That of the event of the last message.
    last: Option<(ProjectId, EventCursor)>,
    outbox: Outbox<Message>,
}

impl Sender {
    /// Never returns without an error.
    async fn send(&mut self, mut watch: Source, reader: &Reader) -> Result<()> {
        let needed = watch.needed();
        let (shutdown, refused) = (watch.shutdown(), reader.refused(&needed));
        let (mut shutdown, mut refused) = (std::pin::pin!(shutdown), std::pin::pin!(refused));
        if let Source::One(watch) = &watch {
            self.put(moved(), (watch.query().project, watch.last())).await?;
        }
        loop {
            let (project, last, items) = tokio::select! {
                () = shutdown.as_mut() => return Err(Error::ShuttingDown),
                error = refused.as_mut() => return Err(error),
                watched = watch.next() => watched?,
            };
            if items.is_empty() {
                continue;
            }
            // The event that ends the attempt is also for the bearer of its token.
            if !reader.has_token() {
                reader.recheck(&needed).await?;
            }
            for item in items {
                let (cursor, message) = message(item, last);
                tokio::select! {
                    () = shutdown.as_mut() => return Err(Error::ShuttingDown),
                    put = self.put(message, (project, cursor)) => put?,
                }
            }
            if reader.has_token() {
                reader.recheck(&needed).await?;
            }
        }
    }

    async fn put(
        &mut self,
        mut message: v1::WatchJobsResponse,
        (project, last): (ProjectId, EventCursor),
    ) -> Result<()> {
        message.cursor = cursor_text(project, last);
        let bytes = message.encoded_len();
        let put = self.outbox.put(Ok(message), bytes).await;
        put.map_err(|_| Error::SlowReader(WATCH_READ_TIMEOUT.as_secs()))?;
        self.last = Some((project, last));
        Ok(())
    }
}

/// The place of the event, or of the `last` before, and a message whose cursor is still to be set.
fn message(item: WatchItem, last: EventCursor) -> (EventCursor, v1::WatchJobsResponse) {
    match item {
        WatchItem::Progress(progress) => (last, counted(progress)),
        WatchItem::Event(event, job) => (event.cursor, encoded(&event, job.map(|job| *job))),
        WatchItem::Skipped(last) => (last, moved()),
    }
}

fn counted(progress: Progress) -> v1::WatchJobsResponse {
    let counters = encode::counters(progress.counters);
    let attempt = progress.attempt.try_into().unwrap_or(i32::MAX);
    let job = Some(encode::key_of_job(progress.key));
    let event = Some(Event::Progress(v1::JobProgress { counters, attempt }));
    v1::WatchJobsResponse { job, event, ..v1::WatchJobsResponse::default() }
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
    use spiderq_core::model::{Counters, JobKey};

    const CURSOR: EventCursor = EventCursor { number: 31, stamp: 0xab };

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

    #[test]
    fn progress_is_told_at_the_place_of_the_last_event() {
        let key = JobKey::parse("53/7/81").unwrap();
        let counters = Counters { items: Some(5), ..Counters::default() };
        let progress = WatchItem::Progress(Progress { key, attempt: 2, counters });
        let (cursor, message) = message(progress, CURSOR);
        assert_eq!((cursor, message.job), (CURSOR, Some(encode::key_of_job(key))));
        let counters = Some(v1::JobCounters { items: Some(5), ..Default::default() });
        let told = Event::Progress(v1::JobProgress { counters, attempt: 2 });
        assert_eq!(message.event, Some(told));
    }
}
