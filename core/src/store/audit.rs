//! Audit events, of the whole installation, in the order in which they were added.

use std::fmt;

use async_trait::async_trait;

use crate::{
    error::Result,
    model::{AuditEvent, Millis},
};

/// The place of an event in the order. No two have the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct AuditPlace {
    /// The event's time.
    pub time: Millis,
    /// Tells events of one time apart; what it counts is up to the store.
    pub number: u64,
}

/// Which events are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AuditRange {
    /// Those of this time or later.
    pub from: Millis,
    /// Those before this time.
    pub until: Millis,
    /// Only those before this place.
    pub before: Option<AuditPlace>,
}

/// Keeps audit events.
#[async_trait]
pub trait AuditStore: Send + Sync + fmt::Debug {
    /// Adds an event as the latest. Its time becomes that of the event before it, where it is
    /// earlier: a clock that was put back does not change the order.
    async fn add_audit_event(&self, event: AuditEvent) -> Result<()>;

    /// Up to `limit` events of a range, the latest first.
    async fn audit_events(
        &self,
        range: AuditRange,
        limit: usize,
    ) -> Result<Vec<(AuditPlace, AuditEvent)>>;

    /// Removes events from before `from`, and the oldest of more than `most`; whether there may be
    /// more to remove.
    async fn prune_audit_events(&self, from: Millis, most: u64) -> Result<bool>;
}
