//! /projects/P/settings[/NAME] → GetProjectSettings, UpdateProjectSettings.

use std::collections::BTreeMap;

use spiderq_core::HeldMemory;
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
    responses::{empty, holding, json, take_held},
};

pub(in crate::routes) async fn get(call: Call) -> StorageResult {
    let mut body = Object::new();
    let (settings, held) = read(&call).await?;
    for (name, value) in &settings {
        body.raw(name, value);
    }
    Ok(holding(json(body.finish()), held))
}

pub(in crate::routes) async fn get_one(call: Call) -> StorageResult {
    let (mut settings, held) = read(&call).await?;
    let value = settings.remove(call.part("name")?);
    Ok(holding(json(nullable(value)), held))
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

async fn read(call: &Call) -> Result<(BTreeMap<String, String>, Option<HeldMemory>), StorageError> {
    let request = call.request(GetProjectSettingsRequest { project: call.project()? });
    let (response, held) =
        take_held(call.app.services.projects.get_project_settings(request).await?);
    Ok((response.settings_json, held))
}

async fn update(call: &Call, message: UpdateProjectSettingsRequest) -> StorageResult {
    let project = call.project()?;
    let request = call.request(UpdateProjectSettingsRequest { project, ..message });
    call.app.services.projects.update_project_settings(request).await?;
    Ok(empty())
}
