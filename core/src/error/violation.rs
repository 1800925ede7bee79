//! Fields that are wrong, and how texts speak of them.

use std::fmt;

/// A field that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// Where the field is in the request: `jobs[3].tags[0]`.
    pub path: String,
    /// How texts call the field: `tags`.
    pub name: String,
    /// What is accepted, without the name of the field.
    pub message: String,
}

impl Violation {
    pub(super) fn new(name: impl Into<String>, message: impl Into<String>) -> Self {
        let name = name.into();
        Self { path: name.clone(), name, message: message.into() }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.name, self.message)
    }
}

/// The names of all fields.
pub(super) fn all_names(violations: &[Violation]) -> String {
    let names: Vec<&str> = violations.iter().map(|one| one.name.as_str()).collect();
    names.join(", ")
}

pub(super) const fn them(violations: &[Violation]) -> &'static str {
    if violations.len() == 1 { "it" } else { "them" }
}

pub(super) fn first_text(violations: &[Violation]) -> String {
    violations.first().map(ToString::to_string).unwrap_or_default()
}
