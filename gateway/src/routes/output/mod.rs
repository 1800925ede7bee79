//! What jobs put out (contract 9). A handler takes the kind of output as a number of `OutputKind`,
//! so that each kind has the same handlers.

mod aliases;
mod byte_range;
mod jobs;
mod read;
mod response;
mod stats;
mod write;

pub(super) use aliases::{CSV, JL, JSON, TEXT, XML, items, log};
pub(super) use jobs::rows_of_jobs;
pub(super) use read::{field, row, rows};
pub(super) use stats::stats;
pub(super) use write::write;

use spiderq_proto::v1::OutputKind;

use super::{DashResult, StorageResult};

pub(super) const LOGS: i32 = OutputKind::Logs as i32;
pub(super) const ITEMS: i32 = OutputKind::Items as i32;
pub(super) const REQUESTS: i32 = OutputKind::Requests as i32;
pub(super) const SAMPLES: i32 = OutputKind::Samples as i32;

/// The kind that a handler is for.
fn kind(number: i32) -> OutputKind {
    OutputKind::try_from(number).unwrap_or_default()
}
