//! How large the outputs of an attempt may be, together. Looked up again after some seconds:
//! several processes may go somewhat beyond the setting between two looks.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

use super::super::{Domain, settings};
use spiderq_core::{
    error::Result,
    model::{JobKey, ProjectId},
};
use spiderq_output::{OutputId, OutputKind, Outputs};

/// How long what was looked up is used.
const TTL: Duration = Duration::from_secs(5);
/// Projects and attempts that are remembered; beyond that it begins anew.
const MAX_KNOWN: usize = 10_000;

/// What was looked up lately.
#[derive(Debug, Default)]
pub(super) struct Rooms {
    /// The setting of projects.
    settings: Known<ProjectId, u64>,
    /// Bytes of all outputs of an attempt, by kind.
    bytes: Known<(JobKey, u32), [u64; 4]>,
}

impl Rooms {
    /// How many bytes the output may have: what the setting leaves to it.
    pub(super) async fn max_bytes(
        &self,
        domain: &Domain,
        outputs: &Outputs,
        id: &OutputId,
    ) -> Result<u64> {
        let most = self.setting(domain, id.key.project).await?;
        let bytes = self.bytes(outputs, id).await?;
        let others = OutputKind::ALL.into_iter().filter(|kind| *kind != id.kind);
        let others: u64 = others.map(|kind| bytes[kind as usize]).sum();
        Ok(most.saturating_sub(others))
    }

    /// Notes how large an output is after an append.
    pub(super) fn note(&self, id: &OutputId, bytes: u64) {
        let mut all = self.bytes.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((known, _)) = all.get_mut(&(id.key, id.attempt)) {
            known[id.kind as usize] = bytes;
        }
    }

    async fn setting(&self, domain: &Domain, project: ProjectId) -> Result<u64> {
        if let Some(known) = fresh(&self.settings, &project) {
            return Ok(known);
        }
        let found = domain.store.named_settings(project, &[settings::MAX_OUTPUT_BYTES]).await?;
        let most = settings::max_output_bytes(&found);
        keep(&self.settings, project, most);
        Ok(most)
    }

    async fn bytes(&self, outputs: &Outputs, id: &OutputId) -> Result<[u64; 4]> {
        let attempt = (id.key, id.attempt);
        if let Some(known) = fresh(&self.bytes, &attempt) {
            return Ok(known);
        }
        let mut bytes = [0; 4];
        for (kind, sum) in outputs.summaries(id.key, id.attempt).await? {
            bytes[kind as usize] = sum.bytes;
        }
        keep(&self.bytes, attempt, bytes);
        Ok(bytes)
    }
}

type Known<K, V> = Mutex<HashMap<K, (V, Instant)>>;

fn fresh<K: Eq + std::hash::Hash, V: Copy>(known: &Known<K, V>, key: &K) -> Option<V> {
    let known = known.lock().unwrap_or_else(PoisonError::into_inner);
    known.get(key).filter(|(_, since)| since.elapsed() < TTL).map(|(value, _)| *value)
}

fn keep<K: Eq + std::hash::Hash, V>(known: &Known<K, V>, key: K, value: V) {
    let mut known = known.lock().unwrap_or_else(PoisonError::into_inner);
    if known.len() >= MAX_KNOWN {
        known.clear();
    }
    known.insert(key, (value, Instant::now()));
}
