//! GET /api/spiders/list.json → ListSpiders, page by page; /api/v2/projects/P/spiders/S[/tags]
//! → GetSpider, LimitSpider, UpdateSpiderTags.

use axum::response::{IntoResponse as _, Response};
use http::{StatusCode, header::CONTENT_TYPE};
use spiderq_proto::v1::{
    GetSpiderRequest, LimitSpiderRequest, ListSpidersRequest, Spider, UpdateSpiderTagsRequest,
    get_spider_request,
};

use super::{DashResult, json};
use crate::{
    call::Call,
    errors::{Problem, Unchecked},
    lines::Fields,
    render::{Object, string, strings},
};

/// Spiders of a page.
const PAGE: u32 = 1000;

pub(in crate::routes) async fn list(call: Call) -> DashResult {
    let mut message = ListSpidersRequest {
        project: call.params.project()?,
        name: call.params.last("spider").unwrap_or_default().to_owned(),
        start_after: 0,
        count: PAGE,
    };
    let mut spiders = Vec::new();
    loop {
        let request = call.request(message.clone());
        let answer = call.app.services.projects.list_spiders(request).await?;
        let page = answer.into_inner().spiders;
        spiders.extend(page.iter().map(row));
        match page.last() {
            Some(last) if page.len() == PAGE as usize => message.start_after = last.id,
            Some(_) | None => break,
        }
    }
    let mut body = Object::new();
    body.text("status", "ok").raw("spiders", &format!("[{}]", spiders.join(",")));
    Ok(json(body.finish()))
}

pub(in crate::routes) async fn get(call: Call) -> DashResult {
    let project = call.project()?;
    let request = call.request(GetSpiderRequest {
        project,
        spider: Some(get_spider_request::Spider::Id(call.spider()?)),
        create: false,
    });
    let answer = call.app.services.projects.get_spider(request).await?;
    let spider = answer.into_inner().spider.unwrap_or_default();
    Ok(json(whole(project, &spider)))
}

/// `null` is no limit, and so has to be said.
pub(in crate::routes) async fn limit(call: Call) -> DashResult {
    const ACCEPTED: &str = "must be a whole number from 0 to 4294967295, or null";
    let project = call.project()?;
    let mut fields = Fields::parse(call.text()?)?;
    if !fields.has("max_running") {
        return Err(Problem::invalid("max_running", "is required").into());
    }
    let request = call.request(LimitSpiderRequest {
        project,
        spider_id: call.spider()?,
        max_running: fields.typed("max_running", ACCEPTED)?,
    });
    let answer = call.app.services.projects.limit_spider(request).await?;
    let spider = answer.into_inner().spider.unwrap_or_default();
    Ok(json(whole(project, &spider)))
}

pub(in crate::routes) async fn tags(call: Call) -> DashResult {
    let project = call.project()?;
    let mut fields = Fields::parse(call.text()?)?;
    let (add, remove) = (tags_of(&mut fields, "add")?, tags_of(&mut fields, "remove")?);
    if add.is_empty() && remove.is_empty() {
        return Ok(no_change());
    }
    let request =
        call.request(UpdateSpiderTagsRequest { project, spider_id: call.spider()?, add, remove });
    let answer = call.app.services.projects.update_spider_tags(request).await;
    let answer = answer.map_err(|status| Problem::from(status).verbatim())?;
    let spider = answer.into_inner().spider.unwrap_or_default();
    Ok(json(whole(project, &spider)))
}

fn tags_of(fields: &mut Fields<'_>, name: &str) -> Result<Vec<String>, Problem> {
    let tags = fields.typed(name, "must be an array of strings")?;
    Ok(tags.unwrap_or_default())
}

/// A form of refusal that only this path has (CONTRACT 3, others).
fn no_change() -> Response {
    let body = r#"{"non_field_errors":["add or remove: at least one tag is required"]}"#;
    let json = [(CONTENT_TYPE, "application/json")];
    let mut response = (StatusCode::BAD_REQUEST, json, body).into_response();
    response.extensions_mut().insert(Unchecked);
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

fn whole(project: i64, spider: &Spider) -> String {
    let most = spider.max_running.map(|most| most.to_string());
    let most = most.unwrap_or_else(|| "null".to_owned());
    let mut body = Object::new();
    body.text("name", &spider.name)
        .number("jobq_id", spider.id)
        .raw("tags", &strings(&spider.tags))
        .text("type", &spider.r#type)
        .raw("version", &version(spider))
        .raw("max_running", &most)
        .raw("project", &format!("{{\"id\":{project}}}"));
    body.finish()
}

fn version(spider: &Spider) -> String {
    match spider.version.as_str() {
        "" => "null".to_owned(),
        version => string(version),
    }
}
