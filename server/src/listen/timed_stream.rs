//! A connection's bytes: first those that were read to tell its protocol, then the socket's.
//! Fails with `TimedOut` where an HTTP/1 request head does not come to its end, and where the
//! client does not read what it asked for.

use std::{
    io::{self, IoSlice},
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use bytes::{Buf as _, Bytes};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::{
    Limits,
    in_flight::InFlight,
    protocol_sniff::{Opening, Protocol},
};
use crate::stall_timer::StallTimer;

pub(super) struct TimedStream<S> {
    start: Bytes,
    socket: S,
    /// `None` for HTTP/2, where pings tell whether the client is alive.
    head: Option<HeadTimer>,
    write: StallTimer,
}

impl<S> TimedStream<S> {
    pub(super) fn new(opening: Opening, socket: S, in_flight: &InFlight, limits: &Limits) -> Self {
        let head = match opening.protocol {
            Protocol::Http1 => Some(HeadTimer::new(in_flight.clone(), limits.head_timeout)),
            Protocol::Http2 => None,
        };
        let write = StallTimer::new(limits.write_timeout);
        Self { start: opening.bytes, socket, head, write }
    }

    /// Fails what has been `Pending` for too long.
    fn limit_write<T>(
        &mut self,
        poll: Poll<io::Result<T>>,
        context: &mut Context<'_>,
    ) -> Poll<io::Result<T>> {
        if poll.is_ready() {
            self.write.reset();
            return poll;
        }
        self.write.poll_expired(context).map(|()| Err(io::ErrorKind::TimedOut.into()))
    }
}

/// Runs while a request head comes in. hyper's own timer would run between requests as well.
struct HeadTimer {
    in_flight: InFlight,
    timer: StallTimer,
    /// Requests that had begun before this head.
    begun_before: u64,
    /// Whether the first bytes of a head are there; false between requests.
    in_head: bool,
}

impl HeadTimer {
    /// The bytes that revealed the protocol are the beginning of the first head.
    fn new(in_flight: InFlight, timeout: Duration) -> Self {
        Self { in_flight, timer: StallTimer::new(timeout), begun_before: 0, in_head: true }
    }

    /// Bytes came: of a new head, of one that was begun, or of a body.
    fn received(&mut self) {
        if let Some(begun) = self.in_flight.begun_if_idle()
            && (!self.in_head || self.begun_before != begun)
        {
            self.begun_before = begun;
            self.in_head = true;
            self.timer.reset();
        }
    }

    /// No bytes came; ready when the head has had its time.
    fn poll_expired(&mut self, context: &mut Context<'_>) -> Poll<()> {
        if self.in_flight.begun_if_idle() != Some(self.begun_before) {
            self.in_head = false;
            self.timer.reset();
        }
        if self.in_head { self.timer.poll_expired(context) } else { Poll::Pending }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for TimedStream<S> {
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
        head.poll_expired(context).map(|()| Err(io::ErrorKind::TimedOut.into()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for TimedStream<S> {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = Pin::new(&mut this.socket).poll_write(context, bytes);
        this.limit_write(written, context)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = Pin::new(&mut this.socket).poll_write_vectored(context, slices);
        this.limit_write(written, context)
    }

    fn is_write_vectored(&self) -> bool {
        self.socket.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let flushed = Pin::new(&mut this.socket).poll_flush(context);
        this.limit_write(flushed, context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let shut = Pin::new(&mut this.socket).poll_shutdown(context);
        this.limit_write(shut, context)
    }
}
