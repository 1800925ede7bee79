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
    time::Duration,
};

use tokio::{
    sync::{Notify, Semaphore},
    time::{Instant, timeout_at},
};

use crate::{
    error::{Error, Result},
    limits::{FREE_MEMORY_BYTES, MAX_MEMORY_WAITERS, MEMORY_WAIT},
};

/// What one caller may have of the whole: the half.
const CALLER_SHARE: usize = 2;
/// What all callers without credentials may have of it together.
const ANONYMOUS_SHARE: usize = 8;

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
        let share = self.0.total / CALLER_SHARE;
        Reservation {
            budget: self.clone(),
            caller: caller.into(),
            share,
            may_wait: true,
            waited: Duration::ZERO,
            bytes: 0,
        }
    }

    /// The same on the one account of all callers without credentials, who have an eighth and
    /// never wait.
    #[must_use]
    pub fn anonymous(&self) -> Reservation {
        // No owner of a key has an empty name.
        let mut none = self.account("");
        none.share = self.0.total / ANONYMOUS_SHARE;
        none.may_wait = false;
        none
    }

    /// Bytes that are reserved now.
    #[must_use]
    pub fn used(&self) -> usize {
        self.0.used.load(Ordering::Relaxed)
    }

    fn take(&self, caller: &Arc<str>, share: usize, bytes: usize) -> Result<()> {
        let mut callers = self.0.callers.lock().unwrap_or_else(PoisonError::into_inner);
        let own = callers.get(caller).copied().unwrap_or(0);
        let used = self.used();
        // Subtractions, as sums could overflow.
        if bytes > self.0.total.saturating_sub(used) || bytes > share.saturating_sub(own) {
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
    /// What the caller may have in all, bytes.
    share: usize,
    /// Whether it may wait for what others give back.
    may_wait: bool,
    /// How long it has waited so far. Bounded in all: while it waits it holds what others wait for.
    waited: Duration,
    /// With those that are free.
    bytes: usize,
}

impl Reservation {
    /// Reserves `bytes` more. [`Error::Overloaded`] when the budget or the caller's share of it
    /// is used up; [`Error::TooLarge`] when this reservation would not fit if it were alone. What
    /// was reserved before stays.
    pub fn grow(&mut self, bytes: usize) -> Result<()> {
        let total = self.bytes.saturating_add(bytes);
        if charge(total) > self.share {
            return Err(Error::too_large(
                "message",
                "needs more memory than the server has for it",
            ));
        }
        let more = charge(total) - charge(self.bytes);
        if more > 0 {
            self.budget.take(&self.caller, self.share, more)?;
        }
        self.bytes = total;
        Ok(())
    }

    /// As [`Reservation::grow`], but waits for what others give back: up to [`MEMORY_WAIT`] in all,
    /// however often this reservation grows.
    pub async fn grow_in_time(&mut self, bytes: usize) -> Result<()> {
        let done = self.grow(bytes);
        if !self.may_wait || !matches!(done, Err(Error::Overloaded)) {
            return done;
        }
        let shared = Arc::clone(&self.budget.0);
        let Ok(_place) = shared.waiters.try_acquire() else { return done };
        let begun = Instant::now();
        let end = begun + MEMORY_WAIT.saturating_sub(self.waited);
        loop {
            let mut freed = pin!(shared.freed.notified());
            // From here on no release is missed.
            freed.as_mut().enable();
            let done = self.grow(bytes);
            if done.is_ok() || timeout_at(end, freed).await.is_err() {
                self.waited += begun.elapsed();
                return done;
            }
        }
    }

    /// Gives back all but `bytes`.
    pub fn shrink_to(&mut self, bytes: usize) {
        let over = charge(self.bytes).saturating_sub(charge(bytes));
        if over > 0 {
            self.budget.give_back(&self.caller, over);
        }
        self.bytes = self.bytes.min(bytes);
    }

    /// Bytes that are reserved.
    #[must_use]
    pub const fn bytes(&self) -> usize {
        self.bytes
    }
}

/// What of so many bytes counts.
const fn charge(bytes: usize) -> usize {
    bytes.saturating_sub(FREE_MEMORY_BYTES)
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

    const KIB: usize = 1 << 10;

    fn is_overloaded(grown: Result<()>) -> bool {
        matches!(grown, Err(Error::Overloaded))
    }

    #[test]
    fn what_is_dropped_or_shrunk_is_given_back() {
        let budget = MemoryBudget::new(100 * KIB);
        let mut first = budget.account("a");
        first.grow(50 * KIB).unwrap();
        first.shrink_to(20 * KIB);
        assert_eq!((budget.used(), first.bytes()), (16 * KIB, 20 * KIB));
        first.grow(30 * KIB).unwrap();
        assert_eq!(budget.used(), 46 * KIB);
        drop(first);
        assert_eq!(budget.used(), 0);
        assert!(budget.0.callers.lock().unwrap().is_empty());
    }

    #[test]
    fn one_caller_gets_half_and_all_together_the_whole() {
        let budget = MemoryBudget::new(100 * KIB);
        let (mut a, mut more_of_a, mut b) =
            (budget.account("a"), budget.account("a"), budget.account("b"));
        a.grow(34 * KIB).unwrap();
        more_of_a.grow(24 * KIB).unwrap();
        assert!(is_overloaded(a.grow(1)));
        b.grow(54 * KIB).unwrap();
        assert!(is_overloaded(budget.account("c").grow(5 * KIB)));
        assert_eq!(budget.used(), 100 * KIB);
        drop(b);
        assert!(is_overloaded(a.grow(1)));
        budget.account("c").grow(54 * KIB).unwrap();
    }

    #[test]
    fn all_without_credentials_get_an_eighth_together() {
        let budget = MemoryBudget::new(80 * KIB);
        let (mut one, mut other) = (budget.anonymous(), budget.anonymous());
        one.grow(10 * KIB).unwrap();
        assert!(is_overloaded(other.grow(9 * KIB)));
        other.grow(8 * KIB).unwrap();
        assert!(matches!(one.grow(5 * KIB), Err(Error::TooLarge(_))));
        budget.account("a").grow(44 * KIB).unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn those_without_credentials_do_not_wait() {
        let budget = MemoryBudget::new(80 * KIB);
        let (mut one, mut other) = (budget.anonymous(), budget.anonymous());
        one.grow(10 * KIB).unwrap();
        let start = Instant::now();
        assert!(is_overloaded(other.grow_in_time(9 * KIB).await));
        assert_eq!(start.elapsed(), Duration::ZERO);
    }

    #[test]
    fn small_reservations_always_fit_and_too_large_ones_never() {
        let budget = MemoryBudget::new(100 * KIB);
        budget.account("a").grow(54 * KIB).unwrap();
        let too_large = budget.account("a").grow(54 * KIB + 1);
        assert!(matches!(too_large, Err(Error::TooLarge(_))));
        let (mut a, mut b) = (budget.account("a"), budget.account("b"));
        a.grow(54 * KIB).unwrap();
        b.grow(54 * KIB).unwrap();
        for caller in ["a", "b", "c"] {
            let mut small = budget.account(caller);
            small.grow(4 * KIB).unwrap();
            assert!(is_overloaded(small.grow(1)));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn who_waits_gets_what_is_given_back_in_time() {
        let budget = MemoryBudget::new(100 * KIB);
        let (mut first, mut second) = (budget.account("a"), budget.account("a"));
        first.grow(44 * KIB).unwrap();
        let start = Instant::now();
        assert!(matches!(second.grow_in_time(20 * KIB).await, Err(Error::Overloaded)));
        assert_eq!(start.elapsed(), MEMORY_WAIT);
        let mut third = budget.account("a");
        let waiting =
            tokio::spawn(async move { third.grow_in_time(20 * KIB).await.map(|()| third) });
        tokio::task::yield_now().await;
        drop(first);
        assert_eq!(waiting.await.unwrap().unwrap().bytes(), 20 * KIB);
        assert_eq!(start.elapsed(), MEMORY_WAIT);
        assert_eq!(budget.used(), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn pieces_wait_as_long_together_as_one() {
        let budget = MemoryBudget::new(100 * KIB);
        let (mut first, mut second) = (budget.account("a"), budget.account("a"));
        first.grow(44 * KIB).unwrap();
        let start = Instant::now();
        let (grown, ()) = tokio::join!(second.grow_in_time(20 * KIB), async {
            tokio::time::advance(MEMORY_WAIT / 2).await;
            first.shrink_to(34 * KIB);
        });
        grown.unwrap();
        assert!(is_overloaded(second.grow_in_time(10 * KIB).await));
        assert_eq!(start.elapsed(), MEMORY_WAIT);
        assert!(is_overloaded(second.grow_in_time(10 * KIB).await));
        assert_eq!(start.elapsed(), MEMORY_WAIT);
    }

    #[test]
    fn an_unlimited_budget_takes_any_number() {
        let budget = MemoryBudget::unlimited();
        let mut all = budget.account("a");
        all.grow(usize::MAX / 4).unwrap();
        assert_eq!(all.bytes(), usize::MAX / 4);
    }
}
