//! What is on its way to the reader of a stream: of bounded size, and not for ever.

use std::{
    pin::{Pin, pin},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll, ready},
    time::Duration,
};

use futures::Stream;
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore, mpsc},
    task::JoinHandle,
    time::timeout,
};

/// How long a reader may take nothing while something waits for room.
pub(super) const PATIENCE: Duration = Duration::from_secs(10);
/// Most that waits for the reader, bytes; a single larger thing may.
const ROOM: u32 = 256 << 10;
/// The least that a thing counts, bytes: so that at most 128 wait.
const LEAST: usize = 2 << 10;

/// Where things are put.
#[derive(Debug)]
pub(super) struct Outbox<T> {
    sender: mpsc::UnboundedSender<(T, Option<OwnedSemaphorePermit>)>,
    room: Arc<Semaphore>,
    taken: Arc<AtomicU64>,
}

/// The reader took nothing for [`PATIENCE`].
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Slow;

/// Where they are taken. Dropping it ends the task that puts them.
#[derive(Debug)]
pub(super) struct Taking<T> {
    receiver: mpsc::UnboundedReceiver<(T, Option<OwnedSemaphorePermit>)>,
    taken: Arc<AtomicU64>,
    task: JoinHandle<()>,
}

/// What `task` puts, to its end.
pub(super) fn taking<T, F>(task: impl FnOnce(Outbox<T>) -> F) -> Taking<T>
where
    F: Future<Output = ()> + Send + 'static,
{
    let (sender, receiver) = mpsc::unbounded_channel();
    let taken = Arc::<AtomicU64>::default();
    let outbox =
        Outbox { sender, room: Arc::new(Semaphore::new(ROOM as usize)), taken: Arc::clone(&taken) };
    Taking { receiver, taken, task: tokio::spawn(task(outbox)) }
}

impl<T> Outbox<T> {
    /// Puts a thing of so many bytes, when there is room.
    pub(super) async fn put(&self, thing: T, bytes: usize) -> Result<(), Slow> {
        let size = u32::try_from(bytes.max(LEAST)).map_or(ROOM, |size| size.min(ROOM));
        let mut room = pin!(Arc::clone(&self.room).acquire_many_owned(size));
        loop {
            let before = self.taken.load(Ordering::Relaxed);
            match timeout(PATIENCE, room.as_mut()).await {
                // The room is never closed.
                Ok(room) => {
                    self.send(thing, room.ok());
                    return Ok(());
                }
                Err(_) if self.taken.load(Ordering::Relaxed) != before => {}
                Err(_) => return Err(Slow),
            }
        }
    }

    /// Puts the last thing, for which there is always room.
    pub(super) fn end(self, thing: T) {
        self.send(thing, None);
    }

    fn send(&self, thing: T, room: Option<OwnedSemaphorePermit>) {
        // Nobody takes it: this task is about to end.
        let _ = self.sender.send((thing, room));
    }
}

impl<T> Stream for Taking<T> {
    type Item = T;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<T>> {
        let next = ready!(self.receiver.poll_recv(context));
        self.taken.fetch_add(1, Ordering::Relaxed);
        Poll::Ready(next.map(|(thing, _)| thing))
    }
}

impl<T> Drop for Taking<T> {
    fn drop(&mut self) {
        self.task.abort();
    }
}

#[cfg(test)]
mod tests {
    use futures::StreamExt as _;
    use tokio::{task::yield_now, time::advance};

    use super::*;

    /// Puts numbers until the reader is too slow; the last says how many there were.
    fn numbers(bytes: usize) -> Taking<usize> {
        taking(move |outbox| async move {
            for number in 0.. {
                if outbox.put(number, bytes).await == Err(Slow) {
                    return outbox.end(1_000_000 + number);
                }
            }
        })
    }

    #[tokio::test(start_paused = true)]
    async fn who_takes_nothing_for_long_gets_what_was_put_and_an_end() {
        for (bytes, put) in [(1, 128), (64 << 10, 4), (10 << 20, 1)] {
            let mut stream = numbers(bytes);
            yield_now().await;
            advance(PATIENCE + Duration::from_millis(1)).await;
            yield_now().await;
            let all: Vec<usize> = stream.by_ref().take(200).collect().await;
            let expected: Vec<usize> = (0..put).chain([1_000_000 + put]).collect();
            assert_eq!(all, expected);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn who_takes_a_little_is_waited_for() {
        let mut stream = numbers(1);
        for number in 0..300 {
            yield_now().await;
            advance(PATIENCE / 2).await;
            assert_eq!(stream.next().await, Some(number));
        }
    }

    #[tokio::test]
    async fn a_stream_that_is_dropped_ends_its_task() {
        let (told, ended) = tokio::sync::oneshot::channel::<()>();
        let stream = taking(|outbox: Outbox<()>| async move {
            let _told = (told, outbox);
            std::future::pending::<()>().await;
        });
        drop(stream);
        assert!(ended.await.is_err());
    }
}
