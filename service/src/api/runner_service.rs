//! `RunnerService`: who takes jobs.

use spiderq_proto::v1::{self, runner_service_server::RunnerService};
use tonic::{Request, async_trait};

use super::{
    Handlers, RpcResult, decode, encode,
    fields::{self, Fields},
    paging::{self, PageTokens},
    project_service::number,
};
use crate::domain::{ListedRunner, RunWarning, RunnerQuery};
use spiderq_core::{
    error::{Error, Result},
    limits::MAX_ROWS,
    model::{Millis, Runner, RunnerId, RunnerState, RunnerStatus, SpiderName, SpiderNames},
};

/// The gRPC service `spiderq.v1.RunnerService`.
#[derive(Clone, Debug)]
pub struct RunnerApi(pub(crate) Handlers);

#[async_trait]
impl RunnerService for RunnerApi {
    async fn register_runner(
        &self,
        request: Request<v1::RegisterRunnerRequest>,
    ) -> RpcResult<v1::RegisterRunnerResponse> {
        self.0
            .run("RegisterRunner", request, |call, message| async move {
                let mut fields = Fields::default();
                let runner = fields.within("runner", runner(message.runner));
                let status = fields.within("status", status(message.status));
                let (Some((id, runner)), Some(status)) = (runner, status) else {
                    return Err(fields.into_error());
                };
                let registered = call.domain.register_runner(&call.caller, id, runner, status);
                registered.await.map_err(|error| error.within("runner"))?;
                Ok(v1::RegisterRunnerResponse {})
            })
            .await
    }

    async fn report_runner(
        &self,
        request: Request<v1::ReportRunnerRequest>,
    ) -> RpcResult<v1::ReportRunnerResponse> {
        self.0
            .run("ReportRunner", request, |call, message| async move {
                let mut fields = Fields::default();
                let id = fields.field("id", RunnerId::parse(&message.id));
                let status = fields.within("status", status(message.status));
                let (Some(id), Some(status)) = (id, status) else {
                    return Err(fields.into_error());
                };
                call.domain.report_runner(&call.caller, id, status).await?;
                Ok(v1::ReportRunnerResponse {})
            })
            .await
    }

    async fn list_runners(
        &self,
        request: Request<v1::ListRunnersRequest>,
    ) -> RpcResult<v1::ListRunnersResponse> {
        self.0
            .run("ListRunners", request, |call, message| async move {
                let mut bound = message.clone();
                (bound.page_size, bound.page_token) = (0, String::new());
                let tokens = PageTokens::of("ListRunners", &bound);
                let query = query(&message, &tokens)?;
                let page = call.domain.list_runners(&call.caller, query).await?;
                let last = page.runners.last().filter(|_| page.has_more);
                let token = last.map(|last| tokens.token(place_text(&last.runner.name, &last.id)));
                let runners: Vec<v1::Runner> =
                    page.runners.into_iter().map(listed_runner).collect();
                let bytes = runners.iter().map(prost::Message::encoded_len).sum();
                let memory = call.reserve(bytes).await?;
                let next_page_token = token.unwrap_or_default();
                Ok((v1::ListRunnersResponse { runners, next_page_token }, memory))
            })
            .await
            .map(super::hold)
    }
}

fn query(message: &v1::ListRunnersRequest, tokens: &PageTokens) -> Result<RunnerQuery> {
    let mut fields = Fields::default();
    let project = match message.project {
        0 => Some(None),
        number => fields.field("project", decode::project(number, None)).map(Some),
    };
    let limit = paging::page_size(message.page_size, MAX_ROWS, MAX_ROWS);
    let limit = fields.field("page_size", limit);
    let after = fields.field("page_token", tokens.cursor(&message.page_token, place));
    let (Some(project), Some(limit), Some(after)) = (project, limit, after) else {
        return Err(fields.into_error());
    };
    Ok(RunnerQuery { project, with_gone: message.show_gone, after, limit })
}

/// An id has no space, a name may have.
fn place_text(name: &str, id: &RunnerId) -> String {
    format!("{id} {name}")
}

fn place(text: &str) -> Option<(String, RunnerId)> {
    let (id, name) = text.split_once(' ')?;
    Some((name.to_owned(), RunnerId::parse(id).ok()?))
}

fn runner(message: Option<v1::Runner>) -> Result<(RunnerId, Runner)> {
    let message = message.unwrap_or_default();
    let mut fields = Fields::default();
    let id = fields.field("id", RunnerId::parse(&message.id));
    let projects = fields.within("projects", fields::list(message.projects, project));
    let only = fields.within("only_spiders", spiders(&message.only_spiders));
    let has_tags = fields.within("has_tags", decode::job_tags(&message.has_tags, "has_tags"));
    let lacks_tags =
        fields.within("lacks_tags", decode::job_tags(&message.lacks_tags, "lacks_tags"));
    let units = fields.field("units", unsigned("units", message.units));
    let known = message.spiders.map(|known| spiders(&known.names)).transpose();
    let known = fields.within("spiders.names", known);
    let started = fields.part(decode::time("start_time", message.start_time));
    let (
        Some(id),
        Some(projects),
        Some(only_spiders),
        Some(has_tags),
        Some(lacks_tags),
        Some(units),
        Some(spiders),
        Some(started),
    ) = (id, projects, only, has_tags, lacks_tags, units, known, started)
    else {
        return Err(fields.into_error());
    };
    let (name, version) = (message.name, message.version);
    let started = started.unwrap_or_default();
    let runner = Runner {
        // The domain knows who calls.
        owner: String::new(),
        name,
        version,
        projects,
        only_spiders,
        has_tags,
        lacks_tags,
        units,
        spiders,
        started,
    };
    runner.check()?;
    Ok((id, runner))
}

fn project(number: i64) -> Result<spiderq_core::model::ProjectId> {
    decode::project(number, None).map_err(|error| error.at(""))
}

fn spiders(names: &[String]) -> Result<SpiderNames> {
    fields::list(names, |name| SpiderName::parse(name).map_err(|error| error.at("")))
        .map(SpiderNames::new)
}

fn unsigned(field: &str, number: i32) -> Result<u32> {
    u32::try_from(number).map_err(|_| Error::invalid(field, "must not be negative"))
}

/// Its time is that of the call.
fn status(message: Option<v1::RunnerStatus>) -> Result<RunnerStatus> {
    let message = message.unwrap_or_default();
    let mut fields = Fields::default();
    let state = fields.field("state", state(message.state));
    let jobs = fields.field("running_jobs", unsigned("running_jobs", message.running_jobs));
    let units = fields.field("running_units", unsigned("running_units", message.running_units));
    let free = message.free_disk_bytes;
    let free = free.map(|free| decode::not_negative("free_disk_bytes", free)).transpose();
    let free = fields.field("free_disk_bytes", free);
    let (Some(state), Some(running_jobs), Some(running_units), Some(free_disk)) =
        (state, jobs, units, free)
    else {
        return Err(fields.into_error());
    };
    Ok(RunnerStatus { reported: Millis(0), state, running_jobs, running_units, free_disk })
}

fn state(number: i32) -> Result<RunnerState> {
    match v1::RunnerState::try_from(number) {
        Ok(v1::RunnerState::Active) => Ok(RunnerState::Active),
        Ok(v1::RunnerState::Draining) => Ok(RunnerState::Draining),
        Ok(v1::RunnerState::Stopped) => Ok(RunnerState::Stopped),
        Ok(v1::RunnerState::Unspecified | v1::RunnerState::Lost) | Err(_) => Err(Error::invalid(
            "state",
            "must be RUNNER_STATE_ACTIVE, RUNNER_STATE_DRAINING or RUNNER_STATE_STOPPED",
        )),
    }
}

fn listed_runner(listed: ListedRunner) -> v1::Runner {
    let ListedRunner { id, runner, status, is_lost } = listed;
    let names = |spiders: &SpiderNames| spiders.iter().map(str::to_owned).collect();
    let tags =
        |tags: &spiderq_core::model::Tags| tags.iter().map(|tag| tag.as_str().to_owned()).collect();
    v1::Runner {
        id: id.to_string(),
        name: runner.name.clone(),
        version: runner.version.clone(),
        projects: runner.projects.iter().copied().map(number).collect(),
        only_spiders: names(&runner.only_spiders),
        has_tags: tags(&runner.has_tags),
        lacks_tags: tags(&runner.lacks_tags),
        units: signed(runner.units),
        spiders: runner.spiders.as_ref().map(|all| v1::RunnerSpiders { names: names(all) }),
        start_time: Some(encode::time(runner.started)),
        status: Some(v1::RunnerStatus {
            state: proto_state(status.state, is_lost).into(),
            running_jobs: signed(status.running_jobs),
            running_units: signed(status.running_units),
            free_disk_bytes: status.free_disk.map(encode::count),
            report_time: Some(encode::time(status.reported)),
        }),
    }
}

const fn proto_state(state: RunnerState, is_lost: bool) -> v1::RunnerState {
    match state {
        RunnerState::Active | RunnerState::Draining if is_lost => v1::RunnerState::Lost,
        RunnerState::Active => v1::RunnerState::Active,
        RunnerState::Draining => v1::RunnerState::Draining,
        RunnerState::Stopped => v1::RunnerState::Stopped,
    }
}

fn signed(number: u32) -> i32 {
    i32::try_from(number).unwrap_or(i32::MAX)
}

/// Why a job may wait, as the response to its schedule says.
pub(super) fn warning(warning: RunWarning) -> v1::ScheduleWarning {
    use v1::schedule_warning::Reason;

    let reason = match &warning {
        RunWarning::NoRunner => Reason::NoRunner,
        RunWarning::TooManyUnits { .. } => Reason::TooManyUnits,
        RunWarning::UnknownSpider { .. } => Reason::UnknownSpider,
    };
    v1::ScheduleWarning { reason: reason.into(), message: warning.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_wrong_field_of_a_runner_is_named() {
        let wrong = v1::Runner {
            projects: vec![1, -1],
            only_spiders: vec![String::new()],
            has_tags: vec![String::new()],
            lacks_tags: vec![String::new()],
            units: -1,
            spiders: Some(v1::RunnerSpiders { names: vec!["a".to_owned(), "\n".to_owned()] }),
            start_time: Some(spiderq_proto::Timestamp { seconds: 253_402_300_800, nanos: 0 }),
            ..v1::Runner::default()
        };
        let violations = runner(Some(wrong)).unwrap_err().violations();
        let paths: Vec<&str> = violations.iter().map(|one| one.path.as_str()).collect();
        let expected = [
            "id",
            "projects[1]",
            "only_spiders[0]",
            "has_tags[0]",
            "lacks_tags[0]",
            "units",
            "spiders.names[1]",
            "start_time",
        ];
        assert_eq!(paths, expected);
        let wrong = v1::RunnerStatus {
            state: v1::RunnerState::Lost.into(),
            running_jobs: -1,
            running_units: -1,
            free_disk_bytes: Some(-1),
            report_time: None,
        };
        let violations = status(Some(wrong)).unwrap_err().violations();
        let paths: Vec<&str> = violations.iter().map(|one| one.path.as_str()).collect();
        assert_eq!(paths, ["state", "running_jobs", "running_units", "free_disk_bytes"]);
    }
}
