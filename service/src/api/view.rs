//! Which fields of each job a call answers with.

use std::collections::BTreeSet;

use spiderq_proto::v1;

use super::{decode, fields::Fields};
use crate::domain::{execution_fields::report_of, row_fields};
use spiderq_core::{
    error::{Error, Result},
    model::FieldSelection,
};

/// The metadata to read of jobs, and those of them to show as JSON text.
#[derive(Clone, Debug)]
pub(super) struct View {
    pub(super) fields: FieldSelection,
    /// `None`: all.
    named: Option<BTreeSet<String>>,
}

impl View {
    pub(super) const FULL: Self = Self { fields: FieldSelection::Full, named: None };

    /// Of a row without metadata as JSON text.
    pub(super) fn row() -> Self {
        Self { fields: row_fields(), named: Some(BTreeSet::new()) }
    }

    /// Of a row with these metadata fields. Those that every row is read with do not count.
    pub(super) fn row_with(names: &[String]) -> Result<Self> {
        const FIELD: &str = "metadata_fields";
        let always = row_fields();
        let more = names.iter().filter(|name| !always.includes(name)).count();
        let checked = decode::check_names(FIELD, more).map_err(|error| error.at(""));
        let parsed = checked.and_then(|()| decode::field_names(names, FIELD));
        let parsed = parsed.map_err(|error| error.within(FIELD))?;
        let more = parsed.iter().filter(|name| !always.includes(name.as_str()));
        let fields = more.fold(always.clone(), |fields, name| {
            let fields = fields.with(name.as_str());
            report_of(name.as_str()).map_or(fields.clone(), |report| fields.with(report))
        });
        Ok(Self { fields, named: Some(names.iter().cloned().collect()) })
    }

    /// As a request asks for it.
    pub(super) fn of(view: i32, names: &[String]) -> Result<Self> {
        let bad = |_| Error::invalid("view", "must be JOB_VIEW_ROW or JOB_VIEW_FULL");
        let mut fields = Fields::default();
        let view = fields.field("view", v1::JobView::try_from(view).map_err(bad));
        let row = fields.part(Self::row_with(names));
        let (Some(view), Some(row)) = (view, row) else { return Err(fields.into_error()) };
        Ok(match view {
            v1::JobView::Full => Self::FULL,
            v1::JobView::Unspecified | v1::JobView::Row => row,
        })
    }

    pub(super) const fn is_full(&self) -> bool {
        self.named.is_none()
    }

    /// Whether to show this metadata field as JSON text.
    pub(super) fn shows(&self, name: &str) -> bool {
        self.named.as_ref().is_none_or(|named| named.contains(name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn a_row_shows_just_the_fields_that_are_named() {
        let view = View::of(0, &names(&["a", "version"])).unwrap();
        assert!(view.fields.includes("a") && view.fields.includes("spider_args"));
        assert!(view.shows("a") && view.shows("version") && !view.shows("close_reason"));
        assert!(!view.is_full());
        assert!(View::of(2, &names(&["a"])).unwrap().shows("close_reason"));
    }

    #[test]
    fn fields_are_bounded_in_number_and_named_where_they_are_wrong() {
        let many: Vec<String> = (0..101).map(|n| n.to_string()).collect();
        let refused = View::row_with(&many).unwrap_err();
        assert_eq!(refused.to_string(), "metadata_fields: may be given at most 100 times");
        assert!(View::row_with(&[&many[..100], &names(&["version"])].concat()).is_ok());
        let violations = View::of(9, &names(&["a", ""])).unwrap_err().violations();
        let paths: Vec<&str> = violations.iter().map(|one| one.path.as_str()).collect();
        assert_eq!(paths, ["view", "metadata_fields[1]"]);
    }
}
