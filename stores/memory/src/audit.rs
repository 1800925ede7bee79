//! Audit events.

use async_trait::async_trait;
use spiderq_core::{
    error::Result,
    model::{AuditEvent, Millis},
    store::{AuditPlace, AuditRange, AuditStore},
};

use crate::{MemoryStore, lock};

#[derive(Debug, Default)]
pub(crate) struct Audit {
    added: u64,
    /// The oldest first.
    events: Vec<(AuditPlace, AuditEvent)>,
}

#[async_trait]
impl AuditStore for MemoryStore {
    async fn add_audit_event(&self, mut event: AuditEvent) -> Result<()> {
        let mut audit = lock(&self.audit);
        if let Some((last, _)) = audit.events.last() {
            event.time = event.time.max(last.time);
        }
        audit.added += 1;
        let place = AuditPlace { time: event.time, number: audit.added };
        audit.events.push((place, event));
        Ok(())
    }

    async fn audit_events(
        &self,
        range: AuditRange,
        limit: usize,
    ) -> Result<Vec<(AuditPlace, AuditEvent)>> {
        let audit = lock(&self.audit);
        let is_in = |place: &AuditPlace| {
            (range.from..range.until).contains(&place.time)
                && range.before.is_none_or(|before| *place < before)
        };
        let found = audit.events.iter().rev().filter(|(place, _)| is_in(place));
        Ok(found.take(limit).cloned().collect())
    }

    async fn prune_audit_events(&self, from: Millis, most: u64) -> Result<bool> {
        let mut audit = lock(&self.audit);
        let kept = usize::try_from(most).unwrap_or(usize::MAX);
        let many = audit.events.len().saturating_sub(kept);
        audit.events.drain(..many);
        audit.events.retain(|(place, _)| place.time >= from);
        Ok(false)
    }
}
