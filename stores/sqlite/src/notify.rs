//! Notifications of projects to this process's subscriptions. Nothing is kept of a project that
//! nobody subscribes to.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use spiderq_core::{model::ProjectId, store::Notifications};
use tokio::sync::watch;

/// One sender for each project with a subscription.
#[derive(Debug, Default)]
pub(crate) struct Notifiers(Mutex<HashMap<ProjectId, watch::Sender<()>>>);

impl Notifiers {
    /// The notifications of a project from now on.
    pub(crate) fn subscribe(&self, project: ProjectId) -> Notifications {
        let mut senders = self.senders();
        if !senders.contains_key(&project) {
            senders.retain(|_, sender| sender.receiver_count() > 0);
        }
        let sender = senders.entry(project);
        Notifications::new(sender.or_insert_with(|| watch::Sender::new(())).subscribe())
    }

    /// Notifies all subscriptions of a project.
    pub(crate) fn notify(&self, project: ProjectId) {
        let mut senders = self.senders();
        let received = senders.get(&project).map(|sender| sender.send(()).is_ok());
        if received == Some(false) {
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
    fn nothing_is_kept_of_projects_that_nobody_subscribes_to() {
        let [first, second, third] = [1, 2, 3].map(|n| ProjectId::new(n).unwrap());
        let notifiers = Notifiers::default();
        notifiers.notify(first);
        assert_eq!(notifiers.senders().len(), 0);
        let one = notifiers.subscribe(first);
        drop(notifiers.subscribe(second));
        notifiers.notify(second);
        assert_eq!(notifiers.senders().len(), 1);
        drop(one);
        let _last = notifiers.subscribe(third);
        assert_eq!(notifiers.senders().len(), 1);
    }
}
