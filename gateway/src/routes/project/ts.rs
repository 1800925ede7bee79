//! GET /system/ts → GetServerTime. It needs no API key: it holds no data, and the official
//! client calls it without one.

use std::sync::Arc;

use axum::extract::State;
use spiderq_proto::v1::GetServerTimeRequest;

use super::StorageResult;
use crate::{responses::json, services::App};

pub(in crate::routes) async fn ts(State(app): State<Arc<App>>) -> StorageResult {
    let request = tonic::Request::new(GetServerTimeRequest {});
    let response = app.services.projects.get_server_time(request).await?;
    Ok(json(response.into_inner().now.to_string()))
}
