//! `ProjectService`: projects with their spiders and settings.

use spiderq_proto::v1::{self, project_service_server::ProjectService, spider_ref};
use tonic::{Request, Response, async_trait};

use super::{Call, Handlers, RpcResult, decode, encode};
use crate::domain::{ProjectSummary, Spider, SpiderRef};
use spiderq_core::{
    error::{Error, Result},
    model::{FieldName, JsonText, ProjectId, SpiderName},
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
            .run("ListProjects", request, |call, _| async move {
                let projects = call.domain.list_projects(&call.caller).await?;
                let projects = projects.into_iter().map(number).collect();
                Ok(v1::ListProjectsResponse { projects })
            })
            .await
    }

    async fn summarize_projects(
        &self,
        request: Request<v1::SummarizeProjectsRequest>,
    ) -> RpcResult<v1::SummarizeProjectsResponse> {
        self.0
            .run("SummarizeProjects", request, |call, message| async move {
                let projects = decode::projects(message.projects)?;
                let summaries = call.domain.summarize_projects(&call.caller, projects).await?;
                let summaries = summaries.into_iter().map(summary).collect();
                Ok(v1::SummarizeProjectsResponse { summaries })
            })
            .await
    }

    async fn list_spiders(
        &self,
        request: Request<v1::ListSpidersRequest>,
    ) -> RpcResult<v1::ListSpidersResponse> {
        self.0
            .run("ListSpiders", request, |call, message| async move {
                let (spiders, total) = spiders(&call, &message).await?;
                let spiders = spiders.into_iter().map(spider).collect();
                Ok(v1::ListSpidersResponse { spiders, total: encode::count(total) })
            })
            .await
    }

    async fn get_spider(
        &self,
        request: Request<v1::GetSpiderRequest>,
    ) -> RpcResult<v1::GetSpiderResponse> {
        self.0
            .run("GetSpider", request, |call, message| async move {
                let project = decode::project(message.project)?;
                let named = spider_ref(message.spider)?;
                let found = call.domain.get_spider(&call.caller, project, named, message.create);
                Ok(v1::GetSpiderResponse { spider: Some(spider(found.await?)) })
            })
            .await
    }

    async fn update_spider_tags(
        &self,
        request: Request<v1::UpdateSpiderTagsRequest>,
    ) -> RpcResult<v1::UpdateSpiderTagsResponse> {
        self.0
            .run("UpdateSpiderTags", request, |call, message| async move {
                let project = decode::project(message.project)?;
                let named = spider_ref(message.spider)?;
                let changes = decode::tag_changes(Some(v1::TagChanges {
                    add: message.add,
                    remove: message.remove,
                    replace: false,
                }))?;
                let changed =
                    call.domain.update_spider_tags(&call.caller, project, named, &changes);
                Ok(v1::UpdateSpiderTagsResponse { spider: Some(spider(changed.await?)) })
            })
            .await
    }

    async fn limit_spider(
        &self,
        request: Request<v1::LimitSpiderRequest>,
    ) -> RpcResult<v1::LimitSpiderResponse> {
        self.0
            .run("LimitSpider", request, |call, message| async move {
                let project = decode::project(message.project)?;
                let named = spider_ref(message.spider)?;
                let limited =
                    call.domain.limit_spider(&call.caller, project, named, message.max_running);
                Ok(v1::LimitSpiderResponse { spider: Some(spider(limited.await?)) })
            })
            .await
    }

    async fn get_settings(
        &self,
        request: Request<v1::GetSettingsRequest>,
    ) -> RpcResult<v1::GetSettingsResponse> {
        self.0
            .run("GetSettings", request, |call, message| async move {
                let project = decode::project(message.project)?;
                let settings = call.domain.get_settings(&call.caller, project).await?;
                let settings = settings.into_iter();
                let text = |(name, value): (FieldName, JsonText)| {
                    (name.as_str().to_owned(), value.into_string())
                };
                Ok(v1::GetSettingsResponse { settings: settings.map(text).collect() })
            })
            .await
    }

    async fn set_settings(
        &self,
        request: Request<v1::SetSettingsRequest>,
    ) -> RpcResult<v1::SetSettingsResponse> {
        self.0
            .run("SetSettings", request, |call, message| async move {
                let project = decode::project(message.project)?;
                let settings = decode::named("settings", message.settings)?;
                call.domain.set_settings(&call.caller, project, settings).await?;
                Ok(v1::SetSettingsResponse {})
            })
            .await
    }

    async fn delete_settings(
        &self,
        request: Request<v1::DeleteSettingsRequest>,
    ) -> RpcResult<v1::DeleteSettingsResponse> {
        self.0
            .run("DeleteSettings", request, |call, message| async move {
                let project = decode::project(message.project)?;
                let parse = |name: &String| {
                    FieldName::parse(name).map_err(|error| error.with_field("names"))
                };
                let names = message.names.iter().map(parse);
                let names = names.collect::<Result<Vec<_>>>()?;
                if message.all && !names.is_empty() {
                    return Err(Error::invalid("all", "must not stand beside names"));
                }
                let names = (!message.all).then_some(names);
                call.domain.delete_settings(&call.caller, project, names).await?;
                Ok(v1::DeleteSettingsResponse {})
            })
            .await
    }

    /// Needs no credentials: the official client asks without an API key.
    async fn get_server_time(
        &self,
        _: Request<v1::GetServerTimeRequest>,
    ) -> RpcResult<v1::GetServerTimeResponse> {
        let now = encode::millis(self.0.now());
        Ok(Response::new(v1::GetServerTimeResponse { now }))
    }
}

/// A page of spiders, or the spider with the name that is asked for; and how many there are.
async fn spiders(call: &Call, message: &v1::ListSpidersRequest) -> Result<(Vec<Spider>, u64)> {
    let project = decode::project(message.project)?;
    let after = decode::some_spider_id("start_after", message.start_after)?;
    if message.name.is_empty() {
        let page = call.domain.list_spiders(&call.caller, project, after, message.count).await?;
        return Ok((page, call.domain.count_spiders(&call.caller, project).await?));
    }
    let named = SpiderRef::Name(
        SpiderName::parse(&message.name).map_err(|error| error.with_field("name"))?,
    );
    match call.domain.get_spider(&call.caller, project, named, false).await {
        Ok(found) => Ok((vec![found], 1)),
        Err(Error::NotFound(_)) => Ok((Vec::new(), 0)),
        Err(error) => Err(error),
    }
}

fn spider_ref(named: Option<v1::SpiderRef>) -> Result<SpiderRef> {
    match named.and_then(|named| named.spider) {
        Some(spider_ref::Spider::Id(number)) => {
            decode::spider_id("spider", number).map(SpiderRef::Number)
        }
        Some(spider_ref::Spider::Name(name)) => SpiderName::parse(&name).map(SpiderRef::Name),
        None => Err(Error::invalid("spider", "is required: id or name")),
    }
}

fn spider(spider: Spider) -> v1::Spider {
    let tags = spider.tags.iter().map(|tag| tag.as_str().to_owned());
    v1::Spider {
        id: encode::count(spider.id.get()),
        tags: tags.collect(),
        r#type: spider.name.spider_type().to_owned(),
        version: spider.version.unwrap_or_default(),
        name: spider.name.to_string(),
        max_running: spider.max_running,
        project_name: spider.project_name,
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

fn number(project: ProjectId) -> i64 {
    encode::count(project.get())
}
