//! Sends what a job puts out to the server while the job runs: batches of lines from the spool,
//! each with the number of its first line, so that a batch that is sent twice is stored once. A
//! task of its own: a server that is slow or away never keeps a spider from writing.

use std::{io, sync::Arc, time::Duration};

use bytes::Bytes;
use spiderq_proto::v1::OutputKind;
use tokio::{
    sync::{Notify, watch},
    task::JoinHandle,
    time::sleep,
};

use crate::{
    client::{AppendError, Client, HeldJob, RETRY_BACKOFF},
    spool::SpoolReader,
    spool_record::SpoolRecord,
};

/// How long a line waits for others.
const MAX_WAIT: Duration = Duration::from_secs(1);

/// Why no more is sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Sent {
    /// Nothing is left.
    All,
    /// The job's output is larger than the project allows.
    TooLarge,
    /// The server takes no more of it, or a file can't be read; what is left stays in the spool.
    Refused(String),
}

/// The runner's end of the task. Dropping it ends the task; what is left stays in the spool.
#[derive(Debug)]
pub(crate) struct OutputSender {
    shared: Arc<Shared>,
    sent: watch::Receiver<Option<Sent>>,
    task: JoinHandle<()>,
}

#[derive(Debug, Default)]
struct Shared {
    wake: Arc<Notify>,
    ending: Notify,
}

impl OutputSender {
    /// Begins with the first line of each output. `wake` is notified when a batch is full. The
    /// `record` goes once nothing is left that the server might take.
    pub(crate) fn start(
        client: Client,
        held: HeldJob,
        readers: Vec<(OutputKind, SpoolReader)>,
        record: Option<Arc<SpoolRecord>>,
        wake: Arc<Notify>,
    ) -> Self {
        let shared = Arc::new(Shared { wake, ending: Notify::new() });
        let (sender, sent) = watch::channel(None);
        let mut link = Link { client, held, readers, record, shared: Arc::clone(&shared) };
        let task = tokio::spawn(async move {
            let end = link.send_to_end().await;
            sender.send_replace(Some(end));
        });
        Self { shared, sent, task }
    }

    /// Returns once the server refuses more, since there is too much.
    pub(crate) async fn too_large(&mut self) {
        if self.sent.wait_for(|sent| *sent == Some(Sent::TooLarge)).await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    /// Sends what is left; nothing is written any more. Tries until the server has answered.
    pub(crate) async fn finish(&mut self) -> Sent {
        self.shared.ending.notify_one();
        let sent = self.sent.wait_for(Option::is_some).await;
        let sent = sent.ok().and_then(|sent| sent.clone());
        sent.unwrap_or_else(|| Sent::Refused("the sender has ended".to_owned()))
    }
}

impl Drop for OutputSender {
    fn drop(&mut self) {
        self.task.abort();
    }
}

struct Link {
    client: Client,
    held: HeldJob,
    readers: Vec<(OutputKind, SpoolReader)>,
    record: Option<Arc<SpoolRecord>>,
    shared: Arc<Shared>,
}

impl Link {
    async fn send_to_end(&mut self) -> Sent {
        let mut is_last = false;
        loop {
            if let Err(end) = self.send_all().await {
                if let Sent::Refused(why) = &end {
                    tracing::warn!(
                        job = self.held.key,
                        why,
                        "output not sent; it stays in its files"
                    );
                }
                // No later runner needs to try.
                self.remove_record();
                return end;
            }
            if is_last {
                return self.remove_spool();
            }
            let shared = Arc::clone(&self.shared);
            is_last = tokio::select! {
                () = shared.ending.notified() => true,
                () = shared.wake.notified() => false,
                () = sleep(MAX_WAIT) => false,
            };
        }
    }

    fn remove_spool(&mut self) -> Sent {
        let removed = self.readers.iter_mut().try_for_each(|(_, reader)| reader.finish());
        if let Err(error) = removed {
            tracing::warn!(job = self.held.key, %error, "files of the spool not removed");
        }
        self.remove_record();
        Sent::All
    }

    fn remove_record(&mut self) {
        let removed = self.record.take().map_or(Ok(()), |record| record.remove());
        if let Err(error) = removed {
            tracing::warn!(job = self.held.key, %error, "record of the spool not removed");
        }
    }

    /// Sends what the spool holds now.
    async fn send_all(&mut self) -> Result<(), Sent> {
        for (kind, reader) in &mut self.readers {
            loop {
                let lines = reader.read().map_err(|error| unreadable(&error))?;
                if lines.is_empty() {
                    break;
                }
                let (client, offset) = (&self.client, reader.offset());
                append(client, &self.held, *kind, offset, &lines).await.map_err(refused)?;
                reader.acknowledge();
            }
        }
        Ok(())
    }
}

fn unreadable(error: &io::Error) -> Sent {
    Sent::Refused(format!("the spool can't be read: {error}"))
}

fn refused(error: AppendError) -> Sent {
    match error {
        AppendError::TooLarge => Sent::TooLarge,
        AppendError::Disabled => Sent::Refused("it keeps none".to_owned()),
        AppendError::Forbidden(why) | AppendError::Refused(why) | AppendError::Unavailable(why) => {
            Sent::Refused(why)
        }
    }
}

/// Tries until the server has answered, so never fails as unavailable. A batch whose response was
/// lost is stored once. Returns the offset of the next line.
pub(crate) async fn append(
    client: &Client,
    held: &HeldJob,
    kind: OutputKind,
    offset: i64,
    lines: &[Bytes],
) -> Result<i64, AppendError> {
    let (mut backoff, mut warned) = (RETRY_BACKOFF, false);
    loop {
        match client.append_output(held, kind, offset, lines.to_vec()).await {
            Err(AppendError::Unavailable(why)) => {
                if !warned {
                    warned = true;
                    tracing::warn!(job = held.key, why, "output not sent, retrying");
                }
                sleep(backoff.pause()).await;
            }
            answer => return answer,
        }
    }
}

#[cfg(test)]
mod tests;
