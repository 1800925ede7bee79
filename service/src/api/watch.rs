//! `WatchJobs`: events into messages, for as long as the reader takes them and may.

use std::{collections::HashMap, sync::Arc};

use futures::StreamExt as _;
use prost::Message as _;
use spiderq_proto::v1;
use tokio::time::{Duration, Instant};
use tonic::{Status, codegen::BoxStream, metadata::MetadataMap};

use super::{decode, encode, outbox, outbox::Outbox};
use crate::{
    auth::Credentials,
    domain::{Domain, Seen, Watch, Watching},
};
use spiderq_core::{
    error::{Error, Result},
    model::{JobKey, ProjectId, SpiderName},
};

/// After so long it is asked again whether the reader still may: a key may be revoked, and a
/// job's token ends with its attempt.
const ALLOWED_FOR: Duration = Duration::from_secs(15);

/// Who watches.
pub(super) struct Reader {
    domain: Arc<Domain>,
    credentials: Option<Credentials>,
    request_id: String,
}

type Answer = Result<v1::WatchJobsResponse, Status>;

impl Reader {
    pub(super) fn new(domain: &Arc<Domain>, metadata: &MetadataMap) -> Self {
        Self {
            domain: Arc::clone(domain),
            credentials: super::credentials(metadata),
            request_id: super::request_id(metadata).to_owned(),
        }
    }

    async fn still_may(&self, watch: &Watch) -> Result<()> {
        let caller = self.domain.auth().caller(self.credentials.clone()).await?;
        watch.allows(&caller)
    }
}

pub(super) fn decode(message: v1::WatchJobsRequest) -> Result<Watch> {
    let project = decode::project(message.project)?;
    let some = |text: &str| !text.is_empty();
    let spider = Some(message.spider).filter(|name| some(name));
    let key = Some(message.key).filter(|key| some(key));
    let cursor = Some(message.cursor).filter(|cursor| some(cursor));
    Ok(Watch {
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
        // The one way to write it.
        (cursor(project, number) == text).then_some(number)
    });
    parsed.ok_or_else(|| {
        let message = "must be one that a watch of this project gave";
        Error::invalid("cursor", message)
    })
}

/// The messages of a watch. Its last is the status that tells why it ends, with the cursor
/// after the message before it.
pub(super) fn stream(watching: Watching, reader: Reader) -> BoxStream<v1::WatchJobsResponse> {
    let send = |outbox| async move {
        let mut sender =
            Sender { project: watching.watch().project, last: watching.last(), outbox };
        let end = sender.send(watching, &reader).await;
        let Err(error) = end else {
            return;
        };
        super::log("WatchJobs", &reader.request_id, &error);
        let cursor = cursor(sender.project, sender.last);
        let metadata = HashMap::from([("cursor".to_owned(), cursor)]);
        let status = super::status::with(&error, metadata);
        sender.outbox.end(Err(status));
    };
    outbox::taking(send).boxed()
}

struct Sender {
    project: ProjectId,
    /// Number of the event of the last message.
    last: u64,
    outbox: Outbox<Answer>,
}

impl Sender {
    /// Ends with an error alone.
    async fn send(&mut self, mut watching: Watching, reader: &Reader) -> Result<()> {
        let mut stopping = std::pin::pin!(watching.stopping());
        self.put(v1::WatchJobsResponse::default(), self.last).await?;
        let mut allowed_at = Instant::now();
        loop {
            let seen = tokio::select! {
                () = stopping.as_mut() => return Err(Error::ShuttingDown),
                seen = watching.next() => seen?,
            };
            if allowed_at.elapsed() >= ALLOWED_FOR {
                reader.still_may(watching.watch()).await?;
                allowed_at = Instant::now();
            }
            for seen in seen {
                let (number, message) = message(seen);
                tokio::select! {
                    () = stopping.as_mut() => return Err(Error::ShuttingDown),
                    put = self.put(message, number) => put?,
                }
            }
        }
    }

    async fn put(&mut self, mut message: v1::WatchJobsResponse, number: u64) -> Result<()> {
        message.cursor = cursor(self.project, number);
        let bytes = message.encoded_len();
        let put = self.outbox.put(Ok(message), bytes).await;
        put.map_err(|_| Error::SlowReader(outbox::PATIENCE.as_secs()))?;
        self.last = number;
        Ok(())
    }
}

/// The number of its event, and a message without a cursor.
fn message(seen: Seen) -> (u64, v1::WatchJobsResponse) {
    let (event, job) = match seen {
        Seen::Event(event, job) => (event, job),
        Seen::Passed(number) => return (number, v1::WatchJobsResponse::default()),
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
    fn a_cursor_is_of_its_project_and_written_in_one_way() {
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
