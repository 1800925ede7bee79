//! GET /api/runners.json → ListRunners.

use spiderq_proto::{
    time::timestamp_ms,
    v1::{ListRunnersRequest, Runner, RunnerState},
};

use super::{DashResult, ok};
use crate::{
    accepted_values,
    call::Call,
    render::{Object, array, nullable, strings},
};

pub(in crate::routes) async fn runners(call: Call) -> DashResult {
    let project: Option<i64> = call.params.number("project", accepted_values::POSITIVE)?;
    if project.is_some_and(|project| project < 1) {
        return Err(crate::errors::Problem::invalid("project", accepted_values::POSITIVE).into());
    }
    let show_gone = call.params.flag("gone")?;
    let message = ListRunnersRequest {
        project: project.unwrap_or_default(),
        show_gone,
        page_size: 0,
        page_token: call.params.one("page_token")?.unwrap_or_default().to_owned(),
    };
    let request = call.request(message);
    let listed = call.app.services.runners.list_runners(request).await?.into_inner();
    Ok(ok(|body| {
        body.raw("runners", &array(listed.runners.iter().map(runner)));
        if !listed.next_page_token.is_empty() {
            body.text("next_page_token", &listed.next_page_token);
        }
    }))
}

fn runner(runner: &Runner) -> String {
    let status = runner.status.unwrap_or_default();
    let ms = |time: Option<&spiderq_proto::Timestamp>| time.map_or(0, timestamp_ms);
    let spiders = runner.spiders.as_ref().map(|spiders| strings(&spiders.names));
    let free_disk = status.free_disk_bytes.map(|bytes| bytes.to_string());
    let mut body = Object::new();
    body.text("id", &runner.id)
        .text("name", &runner.name)
        .text("state", state(status.state()))
        .text("version", &runner.version)
        .raw("projects", &array(runner.projects.iter().map(i64::to_string)))
        .raw("only_spiders", &strings(&runner.only_spiders))
        .raw("has_tags", &strings(&runner.has_tags))
        .raw("lacks_tags", &strings(&runner.lacks_tags))
        .number("units", runner.units)
        .number("running_units", status.running_units)
        .number("running_jobs", status.running_jobs)
        .raw("spiders", &nullable(spiders))
        .raw("free_disk_bytes", &nullable(free_disk))
        .number("start_time", ms(runner.start_time.as_ref()))
        .number("report_time", ms(status.report_time.as_ref()));
    body.finish()
}

const fn state(state: RunnerState) -> &'static str {
    match state {
        RunnerState::Unspecified => "unknown",
        RunnerState::Active => "active",
        RunnerState::Draining => "draining",
        RunnerState::Stopped => "stopped",
        RunnerState::Lost => "lost",
    }
}
