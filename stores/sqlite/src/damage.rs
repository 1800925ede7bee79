//! Whether the file was found damaged: remembered for as long as the store is open, since no later
//! call makes it whole, and logged once.

use std::sync::OnceLock;

use spiderq_core::error::{Error, Result};

/// The first error of a damaged file.
#[derive(Debug, Default)]
pub(crate) struct Damage(OnceLock<Error>);

impl Damage {
    /// The same error, remembered if it says that the file is damaged.
    pub(crate) fn noted(&self, error: Error) -> Error {
        if let Error::Damaged(source) = &error
            && self.0.set(error.clone()).is_ok()
        {
            tracing::error!(%source, "the store is damaged; stop the server and run `spiderq fsck`");
        }
        error
    }

    /// An error once the file was found damaged.
    pub(crate) fn check(&self) -> Result<()> {
        self.0.get().cloned().map_or(Ok(()), Err)
    }
}
