//! GET /ids/P/spider/NAME → GetSpider: its number, or `null`; with `create` → EnsureSpider.

use spiderq_proto::v1::{EnsureSpiderRequest, GetSpiderRequest, Spider};
use tonic::Code;

use super::StorageResult;
use crate::{
    call::Call,
    errors::{Problem, StorageError, required},
    render::nullable,
    responses::json,
    spider_ref::by_name,
};

pub(in crate::routes) async fn spider_id(call: Call) -> StorageResult {
    let spider = match call.params.flag("create")? {
        true => Some(ensure(&call).await?),
        false => find(&call).await?,
    };
    Ok(json(nullable(spider.map(|spider| spider.id.to_string()))))
}

async fn ensure(call: &Call) -> Result<Spider, StorageError> {
    let (project, name) = (call.project()?, call.part("name")?.to_owned());
    let request = call.request(EnsureSpiderRequest { project, name });
    let response = call.app.services.projects.ensure_spider(request).await;
    // As the same path without `create` names it.
    let response =
        response.map_err(|status| Problem::from(status).renaming("name", "spider"))?.into_inner();
    Ok(required(response.spider, "spider")?)
}

async fn find(call: &Call) -> Result<Option<Spider>, StorageError> {
    let (project, spider) = (call.project()?, Some(by_name(call.part("name")?)));
    let request = call.request(GetSpiderRequest { project, spider });
    match call.app.services.projects.get_spider(request).await {
        Ok(response) => Ok(Some(required(response.into_inner().spider, "spider")?)),
        Err(status) if status.code() == Code::NotFound => Ok(None),
        Err(status) => Err(status.into()),
    }
}
