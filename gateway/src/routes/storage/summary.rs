//! GET /jobq/P[/S]/summary[/STATE] → SummarizeQueue: a line per state.

use axum::response::IntoResponse as _;
use http::header::CONTENT_TYPE;
use spiderq_proto::v1::{StateSummary, SummarizeQueueRequest};

use super::StorageResult;
use crate::{
    call::Call,
    errors::Problem,
    params,
    render::{Object, metadata::state, storage::row},
};

pub(in crate::routes) async fn summary(call: Call) -> StorageResult {
    let form = call.form()?;
    let message = decode(&call)?;
    let jobmeta = message.metadata_fields.clone();
    let request = call.request(message);
    let answer = call.app.services.queue.summarize_queue(request).await?;
    let answer = answer.into_inner();
    let (mut body, mut rows) = (String::new(), 0);
    for summary in &answer.states {
        body.push_str(form.before(rows));
        body.push_str(&line(summary, answer.now, &jobmeta));
        body.push_str(form.after());
        rows += 1;
    }
    body.push_str(form.end(rows));
    Ok(([(CONTENT_TYPE, form.content_type())], body).into_response())
}

fn decode(call: &Call) -> Result<SummarizeQueueRequest, Problem> {
    let number = "must be an integer, 0 or more";
    Ok(SummarizeQueueRequest {
        project: call.project()?,
        spider_id: call.spider()?,
        state: match call.part("state") {
            "" => 0,
            name => params::state(name)?.into(),
        },
        count: call.params.number("count", number)?,
        start: call.params.number("start", number)?.unwrap_or_default(),
        metadata_fields: call.params.all("jobmeta"),
    })
}

fn line(summary: &StateSummary, now: i64, jobmeta: &[String]) -> String {
    let rows = summary.jobs.iter();
    let rows: Vec<String> = rows.map(|job| row(job, (now - job.ts).max(0), jobmeta)).collect();
    let mut line = Object::new();
    line.text("name", state(summary.state()))
        .number("count", summary.count)
        .raw("summary", &format!("[{}]", rows.join(",")));
    line.finish()
}
