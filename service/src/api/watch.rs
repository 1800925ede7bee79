//! `WatchJobs`: events as messages, as long as the reader takes them and may read them.

use std::{collections::HashMap, sync::Arc};

use futures::StreamExt as _;
use prost::Message as _;
use spiderq_proto::v1;
use tokio::time::Instant;
use tonic::{Status, codegen::BoxStream, metadata::MetadataMap};

use super::{decode, encode, outbox, outbox::Outbox};
use crate::{
    auth::Credentials,
    domain::{Domain, Watch, WatchItem, WatchQuery},
};
use spiderq_core::{
    error::{Error, Result},
    limits::{WATCH_AUTH_TTL, WATCH_READ_TIMEOUT},
    model::{JobKey, ProjectId, SpiderName},
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
            credentials: super::credentials(metadata),
            request_id: super::request_id(metadata).to_owned(),
        }
    }

    /// Authenticates and authorizes the reader once more.
    async fn check(&self, query: &WatchQuery) -> Result<()> {
        let caller = self.domain.auth().caller(self.credentials.clone()).await?;
        query.allows(&caller)
    }
}

pub(super) fn decode(message: v1::WatchJobsRequest) -> Result<WatchQuery> {
    let project = decode::project(message.project)?;
    let some = |text: &str| !text.is_empty();
    let spider = Some(message.spider).filter(|name| some(name));
    let key = Some(message.key).filter(|key| some(key));
    let cursor = Some(message.cursor).filter(|cursor| some(cursor));
    Ok(WatchQuery {
        project,
        spider: spider.map(|name| SpiderName::parse(&name)).transpose()?,
        key: key.map(|key| JobKey::parse(&key)).transpose()?,
        after: cursor.map(|cursor| number(project, &cursor)).transpose()?,
    })
}

/// Project and number of an event, in hexadecimal: `35-1f`.
fn cursor(project: ProjectId, number: u64) -> String {
    format!("{:x}-{number:x}", project.get())
}

fn number(project: ProjectId, text: &str) -> Result<u64> {
    let parsed = text.split_once('-').and_then(|(_, number)| {
        let number = u64::from_str_radix(number, 16).ok()?;
        // There is one way to write a number: others were not given by this service.
        (cursor(project, number) == text).then_some(number)
    });
    parsed.ok_or_else(|| {
        let message = "must be one that a watch of this project gave";
        Error::invalid("cursor", message)
    })
}

/// The messages of a watch. The last one is a status that says why it ends, with the cursor
/// of the message before.
pub(super) fn stream(watch: Watch, reader: Reader) -> BoxStream<v1::WatchJobsResponse> {
    let send = |outbox| async move {
        let mut sender = Sender { project: watch.query().project, last: watch.last(), outbox };
        let end = sender.send(watch, &reader).await;
        let Err(error) = end else {
            return;
        };
        super::log("WatchJobs", &reader.request_id, &error);
        let cursor = cursor(sender.project, sender.last);
        let metadata = HashMap::from([("cursor".to_owned(), cursor)]);
        let status = super::status::with(&error, metadata);
        sender.outbox.end(Err(status));
    };
    outbox::stream_of(send).boxed()
}

struct Sender {
    project: ProjectId,
    /// Number of the event of the last message.
    last: u64,
    outbox: Outbox<Message>,
}

impl Sender {
    /// Never returns without an error.
    async fn send(&mut self, mut watch: Watch, reader: &Reader) -> Result<()> {
        let mut shutdown = std::pin::pin!(watch.shutdown());
        self.put(v1::WatchJobsResponse::default(), self.last).await?;
        let mut checked_at = Instant::now();
        loop {
            let items = tokio::select! {
                () = shutdown.as_mut() => return Err(Error::ShuttingDown),
                items = watch.next() => items?,
            };
            if checked_at.elapsed() >= WATCH_AUTH_TTL {
                reader.check(watch.query()).await?;
                checked_at = Instant::now();
            }
            for item in items {
                let (number, message) = message(item);
                tokio::select! {
                    () = shutdown.as_mut() => return Err(Error::ShuttingDown),
                    put = self.put(message, number) => put?,
                }
            }
        }
    }

    async fn put(&mut self, mut message: v1::WatchJobsResponse, number: u64) -> Result<()> {
        message.cursor = cursor(self.project, number);
        let bytes = message.encoded_len();
        let put = self.outbox.put(Ok(message), bytes).await;
        put.map_err(|_| Error::SlowReader(WATCH_READ_TIMEOUT.as_secs()))?;
        self.last = number;
        Ok(())
    }
}

/// The number of the event, and a message whose cursor is still to be set.
fn message(item: WatchItem) -> (u64, v1::WatchJobsResponse) {
    let (event, job) = match item {
        WatchItem::Event(event, job) => (event, job),
        WatchItem::Skipped(number) => return (number, v1::WatchJobsResponse::default()),
    };
    let purged = || v1::Job { key: event.key.to_string(), ..v1::Job::default() };
    let message = v1::WatchJobsResponse {
        job: Some(job.map_or_else(purged, |job| encode::job(*job))),
        previous_state: event.previous.map_or(0, |state| encode::state(state).into()),
        cursor: String::new(),
        state: encode::state(event.state).into(),
        stop_requested: event.stop,
    };
    (event.number, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_belongs_to_its_project_and_is_written_in_one_way() {
        let project = ProjectId::new(53).unwrap();
        let text = cursor(project, 31);
        assert_eq!(text, "35-1f");
        assert_eq!(number(project, &text).unwrap(), 31);
        assert_eq!(number(project, "35-0").unwrap(), 0);
        let other = ProjectId::new(54).unwrap();
        assert!(number(other, &text).is_err());
        for bad in ["35", "35-", "-1f", "35-1F", "35-01", "35-+1", "35-10000000000000000", "x"] {
            let refused = number(project, bad).unwrap_err().to_string();
            assert_eq!(refused, "cursor: must be one that a watch of this project gave");
        }
    }
}
