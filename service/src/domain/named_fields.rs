//! Metadata of a new job that the API has fields for. They win over metadata of the same names.

use std::collections::BTreeMap;

use super::{SPIDER_ARGS, reserved_fields::check_readable};
use spiderq_core::{
    error::Result,
    model::{JsonText, Metadata},
};

/// Fields of a new job that become metadata.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NamedFields {
    /// Arguments of the spider.
    pub spider_args: BTreeMap<String, String>,
    /// Arguments of a script.
    pub cmd_args: Option<String>,
    /// Settings of the crawl: a JSON object.
    pub job_settings: Option<JsonText>,
    /// Environment variables of the crawl.
    pub environment: BTreeMap<String, String>,
    /// Version of the code to run.
    pub version: Option<String>,
}

impl NamedFields {
    /// Sets those that are given.
    pub(super) fn set(self, metadata: &mut Metadata) -> Result<()> {
        if let Some(settings) = &self.job_settings {
            check_readable("job_settings", settings)
                .map_err(|error| error.at("job_settings_json"))?;
        }
        let object = |map: BTreeMap<_, _>| (!map.is_empty()).then(|| strings(map));
        let string = |text: Option<String>| text.as_deref().map(JsonText::string);
        let fields = [
            (SPIDER_ARGS, object(self.spider_args)),
            ("environment", object(self.environment)),
            ("job_settings", self.job_settings),
            ("cmd_args", string(self.cmd_args)),
            ("version", string(self.version)),
        ];
        for (name, value) in fields {
            if let Some(value) = value {
                metadata.set(name, value);
            }
        }
        Ok(())
    }
}

/// A JSON object of strings.
fn strings(map: BTreeMap<String, String>) -> JsonText {
    let object: serde_json::Map<_, _> =
        map.into_iter().map(|(name, value)| (name, value.into())).collect();
    JsonText::stored(serde_json::Value::Object(object).to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::test_world::*;

    #[test]
    fn given_fields_win_over_metadata_of_the_same_names() {
        let mut fields = metadata(&[("version", "\"old\""), ("cmd_args", "\"kept\"")]);
        let spider_args = BTreeMap::from([("a".to_owned(), "\"1\"".to_owned())]);
        let version = Some("new".to_owned());
        let named = NamedFields { spider_args, version, ..NamedFields::default() };
        named.set(&mut fields).unwrap();
        let expected = metadata(&[
            ("version", "\"new\""),
            ("cmd_args", "\"kept\""),
            ("spider_args", r#"{"a":"\"1\""}"#),
        ]);
        assert_eq!(fields, expected);
    }

    #[test]
    fn settings_must_be_readable() {
        let job_settings = Some(JsonText::parse(r#"{"a":"\ud800"}"#).unwrap());
        let named = NamedFields { job_settings, ..NamedFields::default() };
        let refused = named.set(&mut Metadata::default()).unwrap_err();
        assert_eq!(refused.violations()[0].path, "job_settings_json");
        assert!(refused.to_string().starts_with("job_settings: "));
    }
}
