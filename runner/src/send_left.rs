//! Sends what runners that were killed have left in the spools of the data folder, by offset, while
//! this runner takes jobs. What the server refuses is told once and stays in its files.

use std::{io, path::PathBuf, time::Duration};

use spiderq_core::limits::OUTPUT_GRACE_MS;
use tokio::{
    task::{JoinSet, spawn_blocking},
    time::timeout,
};

use crate::{
    client::{AppendError, Client},
    output_files::SENT,
    output_sender::append,
    settings::Settings,
    spool::SpoolReader,
    spool_record::LeftSpool,
};

/// Spools that are sent at the same time.
const MAX_SENDING: usize = 4;

/// What is needed to send them.
#[derive(Clone, Debug)]
pub(crate) struct SendLeft {
    client: Client,
    data_dir: PathBuf,
    server: String,
    projects: Vec<i64>,
    keep_local: bool,
    /// How long the server can't be reached before it is left to the next runner.
    patience: Duration,
}

/// Why lines of a spool were not sent.
#[derive(Debug)]
enum NotSent {
    /// The server will never take them.
    Refused(String),
    /// A later runner may send them.
    Later(String),
}

impl SendLeft {
    /// Begins at once, since leases expire. Dropping the task ends it.
    pub(crate) fn start(settings: &Settings, client: Client) -> JoinSet<()> {
        let this = Self {
            client,
            data_dir: settings.data_dir.clone(),
            server: settings.server.clone(),
            projects: settings.projects.clone(),
            keep_local: settings.keep_local,
            patience: settings.lease + Duration::from_millis(OUTPUT_GRACE_MS),
        };
        let mut task = JoinSet::new();
        task.spawn(this.run());
        task
    }

    /// Sends all spools of this runner's server and projects that no living runner has.
    async fn run(self) {
        let data_dir = self.data_dir.clone();
        let found = spawn_blocking(move || LeftSpool::find_all(&data_dir)).await;
        let mut sending = JoinSet::new();
        for left in found.unwrap_or_default() {
            let owner = &left.owner;
            if owner.server != self.server || !self.projects.contains(&owner.project) {
                continue;
            }
            if sending.len() >= MAX_SENDING {
                sending.join_next().await;
            }
            let this = self.clone();
            sending.spawn(async move { this.send_one(left).await });
        }
        while sending.join_next().await.is_some() {}
    }

    async fn send_one(&self, left: LeftSpool) {
        let (job, folder) = (left.owner.key.as_str(), left.folder.display());
        let sent = timeout(self.patience, self.send_all(&left)).await;
        let late = |_| Err(NotSent::Later("the server can't be reached".to_owned()));
        match sent.unwrap_or_else(late) {
            Ok(0) => {}
            Ok(lines) => tracing::info!(job, lines, "sent the output that an earlier runner left"),
            Err(NotSent::Refused(why)) => match self.missing(&left).await {
                Ok(0) => {}
                Ok(lines) => tracing::warn!(
                    job,
                    lines,
                    %folder,
                    why,
                    "output that an earlier runner left is refused; it stays in its files"
                ),
                Err(error) => {
                    tracing::warn!(job, %folder, %error, "output that a runner left not counted");
                }
            },
            Err(NotSent::Later(why)) => {
                tracing::warn!(
                    job,
                    %folder,
                    why,
                    "output that an earlier runner left is not sent; the next runner tries again"
                );
                return;
            }
        }
        if let Err(error) = left.record.remove() {
            tracing::warn!(job, %error, "record of the spool not removed");
        }
    }

    /// How many lines are in the files that the server, which takes no more, does not have. Files
    /// of an output that it has whole are removed.
    async fn missing(&self, left: &LeftSpool) -> io::Result<usize> {
        let owner = &left.owner;
        // If it does not say, it may have none.
        let counts = self.client.count_output(&owner.key, owner.attempt).await.unwrap_or_default();
        let mut missing = 0;
        for (kind, name) in SENT {
            let files = left.files(name);
            let stored = counts.iter().find(|(of, _)| *of == kind).map_or(0, |(_, lines)| *lines);
            match SpoolReader::of_left(&files, stored, true)?.count_rest()? {
                0 => SpoolReader::of_left(&files, stored, self.keep_local)?.finish()?,
                lines => missing += lines,
            }
        }
        Ok(missing)
    }

    /// The number of lines that were sent. Files that are acknowledged are removed.
    async fn send_all(&self, left: &LeftSpool) -> Result<i64, NotSent> {
        let held = left.owner.held();
        let mut sent = 0;
        for (kind, name) in SENT {
            let files = left.files(name);
            // Nothing to ask for, so that a job that had said nothing is not told of.
            if open(&files, 0, true)?.count_rest().map_err(unreadable)? == 0 {
                open(&files, 0, self.keep_local)?.finish().map_err(unreadable)?;
                continue;
            }
            let next = append(&self.client, &held, kind, 0, &[]).await?;
            let mut reader = open(&files, next, self.keep_local)?;
            let first = reader.offset();
            loop {
                let lines = reader.read().map_err(unreadable)?;
                if lines.is_empty() {
                    break;
                }
                append(&self.client, &held, kind, reader.offset(), &lines).await?;
                reader.acknowledge();
            }
            sent += reader.offset() - first;
            reader.finish().map_err(unreadable)?;
        }
        Ok(sent)
    }
}

fn open(files: &[(PathBuf, i64)], next: i64, keep: bool) -> Result<SpoolReader, NotSent> {
    SpoolReader::of_left(files, next, keep).map_err(unreadable)
}

fn unreadable(error: io::Error) -> NotSent {
    NotSent::Later(format!("the spool can't be read: {error}"))
}

impl From<AppendError> for NotSent {
    fn from(error: AppendError) -> Self {
        match error {
            AppendError::Disabled => Self::Refused("the server keeps no output".to_owned()),
            AppendError::TooLarge => Self::Refused("the output is too large".to_owned()),
            AppendError::Refused(why) => Self::Refused(why),
            AppendError::Forbidden(why) | AppendError::Unavailable(why) => Self::Later(why),
        }
    }
}
