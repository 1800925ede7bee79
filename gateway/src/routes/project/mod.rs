//! The storage family's projects: their numbers, spiders' numbers and settings (CONTRACT 4,
//! summaries).

mod ids;
mod settings;
mod summary;
mod ts;

pub(super) use ids::spider_id;
pub(super) use settings::{delete, delete_one, get, get_one, set, set_one};
pub(super) use summary::{jobsummaries, jobsummary};
pub(super) use ts::ts;

use super::{StorageResult, empty, json};
