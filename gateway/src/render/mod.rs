//! Jobs as JSON: rows of both families and whole metadata. Metadata values are inserted exactly
//! as they were written; nothing here parses them.

pub(crate) mod dash;
mod fields;
pub(crate) mod metadata;
mod object;
pub(crate) mod storage;
mod time;

pub(crate) use self::time::{log_time, ms};
pub(crate) use fields::{role, spider_type_name, state_name};
pub(crate) use object::{Object, array, nullable, string, strings};
