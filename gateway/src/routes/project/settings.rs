//! /projects/P/settings[/NAME] → GetProjectSettings, UpdateProjectSettings.

use std::collections::BTreeMap;

use spiderq_proto::{
    FieldMask,
    v1::{GetProjectSettingsRequest, UpdateProjectSettingsRequest},
};

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
    let settings_json = json_lines::required_object(call.text()?)?.into_metadata();
    update(&call, UpdateProjectSettingsRequest { settings_json, ..Default::default() }).await
}

pub(in crate::routes) async fn set_one(call: Call) -> StorageResult {
    let name = call.part("name")?;
    let value = json_fields::value(name, call.text()?)?;
    let settings_json = [(name.to_owned(), value.to_owned())].into();
    update(&call, UpdateProjectSettingsRequest { settings_json, ..Default::default() }).await
}

pub(in crate::routes) async fn delete(call: Call) -> StorageResult {
    let all = Some(FieldMask { paths: vec!["settings_json".to_owned()] });
    let message = UpdateProjectSettingsRequest { update_mask: all, ..Default::default() };
    update(&call, message).await
}

pub(in crate::routes) async fn delete_one(call: Call) -> StorageResult {
    let remove_settings = vec![call.part("name")?.to_owned()];
    update(&call, UpdateProjectSettingsRequest { remove_settings, ..Default::default() }).await
}

async fn read(call: &Call) -> Result<BTreeMap<String, String>, StorageError> {
    let request = call.request(GetProjectSettingsRequest { project: call.project()? });
    let response = call.app.services.projects.get_project_settings(request).await?;
    Ok(response.into_inner().settings_json)
}

async fn update(call: &Call, message: UpdateProjectSettingsRequest) -> StorageResult {
    let project = call.project()?;
    let request = call.request(UpdateProjectSettingsRequest { project, ..message });
    call.app.services.projects.update_project_settings(request).await?;
    Ok(empty())
}
