//! GET /api/v2/projects/P/spiders → ListSpiders: pages as Django REST framework numbers them.

use http::StatusCode;
use spiderq_core::limits::{DEFAULT_PAGE_SIZE, MAX_PAGE_SIZE};
use spiderq_proto::v1::ListSpidersRequest;

use super::{DashResult, spiders::object};
use crate::{
    call::Call,
    errors::Problem,
    params,
    render::{Object, array, nullable, string},
    responses::json,
};

/// Which page is asked for. A size above the most is reduced.
struct Page {
    number: i64,
    size: i64,
    /// As the client gave it, for the addresses of other pages.
    asked_size: Option<i64>,
}

pub(in crate::routes) async fn pages(call: Call) -> DashResult {
    let project = call.project()?;
    let page = Page::decode(&call)?;
    let request = call.request(ListSpidersRequest {
        project,
        page_size: i32::try_from(page.size).unwrap_or(1),
        skip: (page.number - 1).saturating_mul(page.size),
        with_total_size: true,
        ..ListSpidersRequest::default()
    });
    let response = call.app.services.projects.list_spiders(request).await?.into_inner();
    let (count, first) = (response.total_size, page.number == 1);
    if response.spiders.is_empty() && !first {
        let message = format!("there is no page {}", page.number);
        return Err(Problem::new(StatusCode::NOT_FOUND, message).into());
    }
    let has_next = page.number.saturating_mul(page.size) < count;
    let next = has_next.then(|| page.url(&call, project, page.number + 1));
    let previous = (!first).then(|| page.url(&call, project, page.number - 1));
    let mut body = Object::new();
    body.number("count", count)
        .raw("next", &nullable(next))
        .raw("previous", &nullable(previous))
        .raw("results", &array(response.spiders.iter().map(object)));
    Ok(json(body.finish()))
}

impl Page {
    fn decode(call: &Call) -> Result<Self, Problem> {
        let positive =
            |name| call.params.one(name)?.map(|text| params::positive(name, text)).transpose();
        let asked_size = positive("page_size")?;
        let size = asked_size.unwrap_or(DEFAULT_PAGE_SIZE as i64).min(MAX_PAGE_SIZE as i64);
        Ok(Self { number: positive("page")?.unwrap_or(1), size, asked_size })
    }

    /// The address of another page, as JSON. That of the first has no number.
    fn url(&self, call: &Call, project: i64, number: i64) -> String {
        let page = (number > 1).then(|| format!("page={number}"));
        let size = self.asked_size.map(|size| format!("page_size={size}"));
        let query: Vec<String> = page.into_iter().chain(size).collect();
        let mark = if query.is_empty() { "" } else { "?" };
        let base = call.app.options.public_url.trim_end_matches('/');
        string(&format!("{base}/api/v2/projects/{project}/spiders{mark}{}", query.join("&")))
    }
}
