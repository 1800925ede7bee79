//! GET /system/ts → GetServerTime. It needs no API key: it holds no data, and the official
//! client calls it without one.

use std::sync::Arc;

use axum::extract::State;
use spiderq_proto::{time::timestamp_ms, v1::GetServerTimeRequest};

use super::StorageResult;
use crate::{errors::required, responses::json, services::App};

pub(in crate::routes) async fn ts(State(app): State<Arc<App>>) -> StorageResult {
    let request = tonic::Request::new(GetServerTimeRequest {});
    let response = app.services.projects.get_server_time(request).await?;
    let now = required(response.into_inner().server_time, "server_time")?;
    Ok(json(timestamp_ms(&now).to_string()))
}
