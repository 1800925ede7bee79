//! The storage family's job metadata (contract 5).

mod delete;
mod get;
mod set;

pub(super) use delete::{delete_field, purge};
pub(super) use get::{get, get_field, token};
pub(super) use set::{set, set_field};

use super::StorageResult;
use crate::call::Call;

/// The field of the path. `…/auth` is a route of its own, as its GET answers the token, and has
/// no part of that name.
fn field(call: &Call) -> &str {
    call.optional_part("field").unwrap_or("auth")
}
