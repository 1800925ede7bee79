//! What one response may hold of jobs, whatever number of them was asked for: it ends before the
//! job that would make it too large, and reserves the memory of the others until it is sent.

use super::Domain;
use crate::auth::Caller;
use spiderq_core::{
    Reservation,
    error::Result,
    limits::MAX_PAGE_BYTES,
    model::{FIELD_MEMORY, Job, JsonText},
};

/// A message and its encoding are in memory at the same time.
const COPIES: usize = 2;

/// Metadata that a response has as typed fields, and perhaps as JSON text too.
const TYPED: [&str; 7] = [
    "close_reason",
    "version",
    "spider_args",
    "cmd_args",
    "environment",
    "job_settings",
    "scrapystats",
];

/// What a response may still take.
#[derive(Debug)]
pub struct ResponseRoom {
    /// Bytes of this part of the response.
    part: usize,
    /// Bytes of all parts that are left.
    left: usize,
    /// Whether this part has no job yet.
    is_empty: bool,
    memory: Reservation,
}

impl ResponseRoom {
    /// The memory that the response holds until it is sent.
    #[must_use]
    pub fn into_memory(self) -> Reservation {
        self.memory
    }

    /// Begins the first of so many parts that are left, each of which gets as much.
    pub(super) const fn begin_part(&mut self, parts: usize) {
        self.part = match self.left.checked_div(parts) {
            Some(part) => part,
            None => 0,
        };
        self.is_empty = true;
    }

    /// Reserves memory for a job; false if it does not fit any more. There is room for the first
    /// of a part.
    pub(super) async fn take(&mut self, job: &Job) -> Result<bool> {
        let bytes = response_bytes(job);
        if bytes > self.part && !self.is_empty {
            return Ok(false);
        }
        self.memory.grow_in_time(bytes * COPIES).await?;
        self.part = self.part.saturating_sub(bytes);
        self.left = self.left.saturating_sub(bytes);
        self.is_empty = false;
        Ok(true)
    }
}

impl Domain {
    /// An empty response to `caller`.
    pub(crate) fn response_to(&self, caller: &Caller) -> ResponseRoom {
        let (part, left) = (MAX_PAGE_BYTES, MAX_PAGE_BYTES);
        ResponseRoom { part, left, is_empty: true, memory: self.memory_of(caller) }
    }

    /// Memory for a response with this job.
    pub(crate) async fn response_with(&self, caller: &Caller, job: &Job) -> Result<Reservation> {
        let mut room = self.response_to(caller);
        room.take(job).await?;
        Ok(room.into_memory())
    }
}

/// At least the bytes of the job in a response, before compression and in memory. The arguments
/// of a spider and its environment are maps there.
fn response_bytes(job: &Job) -> usize {
    let typed = TYPED.iter().filter_map(|name| job.metadata.get(name));
    let maps = ["spider_args", "environment"].map(|name| job.metadata.get(name));
    let entries = |json: &JsonText| json.as_str().bytes().filter(|byte| *byte == b':').count();
    let entries: usize = maps.into_iter().flatten().map(entries).sum();
    let texts: usize = typed.map(|json| json.as_str().len()).sum();
    job.memory() + texts + entries * FIELD_MEMORY
}
