//! GET /jobq/P/count → CountQueue.

use spiderq_proto::v1::CountQueueRequest;

use super::StorageResult;
use crate::{call::Call, responses::json};

pub(in crate::routes) async fn count(call: Call) -> StorageResult {
    let request = call.request(CountQueueRequest {
        project: call.project()?,
        filter: Some(call.params.job_filter("key")?),
    });
    let response = call.app.services.queue.count_queue(request).await?;
    Ok(json(response.into_inner().count.to_string()))
}
