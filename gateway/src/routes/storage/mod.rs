//! The storage family's queue: JSON lines in and out.

mod batches;
mod cancel;
mod count;
mod jobsummary;
mod lastjobsummary;
mod list;
mod push;
mod refused_line;
mod startjob;
mod summary;
mod update;

pub(super) use cancel::{cancel, cancel_one};
pub(super) use count::count;
pub(super) use jobsummary::jobsummary;
pub(super) use lastjobsummary::lastjobsummary;
pub(super) use list::list;
pub(super) use push::push;
pub(super) use startjob::startjob;
pub(super) use summary::summary;
pub(super) use update::update;

use self::refused_line::refused_line;
use super::StorageResult;
