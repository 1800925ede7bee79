//! `ProjectService`: projects with their spiders and settings.

use spiderq_proto::v1::{self, project_service_server::ProjectService};
use tonic::{Request, Response, async_trait};

use super::{
    Handlers, RpcResult, decode, encode,
    fields::Fields,
    paging::{self, PageTokens},
    settings, spiders,
};
use crate::domain::ProjectSummary;
use spiderq_core::{
    error::Result,
    limits::MAX_PROJECTS_PAGE,
    model::{FieldName, JsonText, ProjectId},
};

/// The gRPC service `spiderq.v1.ProjectService`.
#[derive(Clone, Debug)]
pub struct ProjectApi(pub(crate) Handlers);

#[async_trait]
impl ProjectService for ProjectApi {
    async fn list_projects(
        &self,
        request: Request<v1::ListProjectsRequest>,
    ) -> RpcResult<v1::ListProjectsResponse> {
        self.0
            .run("ListProjects", request, |call, message| async move {
                let tokens = PageTokens::of("ListProjects", &());
                let page = Page::decode(message.page_size, &message.page_token, &tokens)?;
                let all = call.domain.list_projects(&call.caller).await?;
                let (projects, next_page_token) = page.of(all, |project| *project, &tokens);
                let project = |id| v1::Project { id: number(id) };
                let memory = call.reserve(projects.len() * size_of::<v1::Project>()).await?;
                let projects = projects.into_iter().map(project).collect();
                Ok((v1::ListProjectsResponse { projects, next_page_token }, memory))
            })
            .await
            .map(super::hold)
    }

    async fn summarize_projects(
        &self,
        request: Request<v1::SummarizeProjectsRequest>,
    ) -> RpcResult<v1::SummarizeProjectsResponse> {
        self.0
            .run("SummarizeProjects", request, |call, message| async move {
                let bound = v1::SummarizeProjectsRequest {
                    projects: message.projects.clone(),
                    ..Default::default()
                };
                let tokens = PageTokens::of("SummarizeProjects", &bound);
                let mut fields = Fields::default();
                let projects = fields.part(decode::projects(message.projects));
                let page = Page::decode(message.page_size, &message.page_token, &tokens);
                let (Some(projects), Some(page)) = (projects, fields.part(page)) else {
                    return Err(fields.into_error());
                };
                let all = call.domain.summarize_projects(&call.caller, projects).await?;
                let (summaries, next_page_token) = page.of(all, |one| one.project, &tokens);
                let memory = call.reserve(summaries.len() * size_of::<v1::ProjectSummary>());
                let memory = memory.await?;
                let summaries = summaries.into_iter().map(summary).collect();
                let read_time = Some(encode::time(call.domain.now()));
                let response =
                    v1::SummarizeProjectsResponse { summaries, next_page_token, read_time };
                Ok((response, memory))
            })
            .await
            .map(super::hold)
    }

    async fn list_spiders(
        &self,
        request: Request<v1::ListSpidersRequest>,
    ) -> RpcResult<v1::ListSpidersResponse> {
        self.0
            .run("ListSpiders", request, |call, message| async move {
                spiders::list(&call, message).await
            })
            .await
            .map(super::hold)
    }

    async fn get_spider(
        &self,
        request: Request<v1::GetSpiderRequest>,
    ) -> RpcResult<v1::GetSpiderResponse> {
        self.0
            .run("GetSpider", request, |call, message| async move {
                let (project, named) = spiders::named(message.project, message.spider)?;
                let found = call.domain.get_spider(&call.caller, project, named, false).await?;
                Ok(v1::GetSpiderResponse { spider: Some(spiders::encode(project, found)) })
            })
            .await
    }

    async fn ensure_spider(
        &self,
        request: Request<v1::EnsureSpiderRequest>,
    ) -> RpcResult<v1::EnsureSpiderResponse> {
        self.0
            .run("EnsureSpider", request, |call, message| async move {
                let (project, named) = spiders::by_name(&message)?;
                call.may_add_jobs(project, 0).await?;
                let found = call.domain.get_spider(&call.caller, project, named, true).await?;
                Ok(v1::EnsureSpiderResponse { spider: Some(spiders::encode(project, found)) })
            })
            .await
    }

    async fn update_spider(
        &self,
        request: Request<v1::UpdateSpiderRequest>,
    ) -> RpcResult<v1::UpdateSpiderResponse> {
        self.0
            .audited("UpdateSpider", request, |call, message| async move {
                let (project, named, update) = spiders::update(message)?;
                let updated = call.domain.update_spider(&call.caller, project, named, update);
                let spider = spiders::encode(project, updated.await?);
                Ok(v1::UpdateSpiderResponse { spider: Some(spider) })
            })
            .await
    }

    async fn get_project_settings(
        &self,
        request: Request<v1::GetProjectSettingsRequest>,
    ) -> RpcResult<v1::GetProjectSettingsResponse> {
        self.0
            .run("GetProjectSettings", request, |call, message| async move {
                let project = decode::project(message.project, None)?;
                let settings = call.domain.get_settings(&call.caller, project).await?;
                let memory = call.reserve(settings.memory()).await?;
                let text = |(name, value): (FieldName, JsonText)| {
                    (name.as_str().to_owned(), value.into_string())
                };
                let settings_json = settings.into_iter().map(text).collect();
                Ok((v1::GetProjectSettingsResponse { settings_json }, memory))
            })
            .await
            .map(super::hold)
    }

    async fn update_project_settings(
        &self,
        request: Request<v1::UpdateProjectSettingsRequest>,
    ) -> RpcResult<v1::UpdateProjectSettingsResponse> {
        self.0
            .audited("UpdateProjectSettings", request, |call, message| async move {
                let (project, update) = settings::update(message)?;
                if !update.set.is_empty() {
                    call.may_add_jobs(project, 0).await?;
                }
                call.domain.update_settings(&call.caller, project, update).await?;
                Ok(v1::UpdateProjectSettingsResponse {})
            })
            .await
    }

    /// Needs no credentials: the official client asks without an API key.
    async fn get_server_time(
        &self,
        _: Request<v1::GetServerTimeRequest>,
    ) -> RpcResult<v1::GetServerTimeResponse> {
        let server_time = Some(encode::time(self.0.now()));
        Ok(Response::new(v1::GetServerTimeResponse { server_time }))
    }
}

/// A page of projects.
struct Page {
    size: usize,
    after: Option<ProjectId>,
}

impl Page {
    fn decode(size: i32, token: &str, tokens: &PageTokens) -> Result<Self> {
        let mut fields = Fields::default();
        let size = paging::page_size(size, MAX_PROJECTS_PAGE, MAX_PROJECTS_PAGE);
        let size = fields.field("page_size", size);
        let project = |text: &str| ProjectId::new(paging::number(text)?.try_into().ok()?).ok();
        let after = fields.field("page_token", tokens.cursor(token, project));
        let (Some(size), Some(after)) = (size, after) else { return Err(fields.into_error()) };
        Ok(Self { size, after })
    }

    /// This page of `all`, which come by the number of their project, and the token of the next.
    fn of<T>(
        &self,
        mut all: Vec<T>,
        project: impl Fn(&T) -> ProjectId,
        tokens: &PageTokens,
    ) -> (Vec<T>, String) {
        all.retain(|one| Some(project(one)) > self.after);
        let more = all.len() > self.size;
        all.truncate(self.size);
        let last = all.last().filter(|_| more).map(project);
        let token = last.map(|project| tokens.token(format_args!("{:x}", project.get())));
        (all, token.unwrap_or_default())
    }
}

fn summary(summary: ProjectSummary) -> v1::ProjectSummary {
    let counts = summary.counts;
    v1::ProjectSummary {
        project: number(summary.project),
        pending: encode::count(counts.pending),
        running: encode::count(counts.running),
        finished: encode::count(counts.finished),
        has_capacity: summary.units_left.is_none_or(|left| left > 0),
        running_units: encode::count(counts.running_units),
        pending_units_max: summary.units_left.map(encode::count),
    }
}

pub(super) fn number(project: ProjectId) -> i64 {
    encode::count(project.get())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn projects_come_in_pages_by_number() {
        let all = || [1, 20, 300].map(|number| ProjectId::new(number).unwrap()).to_vec();
        let tokens = PageTokens::of("ListProjects", &());
        let (mut token, mut pages) = (String::new(), Vec::new());
        loop {
            let page = Page::decode(2, &token, &tokens).unwrap();
            let (projects, next) = page.of(all(), |project| *project, &tokens);
            pages.push(projects.into_iter().map(number).collect::<Vec<_>>());
            token = next;
            if token.is_empty() {
                break;
            }
        }
        assert_eq!(pages, [vec![1, 20], vec![300]]);
    }
}
