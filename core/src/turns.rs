//! A bound on reads at a time, fair between projects: those that wait take turns. However many
//! reads one project has waiting, another waits for one of each.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::oneshot;

use crate::{
    error::{Error, Result},
    model::ProjectId,
};

/// `None` for reads that are of no project, as a list of projects is.
type Project = Option<ProjectId>;

/// The reads of one store. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Turns(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    /// Reads that may begin now.
    free: usize,
    /// The reads that wait, of each project that has any.
    waiting: HashMap<Project, VecDeque<oneshot::Sender<Turn>>>,
    /// Those projects, by whose turn it is.
    order: VecDeque<Project>,
}

impl State {
    /// The read whose turn it is; its project comes again after the others.
    fn next(&mut self) -> Option<oneshot::Sender<Turn>> {
        let project = self.order.pop_front()?;
        let reads = self.waiting.get_mut(&project)?;
        let next = reads.pop_front();
        if reads.is_empty() {
            self.waiting.remove(&project);
        } else {
            self.order.push_back(project);
        }
        next
    }
}

impl Turns {
    /// Of so many reads at a time.
    #[must_use]
    pub fn new(reads: usize) -> Self {
        let state = State { free: reads, waiting: HashMap::new(), order: VecDeque::new() };
        Self(Arc::new(Mutex::new(state)))
    }

    /// Waits until a read of `project` may begin (`None`: of no project).
    pub async fn wait(&self, project: Option<ProjectId>) -> Result<Turn> {
        let receiver = {
            let mut state = self.state();
            if let Some(left) = state.free.checked_sub(1) {
                state.free = left;
                return Ok(self.turn());
            }
            let (sender, receiver) = oneshot::channel();
            let reads = state.waiting.entry(project).or_default();
            reads.push_back(sender);
            if reads.len() == 1 {
                state.order.push_back(project);
            }
            receiver
        };
        receiver.await.map_err(Error::bug)
    }

    fn pass_on(&self) {
        let mut state = self.state();
        let mut turn = self.turn();
        while let Some(next) = state.next() {
            match next.send(turn) {
                Ok(()) => return,
                // Nobody waits for that read any more.
                Err(back) => turn = back,
            }
        }
        turn.turns = None;
        state.free += 1;
    }

    fn turn(&self) -> Turn {
        Turn { turns: Some(self.clone()) }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A read that may go on until this is dropped.
#[derive(Debug)]
pub struct Turn {
    /// `None`: it was given back.
    turns: Option<Turns>,
}

impl Drop for Turn {
    fn drop(&mut self) {
        if let Some(turns) = self.turns.take() {
            turns.pass_on();
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::task::{JoinHandle, yield_now};

    use super::*;

    type Order = Arc<Mutex<Vec<Project>>>;

    fn project(number: i64) -> Project {
        Some(ProjectId::new(number).unwrap())
    }

    /// A read that waits for its turn by the time this returns, and notes it then.
    async fn read(turns: &Turns, project: Project, order: &Order) -> JoinHandle<()> {
        let (turns, order) = (turns.clone(), Arc::clone(order));
        let read = tokio::spawn(async move {
            let _turn = turns.wait(project).await.unwrap();
            order.lock().unwrap().push(project);
        });
        yield_now().await;
        read
    }

    #[tokio::test]
    async fn projects_take_turns_however_many_reads_one_has() {
        let (turns, order) = (Turns::new(1), Order::default());
        let turn = turns.wait(project(1)).await.unwrap();
        let mut reads = Vec::new();
        for waits in [1, 1, 1, 1, 2, 3, 2] {
            reads.push(read(&turns, project(waits), &order).await);
        }
        reads.push(read(&turns, None, &order).await);
        drop(turn);
        for read in reads {
            read.await.unwrap();
        }
        let expected = [Some(1), Some(2), Some(3), None, Some(1), Some(2), Some(1), Some(1)];
        assert_eq!(*order.lock().unwrap(), expected.map(|waited| waited.and_then(project)));
    }

    #[tokio::test]
    async fn who_gives_up_before_or_after_its_turn_came_costs_none() {
        let (turns, order) = (Turns::new(1), Order::default());
        let turn = turns.wait(project(1)).await.unwrap();
        let before = read(&turns, project(1), &order).await;
        let after = read(&turns, project(2), &order).await;
        before.abort();
        assert!(before.await.unwrap_err().is_cancelled());
        drop(turn);
        // It is its turn, and it has not run yet.
        after.abort();
        assert!(after.await.unwrap_err().is_cancelled());
        drop(turns.wait(project(3)).await.unwrap());
        assert_eq!(*order.lock().unwrap(), []);
        assert_eq!(turns.state().free, 1);
    }
}
