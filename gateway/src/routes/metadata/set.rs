//! POST /jobs/P/S/J[/FIELD] → SetJobMetadata.

use std::collections::BTreeMap;

use spiderq_proto::v1::SetJobMetadataRequest;

use super::{StorageResult, field};
use crate::{call::Call, json_fields, json_lines, responses::empty};

pub(in crate::routes) async fn set(call: Call) -> StorageResult {
    let mut fields = json_lines::required_object(call.text()?)?;
    // As in an update of the queue: the secret is checked and never becomes metadata.
    let fence = fields.take_string("fence")?.unwrap_or_default();
    send(&call, fields.into_metadata(), fence).await
}

pub(in crate::routes) async fn set_field(call: Call) -> StorageResult {
    let name = field(&call);
    let value = json_fields::value(name, call.text()?)?;
    send(&call, [(name.to_owned(), value.to_owned())].into(), String::new()).await
}

async fn send(
    call: &Call,
    metadata_json: BTreeMap<String, String>,
    fence: String,
) -> StorageResult {
    let request = call.request(SetJobMetadataRequest {
        key: call.job_key()?,
        metadata_json,
        fence,
        ..SetJobMetadataRequest::default()
    });
    call.app.services.jobs.set_job_metadata(request).await?;
    Ok(empty())
}
