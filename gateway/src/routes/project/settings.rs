//! /projects/P/settings[/NAME] → GetSettings, SetSettings, DeleteSettings.

use std::collections::BTreeMap;

use spiderq_proto::v1::{DeleteSettingsRequest, GetSettingsRequest, SetSettingsRequest};

use super::StorageResult;
use crate::{
    call::Call,
    errors::StorageError,
    json_fields, json_lines,
    render::{Object, nullable},
    responses::{empty, json},
};

pub(in crate::routes) async fn get(call: Call) -> StorageResult {
    let mut body = Object::new();
    for (name, value) in &read(&call).await? {
        body.raw(name, value);
    }
    Ok(json(body.finish()))
}

pub(in crate::routes) async fn get_one(call: Call) -> StorageResult {
    let value = read(&call).await?.remove(call.part("name")?);
    Ok(json(nullable(value)))
}

pub(in crate::routes) async fn set(call: Call) -> StorageResult {
    let fields = json_lines::required_object(call.text()?)?;
    send(&call, fields.into_metadata()).await
}

pub(in crate::routes) async fn set_one(call: Call) -> StorageResult {
    let name = call.part("name")?;
    let value = json_fields::value(name, call.text()?)?;
    send(&call, [(name.to_owned(), value.to_owned())].into()).await
}

pub(in crate::routes) async fn delete(call: Call) -> StorageResult {
    remove(&call, Vec::new(), true).await
}

pub(in crate::routes) async fn delete_one(call: Call) -> StorageResult {
    remove(&call, vec![call.part("name")?.to_owned()], false).await
}

async fn read(call: &Call) -> Result<BTreeMap<String, String>, StorageError> {
    let request = call.request(GetSettingsRequest { project: call.project()? });
    let response = call.app.services.projects.get_settings(request).await?;
    Ok(response.into_inner().settings)
}

async fn send(call: &Call, settings: BTreeMap<String, String>) -> StorageResult {
    let request = call.request(SetSettingsRequest { project: call.project()?, settings });
    call.app.services.projects.set_settings(request).await?;
    Ok(empty())
}

async fn remove(call: &Call, names: Vec<String>, all: bool) -> StorageResult {
    let request = call.request(DeleteSettingsRequest { project: call.project()?, names, all });
    call.app.services.projects.delete_settings(request).await?;
    Ok(empty())
}
