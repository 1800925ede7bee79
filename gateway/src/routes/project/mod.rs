//! The storage family's projects: their counts, spiders' numbers and settings (contract 4,
//! summaries).

mod ids;
mod settings;
mod summary;
mod ts;

pub(super) use ids::spider_id;
pub(super) use settings::{delete, delete_one, get, get_one, set, set_one};
pub(super) use summary::{jobsummaries, jobsummary};
pub(super) use ts::ts;

use super::StorageResult;
