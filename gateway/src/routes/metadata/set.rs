//! POST /jobs/P/S/J[/FIELD] → SetJobMetadata.

use std::collections::BTreeMap;

use spiderq_proto::v1::SetJobMetadataRequest;

use super::{StorageResult, empty, field};
use crate::{call::Call, errors::Problem, lines};

pub(in crate::routes) async fn set(call: Call) -> StorageResult {
    let Some(fields) = lines::object(call.text()?)? else {
        return Err(Problem::invalid("body", "must be a JSON object").into());
    };
    send(&call, fields.into_metadata()).await
}

pub(in crate::routes) async fn set_field(call: Call) -> StorageResult {
    let name = field(&call);
    let value = lines::value(name, call.text()?)?;
    let fields = [(name.to_owned(), value.to_owned())];
    send(&call, fields.into()).await
}

async fn send(call: &Call, metadata: BTreeMap<String, String>) -> StorageResult {
    let request =
        call.request(SetJobMetadataRequest { key: call.key(), metadata, fence: String::new() });
    call.app.services.jobs.set_job_metadata(request).await?;
    Ok(empty())
}
