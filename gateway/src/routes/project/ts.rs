//! GET /system/ts → GetServerTime. The one path that holds no data and needs no key: the
//! official client asks it without one.

use std::sync::Arc;

use axum::extract::State;
use spiderq_proto::v1::GetServerTimeRequest;

use super::{StorageResult, json};
use crate::services::App;

pub(in crate::routes) async fn ts(State(app): State<Arc<App>>) -> StorageResult {
    let request = tonic::Request::new(GetServerTimeRequest {});
    let answer = app.services.projects.get_server_time(request).await?;
    Ok(json(answer.into_inner().now.to_string()))
}
