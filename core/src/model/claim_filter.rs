//! Which pending jobs a start may take.

use super::{SpiderName, Tag, Units};

/// Which pending jobs a claim may take. All parts must hold.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct ClaimFilter {
    /// Of any of these; empty: of all. At most [`MAX_BATCH`](super::MAX_BATCH); unknown names have no
    /// jobs.
    pub spiders: Vec<SpiderName>,
    /// With any of these; empty: all. At most [`MAX_BATCH`](super::MAX_BATCH).
    pub has_tags: Vec<Tag>,
    /// With none of these. At most [`MAX_BATCH`](super::MAX_BATCH).
    pub lacks_tags: Vec<Tag>,
    /// Of at most so many units.
    pub max_units: Option<Units>,
}
