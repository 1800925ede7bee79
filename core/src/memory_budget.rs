//! One bound on the memory of request bodies and responses under way in this process. Whoever
//! reads a body or gathers a response reserves its bytes first, and is refused when the budget, or
//! the share of its caller, is used up: one caller can't take the memory of all.

use std::{
    collections::HashMap,
    pin::pin,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};

use tokio::{
    sync::{Notify, Semaphore},
    time::{Instant, timeout_at},
};

use crate::{
    error::{Error, Result},
    limits::{MAX_MEMORY_WAITERS, MEMORY_WAIT},
};

/// What one caller may have of the whole.
const CALLER_SHARE: usize = 2;

/// Bytes that bodies and responses may take, shared by all clones.
#[derive(Clone, Debug)]
pub struct MemoryBudget(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    /// Bytes.
    total: usize,
    used: AtomicUsize,
    /// Bytes of each caller that has any.
    callers: Mutex<HashMap<Arc<str>, usize>>,
    /// Notified when bytes are given back.
    freed: Notify,
    /// Each release wakes all that wait, so they are few.
    waiters: Semaphore,
}

impl Default for MemoryBudget {
    fn default() -> Self {
        Self::unlimited()
    }
}

impl MemoryBudget {
    /// A budget of `total` bytes.
    #[must_use]
    pub fn new(total: usize) -> Self {
        Self(Arc::new(Shared {
            total,
            used: AtomicUsize::new(0),
            callers: Mutex::default(),
            freed: Notify::new(),
            waiters: Semaphore::new(MAX_MEMORY_WAITERS),
        }))
    }

    /// A budget that is never used up.
    #[must_use]
    pub fn unlimited() -> Self {
        Self::new(usize::MAX)
    }

    /// Nothing yet, on the account of `caller`: the owner of an API key, or any other text that
    /// stands for one caller.
    #[must_use]
    pub fn account(&self, caller: &str) -> Reservation {
        Reservation { budget: self.clone(), caller: caller.into(), bytes: 0 }
    }

    /// Bytes that are reserved now.
    #[must_use]
    pub fn used(&self) -> usize {
        self.0.used.load(Ordering::Relaxed)
    }

    fn take(&self, caller: &Arc<str>, bytes: usize) -> Result<()> {
        let mut callers = self.0.callers.lock().unwrap_or_else(PoisonError::into_inner);
        let own = callers.get(caller).copied().unwrap_or(0);
        let used = self.used();
        // Subtractions, as sums could overflow.
        if bytes > self.0.total.saturating_sub(used)
            || bytes > (self.0.total / CALLER_SHARE).saturating_sub(own)
        {
            return Err(Error::Overloaded);
        }
        callers.insert(Arc::clone(caller), own + bytes);
        self.0.used.store(used + bytes, Ordering::Relaxed);
        Ok(())
    }

    fn give_back(&self, caller: &Arc<str>, bytes: usize) {
        let mut callers = self.0.callers.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(own) = callers.get_mut(caller) {
            *own = own.saturating_sub(bytes);
            if *own == 0 {
                callers.remove(caller);
            }
        }
        self.0.used.store(self.used().saturating_sub(bytes), Ordering::Relaxed);
        drop(callers);
        self.0.freed.notify_waiters();
    }
}

/// Bytes of a budget, given back when this is dropped.
#[derive(Debug)]
pub struct Reservation {
    budget: MemoryBudget,
    caller: Arc<str>,
    bytes: usize,
}

impl Reservation {
    /// Reserves `bytes` more. [`Error::Overloaded`] when the budget or the caller's share of it
    /// is used up; what was reserved before stays.
    pub fn grow(&mut self, bytes: usize) -> Result<()> {
        if bytes > 0 {
            self.budget.take(&self.caller, bytes)?;
            self.bytes += bytes;
        }
        Ok(())
    }

    /// As [`Reservation::grow`], but waits up to [`MEMORY_WAIT`] for what others give back.
    pub async fn grow_in_time(&mut self, bytes: usize) -> Result<()> {
        let done = self.grow(bytes);
        if done.is_ok() {
            return done;
        }
        let shared = Arc::clone(&self.budget.0);
        let Ok(_place) = shared.waiters.try_acquire() else { return done };
        let end = Instant::now() + MEMORY_WAIT;
        loop {
            let mut freed = pin!(shared.freed.notified());
            // From here on no release is missed.
            freed.as_mut().enable();
            let done = self.grow(bytes);
            if done.is_ok() || timeout_at(end, freed).await.is_err() {
                return done;
            }
        }
    }

    /// Gives back all but `bytes`.
    pub fn shrink_to(&mut self, bytes: usize) {
        let over = self.bytes.saturating_sub(bytes);
        if over > 0 {
            self.budget.give_back(&self.caller, over);
            self.bytes -= over;
        }
    }

    /// Bytes that are reserved.
    #[must_use]
    pub const fn bytes(&self) -> usize {
        self.bytes
    }
}

/// What a response holds until it is sent: one of its extensions, which goes with its body.
#[derive(Clone, Debug)]
pub struct HeldMemory(#[expect(dead_code, reason = "is there to be dropped")] Arc<Reservation>);

impl From<Reservation> for HeldMemory {
    fn from(reservation: Reservation) -> Self {
        Self(Arc::new(reservation))
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        self.shrink_to(0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_dropped_or_shrunk_is_given_back() {
        let budget = MemoryBudget::new(100);
        let mut first = budget.account("a");
        first.grow(50).unwrap();
        first.shrink_to(20);
        assert_eq!((budget.used(), first.bytes()), (20, 20));
        first.grow(30).unwrap();
        drop(first);
        assert_eq!(budget.used(), 0);
        assert!(budget.0.callers.lock().unwrap().is_empty());
    }

    #[test]
    fn one_caller_gets_half_and_all_together_the_whole() {
        let budget = MemoryBudget::new(100);
        let (mut a, mut more_of_a, mut b) =
            (budget.account("a"), budget.account("a"), budget.account("b"));
        a.grow(30).unwrap();
        more_of_a.grow(20).unwrap();
        assert!(matches!(a.grow(1), Err(Error::Overloaded)));
        b.grow(50).unwrap();
        assert!(matches!(budget.account("c").grow(1), Err(Error::Overloaded)));
        assert_eq!(budget.used(), 100);
        drop(b);
        assert!(matches!(a.grow(1), Err(Error::Overloaded)));
        budget.account("c").grow(50).unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn who_waits_gets_what_is_given_back_in_time() {
        let budget = MemoryBudget::new(100);
        let (mut first, mut second) = (budget.account("a"), budget.account("a"));
        first.grow(40).unwrap();
        let start = Instant::now();
        assert!(matches!(second.grow_in_time(20).await, Err(Error::Overloaded)));
        assert_eq!(start.elapsed(), MEMORY_WAIT);
        let waiting = tokio::spawn(async move { second.grow_in_time(20).await.map(|()| second) });
        tokio::task::yield_now().await;
        drop(first);
        assert_eq!(waiting.await.unwrap().unwrap().bytes(), 20);
        assert_eq!(start.elapsed(), MEMORY_WAIT);
        assert_eq!(budget.used(), 0);
    }

    #[test]
    fn an_unlimited_budget_takes_any_number() {
        let budget = MemoryBudget::unlimited();
        let mut all = budget.account("a");
        all.grow(usize::MAX / 4).unwrap();
        assert_eq!(all.bytes(), usize::MAX / 4);
    }
}
