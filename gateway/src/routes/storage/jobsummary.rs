//! GET /jobq/P/jobsummary → ListQueue: a row per job key, whatever state its job is in.

use spiderq_proto::v1::{JobFilter, ListQueueRequest};

use super::{StorageResult, list};
use crate::call::Call;

pub(in crate::routes) async fn jobsummary(call: Call) -> StorageResult {
    let keys = call.params.all("key");
    // Without a key there are no rows, but the service still has to check the caller's rights.
    let limit = if keys.is_empty() { 0 } else { usize::MAX };
    let message = ListQueueRequest {
        project: call.project()?,
        filter: Some(JobFilter { keys, ..JobFilter::default() }),
        ..ListQueueRequest::default()
    };
    list::stream_rows(&call, message, limit).await
}
