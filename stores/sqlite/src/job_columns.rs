//! The columns of a job, and the statements that name them all.

use std::sync::LazyLock;

use spiderq_core::model::FieldSelection;

use crate::metadata;

/// Columns of the view `job_rows`. The metadata stand last: what can do without them reads all
/// columns but the last two.
const COLUMNS: &[&str] = &[
    "id",
    "project",
    "spider",
    "spider_name",
    "job",
    "state",
    "position",
    "front",
    "priority",
    "units",
    "attempt",
    "updated",
    "lease_expires",
    "stop_by",
    "due",
    "fence",
    "unique_key",
    "pending_position",
    "pending_by",
    "running_position",
    "running_by",
    "finished_position",
    "finished_by",
    "deleted_position",
    "deleted_by",
    "items",
    "pages",
    "logs",
    "errors",
    "tags",
    "stop_requested",
    "metadata_bytes",
    "metadata",
    "compressed",
];

/// Index of a column. Lists read very many rows: SQLite's own look-up of names would take longer
/// than the reading. In a `const` block a misspelt name does not compile.
pub(crate) const fn column(name: &str) -> usize {
    let mut index = 0;
    while !is_same(COLUMNS[index].as_bytes(), name.as_bytes()) {
        index += 1;
    }
    index
}

const fn is_same(left: &[u8], right: &[u8]) -> bool {
    let mut index = 0;
    while index < left.len() && index < right.len() && left[index] == right[index] {
        index += 1;
    }
    index == left.len() && index == right.len()
}

/// Adds a row.
pub(crate) static INSERT: LazyLock<String> = LazyLock::new(|| {
    let mut names = COLUMNS.to_vec();
    names.retain(|name| !["id", "spider_name"].contains(name));
    format!("INSERT INTO jobs ({}) VALUES (:{})", names.join(", "), names.join(", :"))
});

/// Statements that read a job: with all columns; without compressed metadata, where lists need
/// none of them; without any metadata.
pub(crate) struct Select([String; 3]);

impl Select {
    fn new(condition: &str) -> Self {
        let first = |count: usize| COLUMNS[..count].join(", ");
        let of_lists =
            format!("{}, CASE metadata WHEN '' THEN compressed END", first(COLUMNS.len() - 1));
        let columns = [first(COLUMNS.len()), of_lists, first(COLUMNS.len() - 2)];
        Self(columns.map(|columns| format!("SELECT {columns} FROM job_rows WHERE {condition}")))
    }

    pub(crate) fn sql(&self, fields: Option<&FieldSelection>) -> &str {
        let Self([whole, of_lists, without_metadata]) = self;
        match fields {
            Some(fields) if metadata::is_more_than_lists(fields) => whole,
            Some(_) => of_lists,
            None => without_metadata,
        }
    }
}

pub(crate) static BY_KEY: LazyLock<Select> =
    LazyLock::new(|| Select::new("project = ?1 AND spider = ?2 AND job = ?3"));
pub(crate) static BY_ID: LazyLock<Select> = LazyLock::new(|| Select::new("id = ?1"));
