//! GET /openapi.json: the description of every path, which is `gateway/openapi.json`. It needs no
//! API key, as it holds no data and a client may want it before it has a key.

use axum::response::Response;

use crate::responses::json;

const DESCRIPTION: &str = include_str!("../../openapi.json");

pub(super) async fn openapi() -> Response {
    json(DESCRIPTION.to_owned())
}
