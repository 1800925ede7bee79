//! GET /jobq/P/jobsummary → ListQueue: a row per key, whatever state its job is in.

use spiderq_proto::v1::{JobFilter, ListQueueRequest};

use super::{StorageResult, list};
use crate::call::Call;

pub(in crate::routes) async fn jobsummary(call: Call) -> StorageResult {
    let message = ListQueueRequest {
        project: call.project()?,
        filter: Some(JobFilter { keys: call.params.all("key"), ..JobFilter::default() }),
        metadata_fields: call.params.all("jobmeta"),
        ..ListQueueRequest::default()
    };
    // Without a key there is nothing to show, but rights are still the service's to say.
    let none = message.filter.iter().all(|filter| filter.keys.is_empty());
    list::answer(&call, message, if none { 0 } else { usize::MAX }).await
}
