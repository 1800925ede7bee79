//! GET /jobq/P[/S]/summary[/STATE] → SummarizeQueue: a line per state.

use spiderq_proto::{
    Timestamp,
    v1::{StateSummary, SummarizeQueueRequest},
};

use super::StorageResult;
use crate::{
    accepted_values,
    call::Call,
    errors::Problem,
    list_format::ListWriter,
    params,
    render::{
        Object, array, state_name,
        storage::{metadata_fields, row_at},
    },
    responses::{holding, take_held, typed},
};

pub(in crate::routes) async fn summary(call: Call) -> StorageResult {
    let format = call.list_format()?;
    let jobmeta = call.params.all("jobmeta");
    let request = call.request(decode(&call, &jobmeta)?);
    let (response, held) = take_held(call.app.services.queue.summarize_queue(request).await?);
    let mut list = ListWriter::new(format);
    for summary in &response.states {
        list.row(&line(summary, response.read_time.as_ref(), &jobmeta));
    }
    Ok(holding(typed(format.content_type(), list.finish()), held))
}

fn decode(call: &Call, jobmeta: &[String]) -> Result<SummarizeQueueRequest, Problem> {
    let state = call.optional_part("state").map(params::state).transpose()?;
    Ok(SummarizeQueueRequest {
        project: call.project()?,
        spider: call.spider()?,
        state: state.unwrap_or_default().into(),
        jobs_per_state: call.params.number_32("count", accepted_values::NOT_NEGATIVE)?,
        skip: call.params.rows("start")?.unwrap_or_default(),
        metadata_fields: metadata_fields(jobmeta),
    })
}

fn line(summary: &StateSummary, read_time: Option<&Timestamp>, jobmeta: &[String]) -> String {
    let rows = summary.jobs.iter().map(|job| row_at(job, read_time, jobmeta));
    let mut line = Object::new();
    line.text("name", state_name(summary.state()))
        .number("count", summary.count)
        .raw("summary", &array(rows));
    line.finish()
}
