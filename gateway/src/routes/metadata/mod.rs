//! The storage family's job metadata (CONTRACT 5).

mod delete;
mod get;
mod set;

pub(super) use delete::{delete_field, purge};
pub(super) use get::{get, get_field, token};
pub(super) use set::{set, set_field};

use super::{StorageResult, empty, json};
use crate::call::Call;

/// The field of the path; the route of the token has its name in its text.
fn field(call: &Call) -> &str {
    match call.part("field") {
        "" => "auth",
        field => field,
    }
}
