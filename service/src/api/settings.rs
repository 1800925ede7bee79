//! The message that changes a project's settings.

use spiderq_proto::{FieldMask, v1};

use super::{decode, fields::Fields};
use crate::domain::{SettingsMask, settings::ALL_SETTINGS};
use spiderq_core::{
    error::{Error, Result},
    limits::MAX_ITEMS,
    model::{Metadata, ProjectId},
};

pub(super) fn update(
    message: v1::UpdateProjectSettingsRequest,
) -> Result<(ProjectId, Metadata, SettingsMask)> {
    let mut fields = Fields::default();
    let project = fields.field("project", decode::project(message.project, None));
    let settings = fields.part(decode::settings(message.settings_json));
    let mask = fields.within("update_mask", mask(message.update_mask));
    let (Some(project), Some(settings), Some(mask)) = (project, settings, mask) else {
        return Err(fields.into_error());
    };
    Ok((project, settings, mask))
}

fn mask(mask: Option<FieldMask>) -> Result<SettingsMask> {
    let Some(FieldMask { paths }) = mask else {
        return Ok(SettingsMask::Given);
    };
    match paths.iter().any(|path| path == ALL_SETTINGS) {
        true if paths.len() == 1 => return Ok(SettingsMask::All),
        true => return Err(Error::invalid("names", "must be * alone, or no *").at("paths")),
        false => {}
    }
    if paths.len() > MAX_ITEMS {
        let limit = format!("at most {MAX_ITEMS} in one call");
        return Err(Error::too_large("names", limit).at("paths"));
    }
    let names = decode::field_names(&paths, "names").map_err(|error| error.within("paths"))?;
    Ok(SettingsMask::Names(names))
}

#[cfg(test)]
mod tests {
    use super::*;
    use spiderq_core::model::FieldName;

    fn masked(paths: &[&str]) -> Result<SettingsMask> {
        mask(Some(FieldMask { paths: paths.iter().map(|path| (*path).to_owned()).collect() }))
    }

    #[test]
    fn a_mask_names_settings_exactly() {
        assert_eq!(mask(None).unwrap(), SettingsMask::Given);
        assert_eq!(masked(&["*"]).unwrap(), SettingsMask::All);
        let names = ["a.b", "c"].map(|name| FieldName::parse(name).unwrap());
        assert_eq!(masked(&["a.b", "c"]).unwrap(), SettingsMask::Names(names.to_vec()));
        let both = masked(&["a.b", "*"]).unwrap_err();
        assert_eq!(both.to_string(), "names: must be * alone, or no *");
        let wrong = masked(&["a", ""]).unwrap_err();
        assert_eq!(wrong.violations()[0].path, "paths[1]");
    }
}
