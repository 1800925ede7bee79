//! The route table, in the order of docs/contract.md. A path that has no line here does not
//! exist. A handler decodes its request, calls a service and encodes the response.

use std::sync::Arc;

use axum::{
    Router,
    response::Response,
    routing::{any, get, patch, post},
};

use crate::{
    errors::{DashError, StorageError},
    services::App,
    web,
};

use self::output::{CSV, ITEMS, JL, JSON, LOGS, REQUESTS, SAMPLES, TEXT, XML};

mod dash;
mod metadata;
mod openapi;
mod output;
mod project;
mod storage;

type DashResult = Result<Response, DashError>;
type StorageResult = Result<Response, StorageError>;

/// `with_page`: whether browsers may sign in.
pub(crate) fn table(with_page: bool) -> Router<Arc<App>> {
    let page = if with_page { sessions() } else { Router::new() };
    Router::new()
        .merge(page)
        .merge(dash_jobs())
        .merge(dash_projects())
        .merge(queue())
        .merge(summaries())
        .merge(job_metadata())
        .merge(items())
        .merge(logs())
        .merge(requests_and_samples())
        .merge(older_output())
        .route("/openapi.json", get(openapi::openapi))
}

/// Contract 10: the web page.
fn sessions() -> Router<Arc<App>> {
    Router::new().route("/session", get(web::who).post(web::sign_in).delete(web::sign_out))
}

/// Contract 3: the Jobs API.
fn dash_jobs() -> Router<Arc<App>> {
    Router::new()
        .route("/api/run.json", post(dash::run))
        .route("/api/schedule.json", post(dash::run))
        .route("/api/jobs/list.json", get(dash::list_json))
        .route("/api/jobs/list.jl", get(dash::list_jl))
        .route("/api/jobs/count.json", get(dash::count))
        .route("/api/jobs/update.json", post(dash::update))
        .route("/api/jobs/delete.json", post(dash::delete))
        .route("/api/jobs/stop.json", post(dash::stop))
        .route("/api/jobs/restore.json", post(dash::restore))
}

/// Contract 3, others: projects, spiders, users, code.
#[rustfmt::skip]
fn dash_projects() -> Router<Arc<App>> {
    Router::new()
        .route("/api/scrapyd/listprojects.json", get(dash::listprojects))
        .route("/api/spiders/list.json", get(dash::spiders::list))
        .route("/api/settings/get.json", get(dash::settings))
        .route("/api/v2/projects/{project}/spiders", get(dash::pages))
        .route("/api/v2/projects/{project}/spiders/{spider}",
               get(dash::spiders::get).patch(dash::spiders::limit))
        .route("/api/v2/projects/{project}/spiders/{spider}/tags", patch(dash::spiders::tags))
        .route("/api/v2/users/me", get(dash::me))
        .route("/api/runners.json", get(dash::runners))
        .route("/api/scrapyd/addversion.json", any(dash::code))
        .route("/api/scrapyd/delversion.json", any(dash::code))
        .route("/api/scrapyd/delproject.json", any(dash::code))
        .route("/api/scrapyd/listversions.json", any(dash::code))
        .route("/api/eggs/{*path}", any(dash::code))
        .route("/api/releases/{*path}", any(dash::code))
}

/// Contract 4: the JobQ API.
fn queue() -> Router<Arc<App>> {
    Router::new()
        .route("/jobq/{project}/count", get(storage::count))
        .route("/jobq/{project}/list", get(storage::list))
        .route("/jobq/{project}/push", post(storage::push))
        .route("/jobq/{project}/startjob", post(storage::startjob))
        .route("/jobq/{project}/{spider}/{job}/heartbeat", post(storage::heartbeat))
        .route("/jobq/{project}/update", post(storage::update))
        .route("/jobq/{project}/{spider}/{job}/cancel", post(storage::cancel_one))
        .route("/jobq/{project}/cancel", post(storage::cancel))
        .route("/jobq/{project}/summary", get(storage::summary))
        .route("/jobq/{project}/summary/{state}", get(storage::summary))
        .route("/jobq/{project}/{spider}/summary", get(storage::summary))
        .route("/jobq/{project}/{spider}/summary/{state}", get(storage::summary))
        .route("/jobq/{project}/jobsummary", get(storage::jobsummary))
}

/// Contract 4, summaries and projects.
#[rustfmt::skip]
fn summaries() -> Router<Arc<App>> {
    Router::new()
        .route("/projects/{project}/jobsummary", get(project::jobsummary))
        .route("/projects/jobsummaries", get(project::jobsummaries))
        .route("/spiders/{project}/lastjobsummary", get(storage::lastjobsummary))
        .route("/spiders/{project}/{spider}/lastjobsummary", get(storage::lastjobsummary))
        .route("/ids/{project}/spider/{*name}", get(project::spider_id))
        .route("/projects/{project}/settings",
               get(project::get).post(project::set).delete(project::delete))
        .route("/projects/{project}/settings/{*name}",
               get(project::get_one).post(project::set_one).delete(project::delete_one))
        .route("/system/ts", get(project::ts))
}

/// Contract 5: the Job metadata API.
#[rustfmt::skip]
fn job_metadata() -> Router<Arc<App>> {
    Router::new()
        .route("/jobs/{project}/{spider}/{job}",
               get(metadata::get).post(metadata::set).delete(metadata::purge))
        .route("/jobs/{project}/{spider}/{job}/auth",
               get(metadata::token).post(metadata::set_field).delete(metadata::delete_field))
        .route("/jobs/{project}/{spider}/{job}/{*field}",
               get(metadata::get_field).post(metadata::set_field).delete(metadata::delete_field))
}

/// Contract 9: items.
#[rustfmt::skip]
fn items() -> Router<Arc<App>> {
    Router::new()
        .route("/items/{project}", get(output::rows_of_jobs::<ITEMS>))
        .route("/items/{project}/{spider}", get(output::rows_of_jobs::<ITEMS>))
        .route("/items/{project}/{spider}/{job}",
               get(output::rows::<ITEMS>).post(output::write::<ITEMS>))
        .route("/items/{project}/{spider}/{job}/stats", get(output::stats::<ITEMS>))
        .route("/items/{project}/{spider}/{job}/{index}", get(output::row::<ITEMS>))
        .route("/items/{project}/{spider}/{job}/{index}/{*field}", get(output::field::<ITEMS>))
}

/// Contract 9: logs.
#[rustfmt::skip]
fn logs() -> Router<Arc<App>> {
    Router::new()
        .route("/logs/{project}/{spider}/{job}",
               get(output::rows::<LOGS>).post(output::write::<LOGS>))
        .route("/logs/{project}/{spider}/{job}/stats", get(output::stats::<LOGS>))
        .route("/logs/{project}/{spider}/{job}/{index}", get(output::row::<LOGS>))
        .route("/logs/{project}/{spider}/{job}/{index}/{*field}", get(output::field::<LOGS>))
}

/// Contract 9: requests and samples.
#[rustfmt::skip]
fn requests_and_samples() -> Router<Arc<App>> {
    Router::new()
        .route("/requests/{project}/{spider}/{job}",
               get(output::rows::<REQUESTS>).post(output::write::<REQUESTS>))
        .route("/requests/{project}/{spider}/{job}/stats", get(output::stats::<REQUESTS>))
        .route("/requests/{project}/{spider}/{job}/{index}", get(output::row::<REQUESTS>))
        .route("/requests/{project}/{spider}/{job}/{index}/{*field}",
               get(output::field::<REQUESTS>))
        .route("/samples/{project}/{spider}/{job}",
               get(output::rows::<SAMPLES>).post(output::write::<SAMPLES>))
        .route("/samples/{project}/{spider}/{job}/stats", get(output::stats::<SAMPLES>))
        .route("/samples/{project}/{spider}/{job}/{index}", get(output::row::<SAMPLES>))
}

/// Contract 9, older paths.
fn older_output() -> Router<Arc<App>> {
    Router::new()
        .route("/api/items.json", get(output::items::<JSON>))
        .route("/api/items.jl", get(output::items::<JL>))
        .route("/api/items.csv", get(output::items::<CSV>))
        .route("/api/items.xml", get(output::items::<XML>))
        .route("/api/log.json", get(output::log::<JSON>))
        .route("/api/log.jl", get(output::log::<JL>))
        .route("/api/log.csv", get(output::log::<CSV>))
        .route("/api/log.txt", get(output::log::<TEXT>))
}
