//! Which metadata of a job a read returns.

use super::FieldName;

/// Which metadata a read returns. Everything else of a job is always there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FieldSelection {
    /// Only those of [`FieldSelection::ROW`].
    Row,
    /// Those of `Row` and these.
    Named(Vec<FieldName>),
    /// All metadata.
    Full,
}

impl FieldSelection {
    /// The metadata fields of every row. `_reported_version` is shown as `version` where none was
    /// scheduled.
    pub const ROW: [&'static str; 4] =
        ["_reported_version", "close_reason", "spider_type", "version"];

    /// The same with the field `name`.
    #[must_use]
    pub fn with(&self, name: &str) -> Self {
        match self {
            Self::Full => Self::Full,
            Self::Row => Self::Named(vec![FieldName::known(name)]),
            Self::Named(names) => {
                Self::Named(names.iter().cloned().chain([FieldName::known(name)]).collect())
            }
        }
    }

    /// Whether the field `name` is selected.
    #[must_use]
    pub fn includes(&self, name: &str) -> bool {
        match self {
            Self::Full => true,
            Self::Row => Self::ROW.contains(&name),
            Self::Named(names) => {
                Self::ROW.contains(&name) || names.iter().any(|field| field.as_str() == name)
            }
        }
    }
}
