//! GET /api/spiders/list.json → ListSpiders, page by page; /api/v2/projects/P/spiders/S[/tags]
//! → GetSpider, LimitSpider, UpdateSpiderTags.

use axum::response::{IntoResponse as _, Response};
use http::{StatusCode, header::CONTENT_TYPE};
use spiderq_core::limits::MAX_ROWS;
use spiderq_proto::v1::{
    GetSpiderRequest, LimitSpiderRequest, ListSpidersRequest, Spider, UpdateSpiderTagsRequest,
};

use super::{DashResult, ok};
use crate::{
    accepted_values,
    call::Call,
    errors::{CredentialsUnchecked, Problem, required},
    json_fields::Fields,
    render::{Object, array, nullable, string, strings},
    responses::{JSON, json},
};

pub(in crate::routes) async fn list(call: Call) -> DashResult {
    let mut message = ListSpidersRequest {
        project: call.params.project()?,
        name: call.params.one("spider")?.unwrap_or_default().to_owned(),
        start_after: 0,
        count: MAX_ROWS as u32,
    };
    let mut spiders = Vec::new();
    loop {
        let request = call.request(message.clone());
        let response = call.app.services.projects.list_spiders(request).await?;
        let page = response.into_inner().spiders;
        spiders.extend(page.iter().map(row));
        match page.last() {
            Some(last) if page.len() == MAX_ROWS => message.start_after = last.id,
            Some(_) | None => break,
        }
    }
    Ok(ok(|body| {
        body.raw("spiders", &array(spiders));
    }))
}

pub(in crate::routes) async fn get(call: Call) -> DashResult {
    let (project, spider) = (call.project()?, Some(call.spider_ref()?));
    let request = call.request(GetSpiderRequest { project, spider, create: false });
    let response = call.app.services.projects.get_spider(request).await?;
    one(project, response.into_inner().spider)
}

/// `null` removes the limit, so it is not the same as an absent field.
pub(in crate::routes) async fn limit(call: Call) -> DashResult {
    let project = call.project()?;
    let mut fields = Fields::parse(call.text()?)?;
    if !fields.has("max_running") {
        return Err(Problem::invalid("max_running", "is required").into());
    }
    let request = call.request(LimitSpiderRequest {
        project,
        spider: Some(call.spider_ref()?),
        max_running: fields.take("max_running", &accepted_values::MAX_RUNNING)?,
    });
    let response = call.app.services.projects.limit_spider(request).await?;
    one(project, response.into_inner().spider)
}

pub(in crate::routes) async fn tags(call: Call) -> DashResult {
    let project = call.project()?;
    let mut fields = Fields::parse(call.text()?)?;
    let (add, remove) = (fields.take_strings("add")?, fields.take_strings("remove")?);
    if add.is_empty() && remove.is_empty() {
        return Ok(no_change());
    }
    let spider = Some(call.spider_ref()?);
    let request = call.request(UpdateSpiderTagsRequest { project, spider, add, remove });
    let response = call.app.services.projects.update_spider_tags(request).await;
    let response = response.map_err(|status| Problem::from(status).without_renaming())?;
    one(project, response.into_inner().spider)
}

/// A form of refusal that only this path has (contract 3, others).
fn no_change() -> Response {
    let body = concat!(
        r#"{"non_field_errors":["At least one of \"add\" or \"remove\" arguments "#,
        r#"must not be empty"]}"#
    );
    let mut response = (StatusCode::BAD_REQUEST, [(CONTENT_TYPE, JSON)], body).into_response();
    response.extensions_mut().insert(CredentialsUnchecked);
    response
}

fn row(spider: &Spider) -> String {
    let mut row = Object::new();
    row.text("id", &spider.name)
        .raw("tags", &strings(&spider.tags))
        .text("type", &spider.r#type)
        .raw("version", &version(spider));
    row.finish()
}

fn one(project: i64, spider: Option<Spider>) -> DashResult {
    Ok(json(object(project, &required(spider, "spider")?)))
}

pub(super) fn object(project: i64, spider: &Spider) -> String {
    let max_running = spider.max_running.map(|max| max.to_string());
    let mut of_project = Object::new();
    of_project.number("id", project).text("name", &spider.project_name);
    let mut body = Object::new();
    body.text("name", &spider.name)
        .number("jobq_id", spider.id)
        .raw("tags", &strings(&spider.tags))
        .text("type", &spider.r#type)
        .raw("version", &version(spider))
        .raw("max_running", &nullable(max_running))
        .raw("project", &of_project.finish());
    body.finish()
}

fn version(spider: &Spider) -> String {
    nullable((!spider.version.is_empty()).then(|| string(&spider.version)))
}
