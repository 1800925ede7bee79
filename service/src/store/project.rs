//! What a store keeps of a project beside its jobs and spiders.

use crate::model::{FieldName, Metadata};

/// Jobs of a project in numbers, all of one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ProjectCounts {
    /// Pending jobs.
    pub pending: u64,
    /// Running jobs.
    pub running: u64,
    /// Finished jobs.
    pub finished: u64,
    /// Units of the running jobs in all.
    pub running_units: u64,
}

/// A change of a project's settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SettingsChange {
    /// Sets these and leaves the others.
    Merge(Metadata),
    /// Removes these; those not there are ignored.
    Remove(Vec<FieldName>),
    /// Removes all.
    Clear,
}
