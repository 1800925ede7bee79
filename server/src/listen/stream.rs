//! A connection's bytes: first those that were read to tell its protocol, then the socket's.
//! Ends what takes too long: an HTTP/1 head that does not come to its end, and a client that
//! does not take what it asked for.

use std::{
    io::{self, IoSlice},
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use bytes::{Buf as _, Bytes};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::{Instant, Sleep, sleep_until},
};

use super::{
    Limits,
    in_flight::InFlight,
    protocol_sniff::{Opening, Protocol},
};

/// See the module.
pub(super) struct Stream<S> {
    start: Bytes,
    socket: S,
    /// HTTP/1 only.
    head: Option<Head>,
    unread: Patience,
}

impl<S> Stream<S> {
    pub(super) fn new(opening: Opening, socket: S, activity: &InFlight, limits: &Limits) -> Self {
        let head = match opening.protocol {
            Protocol::Http1 => Some(Head::begun(activity.clone(), limits.head_timeout)),
            Protocol::Http2 => None,
        };
        Self { start: opening.bytes, socket, head, unread: Patience::new(limits.write_timeout) }
    }
}

/// Ends a wait that lasts too long.
struct Patience {
    limit: Duration,
    timer: Option<Pin<Box<Sleep>>>,
}

impl Patience {
    fn new(limit: Duration) -> Self {
        Self { limit, timer: None }
    }

    /// What is `Pending` fails once it has been so for too long.
    fn bound<T>(
        &mut self,
        poll: Poll<io::Result<T>>,
        context: &mut Context<'_>,
    ) -> Poll<io::Result<T>> {
        if poll.is_ready() {
            self.timer = None;
            return poll;
        }
        let limit = self.limit;
        let timer = self.timer.get_or_insert_with(|| Box::pin(sleep_until(Instant::now() + limit)));
        timer.as_mut().poll(context).map(|()| Err(io::ErrorKind::TimedOut.into()))
    }
}

/// The head of a request, while it comes in.
struct Head {
    activity: InFlight,
    limit: Duration,
    /// How many requests had begun before it.
    before: u64,
    /// When its first bytes came; `None` between a request and the next.
    since: Option<Instant>,
    timer: Option<Pin<Box<Sleep>>>,
}

impl Head {
    fn begun(activity: InFlight, limit: Duration) -> Self {
        Self { activity, limit, before: 0, since: Some(Instant::now()), timer: None }
    }

    /// Bytes came: of a head that is under way, of a new one, or of a body.
    fn received(&mut self) {
        if let Some(before) = self.activity.idle_after()
            && (self.since.is_none() || self.before != before)
        {
            self.before = before;
            self.since = Some(Instant::now());
            self.timer = None;
        }
    }

    /// Nothing came: ready when the head has had its time.
    fn poll_overdue(&mut self, context: &mut Context<'_>) -> Poll<()> {
        if self.activity.idle_after() != Some(self.before) {
            self.since = None;
            self.timer = None;
        }
        let Some(since) = self.since else {
            return Poll::Pending;
        };
        let due = since + self.limit;
        let timer = self.timer.get_or_insert_with(|| Box::pin(sleep_until(due)));
        timer.as_mut().poll(context)
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Stream<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if !this.start.is_empty() {
            let length = this.start.len().min(buffer.remaining());
            buffer.put_slice(&this.start[..length]);
            this.start.advance(length);
            return Poll::Ready(Ok(()));
        }
        let read = Pin::new(&mut this.socket).poll_read(context, buffer);
        let Some(head) = &mut this.head else {
            return read;
        };
        if read.is_ready() {
            head.received();
            return read;
        }
        head.poll_overdue(context).map(|()| Err(io::ErrorKind::TimedOut.into()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Stream<S> {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = Pin::new(&mut this.socket).poll_write(context, bytes);
        this.unread.bound(written, context)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = Pin::new(&mut this.socket).poll_write_vectored(context, slices);
        this.unread.bound(written, context)
    }

    fn is_write_vectored(&self) -> bool {
        self.socket.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let flushed = Pin::new(&mut this.socket).poll_flush(context);
        this.unread.bound(flushed, context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let shut = Pin::new(&mut this.socket).poll_shutdown(context);
        this.unread.bound(shut, context)
    }
}
