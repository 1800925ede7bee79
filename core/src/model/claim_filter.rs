//! Which pending jobs a start may take.

use super::{SpiderName, Tag, Units};

/// Conditions on the pending jobs that a claim may take; all must hold.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct ClaimFilter {
    /// Of one of these spiders; empty: of any. At most [`MAX_BATCH`](crate::limits::MAX_BATCH).
    /// Unknown names have no jobs.
    pub spiders: Vec<SpiderName>,
    /// With any of these tags; empty: no condition. At most [`MAX_TAGS`](crate::limits::MAX_TAGS).
    pub has_tags: Vec<Tag>,
    /// With none of these tags. At most [`MAX_TAGS`](crate::limits::MAX_TAGS).
    pub lacks_tags: Vec<Tag>,
    /// With at most this many units; `None`: no condition.
    pub max_units: Option<Units>,
}
