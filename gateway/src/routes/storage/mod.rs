//! The storage family's queue: JSON lines in and out.

mod cancel;
mod count;
mod jobsummary;
mod lastjobsummary;
mod list;
mod push;
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

use spiderq_proto::v1::JobError;
use tonic::{Code, Status};

use super::{StorageResult, json, lines};

/// Most jobs that one gRPC call takes; longer bodies go in several.
const BATCH: usize = 1000;

/// The request id of one batch of a body: the first keeps the caller's.
fn batch_id(request_id: &str, batch: usize) -> String {
    if request_id.is_empty() || batch == 0 {
        return request_id.to_owned();
    }
    format!("{request_id}/{batch}")
}

/// Whether a call was refused just because its batch was empty.
fn nothing_to_do(status: &Status, batch_length: usize) -> bool {
    batch_length == 0 && status.code() == Code::InvalidArgument
}

/// A refusal of the service, for an answer line.
fn told(error: &JobError) -> String {
    let JobError { message, field, .. } = error;
    if field.is_empty() || message.starts_with(field) {
        return message.clone();
    }
    format!("{field}: {message}")
}
