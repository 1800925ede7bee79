//! The dash family: form parameters in, `{"status":…}` out.

mod count;
mod delete;
mod list;
mod projects;
mod run;
pub(super) mod spiders;
mod stop;
mod update;
mod users;

pub(super) use count::count;
pub(super) use delete::delete;
pub(super) use list::{list_jl, list_json};
pub(super) use projects::listprojects;
pub(super) use run::run;
pub(super) use stop::stop;
pub(super) use update::update;
pub(super) use users::me;

use axum::response::Response;

use super::{DashResult, json};
use crate::{errors::Problem, params::Params, render::Object};

/// `{"status":"ok"}`, with one number when there is one to tell.
fn ok(number: Option<(&str, i64)>) -> Response {
    let mut body = Object::new();
    body.text("status", "ok");
    if let Some((name, number)) = number {
        body.number(name, number);
    }
    json(body.finish())
}

/// The keys of `job`, of which there must be one at least.
fn jobs(params: &Params) -> Result<Vec<String>, Problem> {
    let keys = params.all("job");
    if keys.is_empty() {
        return Err(Problem::invalid("job", "is required, a job key like 123/1/2"));
    }
    Ok(keys)
}
