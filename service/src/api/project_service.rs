//! `ProjectService`: projects, their spiders and their settings.

use spiderq_proto::v1::{self, get_spider_request, project_service_server::ProjectService};
use tonic::{Request, Response, async_trait};

use super::{Answer, Calls, On, decode, encode};
use crate::domain::{ProjectSummary, Spider, SpiderRef};
use spiderq_core::{
    error::{Error, Result},
    model::{FieldName, JsonText, ProjectId, SpiderName},
};

/// `spiderq.v1.ProjectService` over the domain.
#[derive(Clone, Debug)]
pub struct ProjectApi(pub(crate) Calls);

#[async_trait]
impl ProjectService for ProjectApi {
    async fn list_projects(
        &self,
        request: Request<v1::ListProjectsRequest>,
    ) -> Answer<v1::ListProjectsResponse> {
        self.0
            .call("ListProjects", request, |on, _| async move {
                let projects = on.domain.projects(&on.caller).await?;
                let projects = projects.into_iter().map(number).collect();
                Ok(v1::ListProjectsResponse { projects })
            })
            .await
    }

    async fn summarize_projects(
        &self,
        request: Request<v1::SummarizeProjectsRequest>,
    ) -> Answer<v1::SummarizeProjectsResponse> {
        self.0
            .call("SummarizeProjects", request, |on, message| async move {
                let projects = message.projects.into_iter().map(decode::project);
                let projects: Result<_> = projects.collect();
                let projects = projects.map_err(|error: Error| error.with_field("projects"))?;
                let summaries = on.domain.summaries(&on.caller, projects).await?;
                let summaries = summaries.into_iter().map(summary).collect();
                Ok(v1::SummarizeProjectsResponse { summaries })
            })
            .await
    }

    async fn list_spiders(
        &self,
        request: Request<v1::ListSpidersRequest>,
    ) -> Answer<v1::ListSpidersResponse> {
        self.0
            .call("ListSpiders", request, |on, message| async move {
                let spiders = spiders(&on, &message).await?.into_iter();
                Ok(v1::ListSpidersResponse { spiders: spiders.map(spider).collect() })
            })
            .await
    }

    async fn get_spider(
        &self,
        request: Request<v1::GetSpiderRequest>,
    ) -> Answer<v1::GetSpiderResponse> {
        self.0
            .call("GetSpider", request, |on, message| async move {
                let project = decode::project(message.project)?;
                let named = spider_ref(message.spider)?;
                let found = on.domain.spider(&on.caller, project, named, message.create);
                Ok(v1::GetSpiderResponse { spider: Some(spider(found.await?)) })
            })
            .await
    }

    async fn update_spider_tags(
        &self,
        request: Request<v1::UpdateSpiderTagsRequest>,
    ) -> Answer<v1::UpdateSpiderTagsResponse> {
        self.0
            .call("UpdateSpiderTags", request, |on, message| async move {
                let project = decode::project(message.project)?;
                let number = decode::spider_id("spider_id", message.spider_id)?;
                let edit = decode::tag_edit(Some(v1::TagChanges {
                    add: message.add,
                    remove: message.remove,
                    replace: false,
                }))?;
                let changed = on.domain.update_spider_tags(&on.caller, project, number, &edit);
                Ok(v1::UpdateSpiderTagsResponse { spider: Some(spider(changed.await?)) })
            })
            .await
    }

    async fn limit_spider(
        &self,
        request: Request<v1::LimitSpiderRequest>,
    ) -> Answer<v1::LimitSpiderResponse> {
        self.0
            .call("LimitSpider", request, |on, message| async move {
                let project = decode::project(message.project)?;
                let number = decode::spider_id("spider_id", message.spider_id)?;
                let limited =
                    on.domain.limit_spider(&on.caller, project, number, message.max_running);
                Ok(v1::LimitSpiderResponse { spider: Some(spider(limited.await?)) })
            })
            .await
    }

    async fn get_settings(
        &self,
        request: Request<v1::GetSettingsRequest>,
    ) -> Answer<v1::GetSettingsResponse> {
        self.0
            .call("GetSettings", request, |on, message| async move {
                let project = decode::project(message.project)?;
                let settings = on.domain.settings(&on.caller, project).await?;
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
    ) -> Answer<v1::SetSettingsResponse> {
        self.0
            .call("SetSettings", request, |on, message| async move {
                let project = decode::project(message.project)?;
                let settings = decode::named("settings", message.settings)?;
                on.domain.set_settings(&on.caller, project, settings).await?;
                Ok(v1::SetSettingsResponse {})
            })
            .await
    }

    async fn delete_settings(
        &self,
        request: Request<v1::DeleteSettingsRequest>,
    ) -> Answer<v1::DeleteSettingsResponse> {
        self.0
            .call("DeleteSettings", request, |on, message| async move {
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
                on.domain.delete_settings(&on.caller, project, names).await?;
                Ok(v1::DeleteSettingsResponse {})
            })
            .await
    }

    /// Nobody's secret: the official client asks without a key.
    async fn get_server_time(
        &self,
        _: Request<v1::GetServerTimeRequest>,
    ) -> Answer<v1::GetServerTimeResponse> {
        let now = encode::millis(self.0.now());
        Ok(Response::new(v1::GetServerTimeResponse { now }))
    }
}

/// A page of spiders, or the one of a name.
async fn spiders(on: &On, message: &v1::ListSpidersRequest) -> Result<Vec<Spider>> {
    let project = decode::project(message.project)?;
    let after = decode::some_spider_id("start_after", message.start_after)?;
    if message.name.is_empty() {
        let page = on.domain.spiders(&on.caller, project, after, message.count);
        return page.await;
    }
    let named = SpiderRef::Name(
        SpiderName::parse(&message.name).map_err(|error| error.with_field("name"))?,
    );
    match on.domain.spider(&on.caller, project, named, false).await {
        Ok(found) => Ok(vec![found]),
        Err(Error::NotFound(_)) => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}

fn spider_ref(named: Option<get_spider_request::Spider>) -> Result<SpiderRef> {
    match named {
        Some(get_spider_request::Spider::Id(number)) => {
            decode::spider_id("id", number).map(SpiderRef::Number)
        }
        Some(get_spider_request::Spider::Name(name)) => {
            let name = SpiderName::parse(&name).map_err(|error| error.with_field("name"))?;
            Ok(SpiderRef::Name(name))
        }
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
