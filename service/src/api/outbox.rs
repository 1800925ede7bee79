//! What waits for the reader of a stream: bounded in bytes and in time.

use std::{
    pin::{Pin, pin},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll, ready},
};

use futures::Stream;
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore, mpsc},
    task::JoinHandle,
    time::timeout,
};

use spiderq_core::limits::{MAX_WATCH_BUFFER_BYTES, WATCH_READ_TIMEOUT};

/// A message counts as this many bytes at least, so that at most 128 wait.
const MIN_MESSAGE_BYTES: usize = 2 << 10;

/// Where a task puts messages for the reader.
#[derive(Debug)]
pub(super) struct Outbox<T> {
    sender: mpsc::UnboundedSender<(T, Option<OwnedSemaphorePermit>)>,
    room: Arc<Semaphore>,
    taken: Arc<AtomicU64>,
}

/// The reader took nothing for [`WATCH_READ_TIMEOUT`].
#[derive(Debug, PartialEq, Eq)]
pub(super) struct SlowReader;

/// Where the reader takes them. Dropping it ends the task.
#[derive(Debug)]
pub(super) struct OutboxStream<T> {
    receiver: mpsc::UnboundedReceiver<(T, Option<OwnedSemaphorePermit>)>,
    taken: Arc<AtomicU64>,
    task: JoinHandle<()>,
}

/// The messages that `task` puts, until it ends.
pub(super) fn stream_of<T, F>(task: impl FnOnce(Outbox<T>) -> F) -> OutboxStream<T>
where
    F: Future<Output = ()> + Send + 'static,
{
    let (sender, receiver) = mpsc::unbounded_channel();
    let taken = Arc::<AtomicU64>::default();
    let outbox = Outbox {
        sender,
        room: Arc::new(Semaphore::new(MAX_WATCH_BUFFER_BYTES as usize)),
        taken: Arc::clone(&taken),
    };
    OutboxStream { receiver, taken, task: tokio::spawn(task(outbox)) }
}

impl<T> Outbox<T> {
    /// Puts a message of `bytes`, when there is room.
    pub(super) async fn put(&self, message: T, bytes: usize) -> Result<(), SlowReader> {
        let size = u32::try_from(bytes.max(MIN_MESSAGE_BYTES)).unwrap_or(u32::MAX);
        // A message that is larger than the whole room waits for all of it.
        let size = size.min(MAX_WATCH_BUFFER_BYTES);
        let mut room = pin!(Arc::clone(&self.room).acquire_many_owned(size));
        loop {
            let before = self.taken.load(Ordering::Relaxed);
            match timeout(WATCH_READ_TIMEOUT, room.as_mut()).await {
                // An error would mean that the semaphore is closed, which it never is.
                Ok(room) => {
                    self.send(message, room.ok());
                    return Ok(());
                }
                // The reader is slow but took something: it gets the same time again.
                Err(_) if self.taken.load(Ordering::Relaxed) != before => {}
                Err(_) => return Err(SlowReader),
            }
        }
    }

    /// Puts the last message, for which there is always room.
    pub(super) fn end(self, message: T) {
        self.send(message, None);
    }

    fn send(&self, message: T, room: Option<OwnedSemaphorePermit>) {
        // An error means that the reader is gone, which ends this task.
        let _ = self.sender.send((message, room));
    }
}

impl<T> Stream for OutboxStream<T> {
    type Item = T;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<T>> {
        let next = ready!(self.receiver.poll_recv(context));
        self.taken.fetch_add(1, Ordering::Relaxed);
        Poll::Ready(next.map(|(message, _)| message))
    }
}

impl<T> Drop for OutboxStream<T> {
    fn drop(&mut self) {
        self.task.abort();
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use futures::StreamExt as _;
    use tokio::{task::yield_now, time::advance};

    use super::*;

    /// Puts numbers until the reader is too slow; the last says how many there were.
    fn numbers(bytes: usize) -> OutboxStream<usize> {
        stream_of(move |outbox| async move {
            for number in 0.. {
                if outbox.put(number, bytes).await == Err(SlowReader) {
                    return outbox.end(1_000_000 + number);
                }
            }
        })
    }

    #[tokio::test(start_paused = true)]
    async fn a_reader_that_takes_nothing_for_long_gets_what_was_put_and_an_end() {
        for (bytes, put) in [(1, 128), (64 << 10, 4), (10 << 20, 1)] {
            let mut stream = numbers(bytes);
            yield_now().await;
            advance(WATCH_READ_TIMEOUT + Duration::from_millis(1)).await;
            yield_now().await;
            let all: Vec<usize> = stream.by_ref().take(200).collect().await;
            let expected: Vec<usize> = (0..put).chain([1_000_000 + put]).collect();
            assert_eq!(all, expected);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_reader_that_takes_a_little_is_waited_for() {
        let mut stream = numbers(1);
        for number in 0..300 {
            yield_now().await;
            advance(WATCH_READ_TIMEOUT / 2).await;
            assert_eq!(stream.next().await, Some(number));
        }
    }

    #[tokio::test]
    async fn a_stream_that_is_dropped_ends_its_task() {
        let (alive, ended) = tokio::sync::oneshot::channel::<()>();
        let stream = stream_of(|outbox: Outbox<()>| async move {
            let _alive = (alive, outbox);
            std::future::pending::<()>().await;
        });
        drop(stream);
        assert!(ended.await.is_err());
    }
}
