//! GET /openapi.json: the description of every path, `gateway/openapi.json` as it is. The
//! one path of the table that asks for no key: it holds no data, and a client may want it
//! before it has a key.

use axum::response::Response;

use super::json;

const DESCRIPTION: &str = include_str!("../../openapi.json");

pub(super) async fn openapi() -> Response {
    json(DESCRIPTION.to_owned())
}
