//! GET /ids/P/spider/NAME → GetSpider: its number, or `null`.

use spiderq_proto::v1::{GetSpiderRequest, SpiderRef, spider_ref::Spider};
use tonic::Code;

use super::StorageResult;
use crate::{call::Call, errors::required, responses::json};

pub(in crate::routes) async fn spider_id(call: Call) -> StorageResult {
    let request = call.request(GetSpiderRequest {
        project: call.project()?,
        spider: Some(SpiderRef { spider: Some(Spider::Name(call.part("name")?.to_owned())) }),
        create: call.params.flag("create")?,
    });
    match call.app.services.projects.get_spider(request).await {
        Ok(response) => {
            let spider = required(response.into_inner().spider, "spider")?;
            Ok(json(spider.id.to_string()))
        }
        Err(status) if status.code() == Code::NotFound => Ok(json("null".to_owned())),
        Err(status) => Err(status.into()),
    }
}
