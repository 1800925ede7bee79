//! The one table of which parameter fills which field of a gRPC message.

use std::borrow::Cow;

use super::Family;

/// Fields of values by name: an error in one of them is about that name.
const MAPS: [&str; 2] = ["metadata_json", "settings_json"];

/// The parameter of the family for a field such as `filter.keys[3]`.
pub(super) fn name(path: &str, family: Family) -> Cow<'_, str> {
    entry(path).unwrap_or_else(|| Cow::Borrowed(parameter(field(path), family)))
}

/// The field as the bodies of requests call it, in which it is no parameter.
pub(super) fn body_field(path: &str) -> Cow<'_, str> {
    match (entry(path), field(path)) {
        (Some(name), _) => name,
        (None, "spider_id") => Cow::Borrowed("spider"),
        (None, field) => Cow::Borrowed(field),
    }
}

/// The name of the value that is wrong, if the path leads into a map: it is `x` of
/// `jobs[3].metadata_json["x"]`. The name may hold any character.
fn entry(path: &str) -> Option<Cow<'_, str>> {
    MAPS.iter().find_map(|map| {
        let (before, rest) = path.split_once(map)?;
        if !before.is_empty() && !before.ends_with('.') {
            return None;
        }
        if let Some(name) = rest.strip_prefix('.') {
            return Some(Cow::Borrowed(name));
        }
        let name = rest.strip_prefix('[')?.strip_suffix(']')?;
        let unquoted = serde_json::from_str::<String>(name);
        Some(unquoted.map_or(Cow::Borrowed(name), Cow::Owned))
    })
}

/// What the last field of a path is about, as the documents call it.
fn field(path: &str) -> &str {
    let mut fields = path.rsplit('.').map(|field| field.split('[').next().unwrap_or(field));
    match (fields.next().unwrap_or(path), fields.next()) {
        ("name", Some("spider" | "spiders")) => "spider",
        ("id", Some("spider" | "spiders")) => "spider_id",
        ("metadata_json", _) => "metadata",
        ("job_settings_json", _) => "job_settings",
        ("settings_json" | "remove_settings" | "update_mask" | "paths", _) => "settings",
        ("unique_key", _) => "unique",
        (field, _) => field,
    }
}

fn parameter(field: &str, family: Family) -> &str {
    match (field, family) {
        ("spider_id", Family::Dash) => "jobq_id",
        ("tags" | "add", Family::Dash) => "add_tag",
        ("remove", Family::Dash) => "remove_tag",
        ("key" | "keys", Family::Dash) => "job",
        ("skip", Family::Dash) => "offset",
        ("keys", Family::Storage) => "key",
        ("spider_id", Family::Storage) => "spider",
        ("skip", Family::Storage) => "start",
        ("states", _) => "state",
        ("spiders", _) => "spider",
        ("has_tags", _) => "has_tag",
        ("lacks_tags", _) => "lacks_tag",
        ("from_state_time", _) => "startts",
        ("before_state_time", _) => "endts",
        ("metadata_fields", _) => "jobmeta",
        ("lines", _) => "body",
        ("min_level", _) => "level",
        ("start_offset", Family::Storage) => "start",
        ("start_offset", Family::Dash) => "offset",
        ("after_spider_id", _) => "startafter",
        ("limit" | "tail" | "page_size" | "jobs_per_state" | "oldest_pending", _) => "count",
        ("request_id", _) => "Idempotency-Key",
        _ => field,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_has_the_name_of_its_familys_parameter() {
        for (path, dash, storage) in [
            ("job.spider.id", "jobq_id", "spider"),
            ("filter.spiders[2].name", "spider", "spider"),
            ("spider", "spider", "spider"),
            ("name", "name", "name"),
            ("filter.keys[7]", "job", "key"),
            ("key", "job", "key"),
            ("job.tags[0]", "add_tag", "tags"),
            ("tags.remove[1]", "remove_tag", "remove"),
            ("filter.before_state_time", "endts", "endts"),
            ("metadata_fields[99]", "jobmeta", "jobmeta"),
            ("request_id", "Idempotency-Key", "Idempotency-Key"),
            ("job.job_settings_json", "job_settings", "job_settings"),
            ("update_mask.paths[0]", "settings", "settings"),
            ("filter.unknown", "unknown", "unknown"),
        ] {
            assert_eq!(name(path, Family::Dash), dash);
            assert_eq!(name(path, Family::Storage), storage);
        }
    }

    #[test]
    fn a_value_by_name_goes_by_that_name() {
        for (path, expected) in [
            ("metadata_json", "metadata"),
            ("job.metadata_json", "metadata"),
            ("settings_json", "settings"),
            ("settings_json.max_running", "max_running"),
            ("metadata_json[skip]", "skip"),
            (r#"jobs[3].metadata_json["a.b[\"c\"]"]"#, r#"a.b["c"]"#),
        ] {
            assert_eq!(name(path, Family::Storage), expected);
            assert_eq!(body_field(path), expected);
        }
    }

    #[test]
    fn a_body_has_its_own_names() {
        for (path, expected) in [
            ("jobs[0].unique_key", "unique"),
            ("jobs[0].spider.name", "spider"),
            ("spider.id", "spider"),
            ("tag_changes.add[3]", "add"),
            ("request_id", "request_id"),
        ] {
            assert_eq!(body_field(path), expected);
        }
    }
}
