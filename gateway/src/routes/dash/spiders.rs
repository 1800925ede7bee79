//! GET /api/spiders/list.json → ListSpiders, page by page; /api/v2/projects/P/spiders/S[/tags]
//! → GetSpider, UpdateSpider.

use axum::response::{IntoResponse as _, Response};
use http::{StatusCode, header::CONTENT_TYPE};
use spiderq_core::limits::MAX_ROWS;
use spiderq_proto::{
    FieldMask,
    v1::{GetSpiderRequest, ListSpidersRequest, Spider, TagChanges, UpdateSpiderRequest},
};

use super::{DashResult, ok};
use crate::{
    accepted_values,
    call::Call,
    errors::{CredentialsUnchecked, Problem, required},
    json_fields::Fields,
    render::{Object, array, nullable, spider_type_name, string, strings},
    responses::{JSON, json},
};

pub(in crate::routes) async fn list(call: Call) -> DashResult {
    let mut message = ListSpidersRequest {
        project: call.params.project()?,
        name: call.params.one("spider")?.unwrap_or_default().to_owned(),
        page_size: MAX_ROWS as i32,
        ..ListSpidersRequest::default()
    };
    let mut spiders = Vec::new();
    loop {
        let request = call.request(message.clone());
        let page = call.app.services.projects.list_spiders(request).await?.into_inner();
        spiders.extend(page.spiders.iter().map(row));
        message.page_token = page.next_page_token;
        if message.page_token.is_empty() {
            break;
        }
    }
    Ok(ok(|body| {
        body.raw("spiders", &array(spiders));
    }))
}

pub(in crate::routes) async fn get(call: Call) -> DashResult {
    let (project, spider) = (call.project()?, Some(call.spider_ref()?));
    let request = call.request(GetSpiderRequest { project, spider });
    let response = call.app.services.projects.get_spider(request).await?;
    one(response.into_inner().spider)
}

/// `null` removes the limit, so it is not the same as an absent field.
pub(in crate::routes) async fn limit(call: Call) -> DashResult {
    let project = call.project()?;
    let mut fields = Fields::parse(call.text()?)?;
    if !fields.has("max_running") {
        return Err(Problem::invalid("max_running", "is required").into());
    }
    let max_running: Option<u32> = fields.take("max_running", &accepted_values::MAX_RUNNING)?;
    let values = Spider { max_running: max_running.map(crate::params::int32), ..Spider::default() };
    let request = call.request(UpdateSpiderRequest {
        project,
        spider: Some(call.spider_ref()?),
        values: Some(values),
        update_mask: Some(FieldMask { paths: vec!["max_running".to_owned()] }),
        tag_changes: None,
    });
    let response = call.app.services.projects.update_spider(request).await?;
    one(response.into_inner().spider)
}

pub(in crate::routes) async fn tags(call: Call) -> DashResult {
    let project = call.project()?;
    let mut fields = Fields::parse(call.text()?)?;
    let (add, remove) = (fields.take_strings("add")?, fields.take_strings("remove")?);
    if add.is_empty() && remove.is_empty() {
        return Ok(no_change());
    }
    let request = call.request(UpdateSpiderRequest {
        project,
        spider: Some(call.spider_ref()?),
        tag_changes: Some(TagChanges { add, remove, replace: false }),
        ..UpdateSpiderRequest::default()
    });
    let response = call.app.services.projects.update_spider(request).await;
    let response = response.map_err(|status| Problem::from(status).without_renaming())?;
    one(response.into_inner().spider)
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
        .text("type", spider_type_name(spider.r#type()))
        .raw("version", &version(spider));
    row.finish()
}

fn one(spider: Option<Spider>) -> DashResult {
    Ok(json(object(&required(spider, "spider")?)))
}

pub(super) fn object(spider: &Spider) -> String {
    let max_running = spider.max_running.map(|max| max.to_string());
    let mut of_project = Object::new();
    of_project.number("id", spider.project).text("name", &spider.project_name);
    let mut body = Object::new();
    body.text("name", &spider.name)
        .number("jobq_id", spider.id)
        .raw("tags", &strings(&spider.tags))
        .text("type", spider_type_name(spider.r#type()))
        .raw("version", &version(spider))
        .raw("max_running", &nullable(max_running))
        .raw("project", &of_project.finish());
    body.finish()
}

fn version(spider: &Spider) -> String {
    nullable((!spider.version.is_empty()).then(|| string(&spider.version)))
}
