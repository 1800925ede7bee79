//! GET /jobq/P[/S]/summary[/STATE] → SummarizeQueue: a line per state.

use spiderq_proto::v1::{StateSummary, SummarizeQueueRequest};

use super::StorageResult;
use crate::{
    accepted_values,
    call::Call,
    errors::Problem,
    list_format::ListWriter,
    params,
    render::{Object, array, state_name, storage::row},
    responses::typed,
};

pub(in crate::routes) async fn summary(call: Call) -> StorageResult {
    let format = call.list_format()?;
    let message = decode(&call)?;
    let jobmeta = message.metadata_fields.clone();
    let request = call.request(message);
    let response = call.app.services.queue.summarize_queue(request).await?.into_inner();
    let mut list = ListWriter::new(format);
    for summary in &response.states {
        list.row(&line(summary, response.now, &jobmeta));
    }
    Ok(typed(format.content_type(), list.finish()))
}

fn decode(call: &Call) -> Result<SummarizeQueueRequest, Problem> {
    let state = call.optional_part("state").map(params::state).transpose()?;
    Ok(SummarizeQueueRequest {
        project: call.project()?,
        spider_id: call.spider()?,
        state: state.unwrap_or_default().into(),
        count: call.params.number("count", accepted_values::NOT_NEGATIVE)?,
        start: call.params.number("start", accepted_values::NOT_NEGATIVE)?.unwrap_or_default(),
        metadata_fields: call.params.all("jobmeta"),
    })
}

fn line(summary: &StateSummary, now: i64, jobmeta: &[String]) -> String {
    let rows = summary.jobs.iter().map(|job| row(job, (now - job.ts).max(0), jobmeta));
    let mut line = Object::new();
    line.text("name", state_name(summary.state()))
        .number("count", summary.count)
        .raw("summary", &array(rows));
    line.finish()
}
