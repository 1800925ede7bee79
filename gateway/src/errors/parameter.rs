//! The one table of which parameter fills which field of a gRPC message.

use super::Family;

/// The parameter of the family for a field such as `filter.keys`; the field itself where both
/// have one name.
pub(super) fn name(field: &str, family: Family) -> &str {
    let last = field.rsplit('.').next().unwrap_or(field);
    match (last, family) {
        ("spider_id", Family::Dash) => "jobq_id",
        ("tags" | "add", Family::Dash) => "add_tag",
        ("remove", Family::Dash) => "remove_tag",
        ("key" | "keys", Family::Dash) => "job",
        ("keys", Family::Storage) => "key",
        ("spider_id", Family::Storage) => "spider",
        ("states", _) => "state",
        ("spiders", _) => "spider",
        ("has_tags", _) => "has_tag",
        ("lacks_tags", _) => "lacks_tag",
        ("start_ts", _) => "startts",
        ("end_ts", _) => "endts",
        ("metadata_fields", _) => "jobmeta",
        ("start_after", _) => "startafter",
        // DeleteSettings is the only call with this field.
        ("names", _) => "settings",
        ("oldest_pending", _) => "count",
        ("request_id", _) => "Idempotency-Key",
        _ => field,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_has_the_name_of_its_familys_parameter() {
        for (field, dash, storage) in [
            ("spider_id", "jobq_id", "spider"),
            ("filter.keys", "job", "key"),
            ("key", "job", "key"),
            ("tags", "add_tag", "tags"),
            ("request_id", "Idempotency-Key", "Idempotency-Key"),
            ("filter.unknown", "filter.unknown", "filter.unknown"),
        ] {
            assert_eq!(name(field, Family::Dash), dash);
            assert_eq!(name(field, Family::Storage), storage);
        }
    }
}
