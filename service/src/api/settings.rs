//! The message that changes a project's settings.

use spiderq_proto::{FieldMask, v1};

use super::{decode, fields::Fields};
use crate::domain::SettingsUpdate;
use spiderq_core::{
    error::{Error, Result},
    limits::MAX_ITEMS,
    model::ProjectId,
};

pub(super) fn update(
    message: v1::UpdateProjectSettingsRequest,
) -> Result<(ProjectId, SettingsUpdate)> {
    let mut fields = Fields::default();
    let project = fields.field("project", decode::project(message.project, None));
    let set = fields.part(decode::settings(message.settings_json));
    let replace = fields.field("update_mask", replaces(message.update_mask));
    let few = match message.remove_settings.len() > MAX_ITEMS {
        true => {
            Err(Error::too_large("remove_settings", format!("at most {MAX_ITEMS} in one call"))
                .at(""))
        }
        false => Ok(()),
    };
    let remove =
        few.and_then(|()| decode::field_names(&message.remove_settings, "remove_settings"));
    let remove = fields.within("remove_settings", remove);
    let (Some(project), Some(set), Some(replace), Some(remove)) = (project, set, replace, remove)
    else {
        return Err(fields.into_error());
    };
    Ok((project, SettingsUpdate { set, remove, replace }))
}

/// Whether the settings given take the place of all. Names of settings are no paths: they may hold
/// any character.
fn replaces(mask: Option<FieldMask>) -> Result<bool> {
    let paths = mask.unwrap_or_default().paths;
    match paths.iter().all(|path| path == "*" || path == "settings_json") {
        true => Ok(!paths.is_empty()),
        false => Err(Error::invalid("update_mask", "may only have settings_json, or be *")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn masked(paths: &[&str]) -> Result<bool> {
        replaces(Some(FieldMask { paths: paths.iter().map(|path| (*path).to_owned()).collect() }))
    }

    #[test]
    fn a_mask_is_about_all_settings() {
        assert!(!replaces(None).unwrap());
        assert!(!masked(&[]).unwrap());
        assert!(masked(&["*"]).unwrap());
        assert!(masked(&["settings_json"]).unwrap());
        let refused = masked(&["max_running"]).unwrap_err().to_string();
        assert_eq!(refused, "update_mask: may only have settings_json, or be *");
    }
}
