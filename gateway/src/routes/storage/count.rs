//! GET /jobq/P/count → CountQueue.

use spiderq_proto::v1::CountQueueRequest;

use super::{StorageResult, json};
use crate::call::Call;

pub(in crate::routes) async fn count(call: Call) -> StorageResult {
    let request = call.request(CountQueueRequest {
        project: call.project()?,
        filter: Some(call.params.filter("key")?),
    });
    let answer = call.app.services.queue.count_queue(request).await?;
    Ok(json(answer.into_inner().count.to_string()))
}
