//! Opening the embedded store, and the way that a write goes through it.

use std::{path::Path, sync::Arc};

use rusqlite::Connection;

use super::{
    SqliteStore,
    events::{self, Reading},
    file::StoreFile,
    readers::Readers,
    writer::Writer,
};
use spiderq_core::{error::Result, model::ProjectId};

use crate::error;

/// Connections that read.
const READERS: usize = 4;

impl SqliteStore {
    /// Opens the file, making it if it is not there. Refused while another process has it.
    pub fn open(path: &Path) -> Result<Self> {
        let file = StoreFile::open(path)?;
        let connection = file.writer()?;
        let reading = Reading::load(&connection, events::KEPT)?;
        let writer = Writer::start(connection)?;
        let readers: error::Result<_> = (0..READERS).map(|_| file.reader()).collect();
        Ok(Self { readers: Readers::new(readers?), writer, pulses: Arc::default(), reading, file })
    }

    /// Runs a step of the writer on jobs or settings of a project, and tells of it, if it did
    /// something, once that can be seen.
    pub(super) async fn write<T: Send + 'static>(
        &self,
        project: ProjectId,
        step: impl FnOnce(&Connection) -> error::Result<T> + Send + 'static,
        did: impl FnOnce(&T) -> bool + Send + 'static,
    ) -> Result<T> {
        let log_ends = self.reading.is_over(project);
        let step = move |connection: &Connection| {
            if log_ends {
                events::end(connection, project)?;
            }
            step(connection)
        };
        let pulses = Arc::clone(&self.pulses);
        let then = move |answer: &Result<T>| {
            if answer.as_ref().is_ok_and(did) {
                pulses.send(project);
            }
        };
        self.writer.call_then(step, then).await
    }
}
