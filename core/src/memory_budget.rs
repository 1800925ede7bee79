//! One bound on the memory of request bodies and responses under way in this process. Whoever
//! reads a body or gathers a response reserves its bytes first, and is refused when the budget, or
//! the share of its caller, is used up: one caller can't take the memory of all.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};

use crate::error::{Error, Result};

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
}

impl MemoryBudget {
    /// A budget of `total` bytes.
    #[must_use]
    pub fn new(total: usize) -> Self {
        Self(Arc::new(Shared { total, used: AtomicUsize::new(0), callers: Mutex::default() }))
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

    fn share(&self) -> usize {
        self.0.total / CALLER_SHARE
    }

    fn take(&self, caller: &Arc<str>, bytes: usize) -> Result<()> {
        let share = self.share();
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
    /// is used up; [`Error::TooLarge`] when this reservation would not fit if it were alone. What
    /// was reserved before stays.
    pub fn grow(&mut self, bytes: usize) -> Result<()> {
        if bytes > self.budget.share().saturating_sub(self.bytes) {
            return Err(Error::too_large(
                "message",
                "needs more memory than the server has for it",
            ));
        }
        if bytes > 0 {
            self.budget.take(&self.caller, bytes)?;
            self.bytes += bytes;
        }
        Ok(())
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
        assert!(matches!(a.grow(21), Err(Error::TooLarge(_))));
        b.grow(50).unwrap();
        assert!(matches!(budget.account("c").grow(1), Err(Error::Overloaded)));
        assert_eq!(budget.used(), 100);
        drop(b);
        assert!(matches!(a.grow(1), Err(Error::Overloaded)));
        budget.account("c").grow(50).unwrap();
    }

    #[test]
    fn an_unlimited_budget_takes_any_number() {
        let budget = MemoryBudget::unlimited();
        let mut all = budget.account("a");
        all.grow(usize::MAX / 4).unwrap();
        assert_eq!(all.bytes(), usize::MAX / 4);
    }
}
