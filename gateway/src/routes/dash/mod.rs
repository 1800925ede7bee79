//! The dash family: form parameters in, `{"status":…}` out.

mod code;
mod count;
mod delete;
mod list;
mod projects;
mod restore;
mod run;
mod runners;
mod settings;
mod spider_pages;
pub(super) mod spiders;
mod stop;
mod update;
mod users;

pub(super) use code::code;
pub(super) use count::count;
pub(super) use delete::delete;
pub(super) use list::{list_jl, list_json};
pub(super) use projects::listprojects;
pub(super) use restore::restore;
pub(super) use run::run;
pub(super) use runners::runners;
pub(super) use settings::settings;
pub(super) use spider_pages::pages;
pub(super) use stop::stop;
pub(super) use update::update;
pub(super) use users::me;

use axum::response::Response;
use spiderq_proto::v1::JobFilter;

use super::DashResult;
use crate::{accepted_values, errors::Problem, params::Params, render::Object, responses::json};

/// `{"status":"ok",…}` with the fields that `add` writes.
fn ok(add: impl FnOnce(&mut Object)) -> Response {
    let mut body = Object::new();
    body.text("status", "ok");
    add(&mut body);
    json(body.finish())
}

/// The jobs of the repeatable parameter `job`: one at least.
fn named_jobs(params: &Params) -> Result<JobFilter, Problem> {
    let keys = params.all("job");
    if keys.is_empty() {
        return Err(Problem::invalid("job", accepted_values::JOB_KEY));
    }
    Ok(JobFilter { keys, ..JobFilter::default() })
}
