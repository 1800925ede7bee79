//! Keeps each API key, and each job that calls by its token, within its quotas. Counts in this
//! process alone: N servers on one store allow N times as much.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::time::Instant;

use spiderq_core::{
    error::{Error, Result},
    model::{Quota, Quotas},
};

/// After how long something that is under way may have ended.
const RETRY_AFTER: Duration = Duration::from_secs(1);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);
/// Callers that are remembered before those are forgotten that use nothing.
const MAX_IDLE_CALLERS: usize = 10_000;

/// Whose quotas a call uses up.
#[derive(Clone, Debug)]
pub struct CallerQuotas {
    /// Of the API key or the job.
    id: String,
    quotas: Quotas,
}

impl CallerQuotas {
    pub(crate) const fn new(id: String, quotas: Quotas) -> Self {
        Self { id, quotas }
    }
}

/// What callers use up at the moment.
#[derive(Debug, Default)]
pub(super) struct Limiter {
    server: Quotas,
    usages: Mutex<HashMap<String, Arc<Usage>>>,
}

impl Limiter {
    pub(super) fn new(server: Quotas) -> Self {
        Self { server, usages: Mutex::default() }
    }

    /// One more call, which `kind` counts until the permit is dropped.
    pub(super) fn begin(&self, caller: CallerQuotas, kind: Quota) -> Result<Permit> {
        let now = Instant::now();
        let usage = self.usage(&caller.id, now);
        let permit = Permit { kind, usage, caller };
        let most = self.limit(&permit.caller, kind);
        let before = permit.usage.under_way(kind).fetch_add(1, Ordering::Relaxed);
        if let Some(most) = most.filter(|most| before >= *most) {
            return Err(exceeded(kind, most, RETRY_AFTER));
        }
        if let Some(rate) = self.limit(&permit.caller, Quota::Rate) {
            let burst = self.limit(&permit.caller, Quota::Burst).unwrap_or(u64::MAX);
            let taken = lock(&permit.usage.calls).take(now, Duration::from_secs(1), rate, burst);
            taken.map_err(|wait| exceeded(Quota::Rate, rate, wait))?;
        }
        Ok(permit)
    }

    /// The message of the call. One is taken, however large, unless more than a second's worth is
    /// still owed for those before it.
    pub(super) fn take_bytes(&self, permit: &Permit, bytes: usize) -> Result<()> {
        let Some(most) = self.limit(&permit.caller, Quota::Bytes) else { return Ok(()) };
        let second = Duration::from_secs(1);
        let taken = lock(&permit.usage.bytes).take_debt(Instant::now(), second, most, bytes);
        taken.map_err(|wait| exceeded(Quota::Bytes, most, wait))
    }

    /// One more project.
    pub(super) fn new_project(&self, permit: &Permit) -> Result<()> {
        let Some(most) = self.limit(&permit.caller, Quota::Projects) else { return Ok(()) };
        let taken = lock(&permit.usage.projects).take(Instant::now(), DAY, most, most);
        taken.map_err(|wait| exceeded(Quota::Projects, most, wait))
    }

    pub(super) fn limit(&self, caller: &CallerQuotas, quota: Quota) -> Option<u64> {
        caller.quotas.limit(quota, &self.server)
    }

    fn usage(&self, id: &str, now: Instant) -> Arc<Usage> {
        let mut usages = lock(&self.usages);
        if let Some(usage) = usages.get(id) {
            return Arc::clone(usage);
        }
        if usages.len() >= MAX_IDLE_CALLERS {
            usages.retain(|_, usage| Arc::strong_count(usage) > 1 || !usage.is_idle(now));
        }
        Arc::clone(usages.entry(id.to_owned()).or_default())
    }
}

/// A call that is under way.
#[derive(Debug)]
pub struct Permit {
    kind: Quota,
    usage: Arc<Usage>,
    caller: CallerQuotas,
}

impl Permit {
    /// Who makes the call.
    pub(super) const fn caller(&self) -> &CallerQuotas {
        &self.caller
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.usage.under_way(self.kind).fetch_sub(1, Ordering::Relaxed);
    }
}

#[derive(Debug, Default)]
struct Usage {
    calls: Mutex<Bucket>,
    projects: Mutex<Bucket>,
    bytes: Mutex<Bucket>,
    calls_under_way: AtomicU64,
    waits: AtomicU64,
    watches: AtomicU64,
}

impl Usage {
    const fn under_way(&self, kind: Quota) -> &AtomicU64 {
        match kind {
            Quota::Waits => &self.waits,
            Quota::Watches => &self.watches,
            Quota::Rate
            | Quota::Burst
            | Quota::Calls
            | Quota::Projects
            | Quota::Jobs
            | Quota::Bytes => &self.calls_under_way,
        }
    }

    /// Whether forgetting it changes nothing.
    fn is_idle(&self, now: Instant) -> bool {
        [&self.calls, &self.projects, &self.bytes]
            .into_iter()
            .all(|bucket| lock(bucket).is_full(now))
    }
}

/// A token bucket, as the moment at which it will be full again.
#[derive(Debug, Default)]
struct Bucket(Option<Instant>);

impl Bucket {
    /// Takes one of `most` that come in each `span`, where up to `burst` may have gathered; or says
    /// how long to wait for it.
    fn take(
        &mut self,
        now: Instant,
        span: Duration,
        most: u64,
        burst: u64,
    ) -> Result<(), Duration> {
        let one = span.div_f64(most as f64);
        let full_at = self.0.filter(|at| *at > now).unwrap_or(now) + one;
        let behind = full_at - now;
        let allowed = one.saturating_mul(burst.max(1).try_into().unwrap_or(u32::MAX));
        match behind.checked_sub(allowed) {
            Some(wait) if !wait.is_zero() => Err(wait),
            Some(_) | None => {
                self.0 = Some(full_at);
                Ok(())
            }
        }
    }

    /// Takes `amount` of `most` that come in each `span`, however much it is, unless more than a
    /// span's worth is owed already: then says how long to wait.
    fn take_debt(
        &mut self,
        now: Instant,
        span: Duration,
        most: u64,
        amount: usize,
    ) -> Result<(), Duration> {
        let full_at = self.0.filter(|at| *at > now).unwrap_or(now);
        match (full_at - now).checked_sub(span) {
            Some(wait) if !wait.is_zero() => Err(wait),
            Some(_) | None => {
                self.0 = Some(full_at + span.mul_f64(amount as f64 / most as f64));
                Ok(())
            }
        }
    }

    fn is_full(&self, now: Instant) -> bool {
        self.0.is_none_or(|at| at <= now)
    }
}

fn exceeded(quota: Quota, most: u64, retry_after: Duration) -> Error {
    Error::QuotaExceeded { quota, most, retry_after }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
