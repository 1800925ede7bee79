//! Notifications of projects, for whoever waits for them. Nothing is kept of a project that nobody
//! listens to.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use tokio::sync::watch;

use spiderq_core::{
    model::ProjectId,
    store::{Effect, Notifications},
};

/// Whether somebody may wait for what `effect` does: not for a heartbeat.
pub(super) fn stirs(effect: &Effect) -> bool {
    let Effect { enter, set, tags, priority, units, .. } = effect;
    enter.is_some()
        || priority.is_some()
        || units.is_some()
        || !tags.is_empty()
        || set.get("stop_requested").is_some()
}

/// Where pulses of each project go out.
#[derive(Debug, Default)]
pub(super) struct PulseSenders(Mutex<HashMap<ProjectId, watch::Sender<()>>>);

impl PulseSenders {
    /// Those of a project from now on.
    pub(super) fn listen(&self, project: ProjectId) -> Notifications {
        let mut senders = self.senders();
        if !senders.contains_key(&project) {
            senders.retain(|_, sender| sender.receiver_count() > 0);
        }
        let sender = senders.entry(project);
        Notifications::new(sender.or_insert_with(|| watch::Sender::new(())).subscribe())
    }

    /// One for all who listen.
    pub(super) fn send(&self, project: ProjectId) {
        let mut senders = self.senders();
        let heard = senders.get(&project).map(|sender| sender.send(()).is_ok());
        if heard == Some(false) {
            senders.remove(&project);
        }
    }

    fn senders(&self) -> MutexGuard<'_, HashMap<ProjectId, watch::Sender<()>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_kept_of_projects_that_nobody_listens_to() {
        let [first, second, third] = [1, 2, 3].map(|n| ProjectId::new(n).unwrap());
        let senders = PulseSenders::default();
        senders.send(first);
        assert_eq!(senders.senders().len(), 0);
        let one = senders.listen(first);
        drop(senders.listen(second));
        senders.send(second);
        assert_eq!(senders.senders().len(), 1);
        drop(one);
        let _last = senders.listen(third);
        assert_eq!(senders.senders().len(), 1);
    }
}
