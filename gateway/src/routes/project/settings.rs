//! /projects/P/settings[/NAME] → GetProjectSettings, UpdateProjectSettings.

use std::collections::BTreeMap;

use spiderq_proto::{
    FieldMask,
    v1::{GetProjectSettingsRequest, UpdateProjectSettingsRequest},
};

use super::StorageResult;
use crate::{
    call::Call,
    errors::{Problem, StorageError},
    json_fields, json_lines,
    render::{Object, nullable},
    responses::{empty, json},
};

/// All settings, in a mask.
const ALL: &str = "*";

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
    update(&call, fields.into_metadata(), None).await
}

pub(in crate::routes) async fn set_one(call: Call) -> StorageResult {
    let name = call.part("name")?;
    let value = json_fields::value(name, call.text()?)?;
    update(&call, [(name.to_owned(), value.to_owned())].into(), None).await
}

pub(in crate::routes) async fn delete(call: Call) -> StorageResult {
    remove(&call, ALL).await
}

pub(in crate::routes) async fn delete_one(call: Call) -> StorageResult {
    match call.part("name")? {
        // In a mask this name would remove all the others too.
        ALL => Err(Problem::invalid("name", "must not be *, which stands for all settings").into()),
        name => remove(&call, name).await,
    }
}

async fn read(call: &Call) -> Result<BTreeMap<String, String>, StorageError> {
    let request = call.request(GetProjectSettingsRequest { project: call.project()? });
    let response = call.app.services.projects.get_project_settings(request).await?;
    Ok(response.into_inner().settings_json)
}

/// Settings that the mask names and that are not given are removed.
async fn remove(call: &Call, name: &str) -> StorageResult {
    update(call, BTreeMap::new(), Some(FieldMask { paths: vec![name.to_owned()] })).await
}

async fn update(
    call: &Call,
    settings_json: BTreeMap<String, String>,
    update_mask: Option<FieldMask>,
) -> StorageResult {
    let project = call.project()?;
    let request =
        call.request(UpdateProjectSettingsRequest { project, settings_json, update_mask });
    call.app.services.projects.update_project_settings(request).await?;
    Ok(empty())
}
