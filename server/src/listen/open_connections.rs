//! The connections that are open: how many each address has, and which of them goes first when
//! there is no room for another.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use spiderq_core::client_network;
use tokio::{sync::Notify, time::Instant};

use super::{authenticated::Authenticated, in_flight::InFlight};

/// How long connections that were told to close are waited for before others are told.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(2);

/// All connections of a listener.
#[derive(Debug, Default)]
pub(super) struct OpenConnections(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    connections: HashMap<u64, Arc<Connection>>,
    /// How many connections an address has; none with 0.
    by_address: HashMap<IpAddr, usize>,
    /// Connections since the listener began.
    opened: u64,
    /// Connections that were told to close and are still open.
    closing: usize,
    /// When one was told last.
    told: Option<Instant>,
}

/// What the listener knows of one connection.
#[derive(Debug)]
pub(super) struct Connection {
    pub(super) in_flight: InFlight,
    pub(super) authenticated: Authenticated,
    /// Told to close, by one of the two below.
    is_closing: AtomicBool,
    close: Notify,
    abandon: Notify,
}

impl Connection {
    fn new() -> Self {
        Self {
            in_flight: InFlight::new(),
            authenticated: Authenticated::default(),
            is_closing: AtomicBool::new(false),
            close: Notify::new(),
            abandon: Notify::new(),
        }
    }

    /// Returns when the connection must be closed in order, to make room.
    pub(super) async fn closed(&self) {
        self.close.notified().await;
    }

    /// Returns when the connection must be dropped as it is, to make room.
    pub(super) async fn abandoned(&self) {
        self.abandon.notified().await;
    }

    /// A client that has shown no credentials gets no time for an orderly end.
    fn tell_to_close(&self) {
        self.is_closing.store(true, Ordering::Relaxed);
        match self.authenticated.is_marked() {
            true => self.close.notify_one(),
            false => self.abandon.notify_one(),
        }
    }
}

/// A connection's place, free again when it is dropped.
#[derive(Debug)]
pub(super) struct Place {
    all: Arc<OpenConnections>,
    id: u64,
    address: IpAddr,
    pub(super) connection: Arc<Connection>,
}

impl OpenConnections {
    /// How many connections the client of this address has.
    pub(super) fn count_of(&self, peer: IpAddr) -> usize {
        self.state().by_address.get(&client_network(peer)).copied().unwrap_or_default()
    }

    pub(super) fn enter(self: &Arc<Self>, peer: IpAddr) -> Place {
        let (connection, address) = (Arc::new(Connection::new()), client_network(peer));
        let mut state = self.state();
        state.opened += 1;
        let id = state.opened;
        state.connections.insert(id, Arc::clone(&connection));
        *state.by_address.entry(address).or_default() += 1;
        Place { all: Arc::clone(self), id, address, connection }
    }

    /// Tells up to `count` connections without a request to close: first those that have shown no
    /// credentials, of them the longest idle first. Does nothing while others are still closing,
    /// unless they take too long: a request may have begun on them in that moment.
    pub(super) fn close_longest_idle(&self, count: usize) {
        let mut state = self.state();
        if state.closing > 0 && state.told.is_some_and(|told| told.elapsed() < CLOSE_TIMEOUT) {
            return;
        }
        let mut idle: Vec<(bool, Duration, &Arc<Connection>)> = state
            .connections
            .values()
            .filter_map(|connection| {
                let is_closing = connection.is_closing.load(Ordering::Relaxed);
                let idle = connection.in_flight.idle_time().filter(|_| !is_closing)?;
                Some((!connection.authenticated.is_marked(), idle, connection))
            })
            .collect();
        idle.sort_unstable_by_key(|&(unauthenticated, idle, _)| (unauthenticated, idle));
        let first = idle.iter().rev().take(count);
        let closing = first.map(|(_, _, connection)| connection.tell_to_close()).count();
        state.closing += closing;
        state.told = Some(Instant::now());
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut state = self.all.state();
        state.connections.remove(&self.id);
        if self.connection.is_closing.load(Ordering::Relaxed) {
            state.closing = state.closing.saturating_sub(1);
        }
        if let Some(count) = state.by_address.get_mut(&self.address) {
            *count -= 1;
            if *count == 0 {
                state.by_address.remove(&self.address);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt as _;
    use tokio::time::{advance, pause};

    use super::*;

    const PEER: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);
    const SECOND: Duration = Duration::from_secs(1);

    fn told(place: &Place) -> Option<&'static str> {
        let connection = &place.connection;
        match (connection.closed().now_or_never(), connection.abandoned().now_or_never()) {
            (Some(()), None) => Some("close"),
            (None, Some(())) => Some("abandon"),
            (None, None) => None,
            (Some(()), Some(())) => panic!("told twice"),
        }
    }

    #[tokio::test]
    async fn the_longest_idle_goes_first_and_those_without_credentials_before_all() {
        pause();
        let all = Arc::new(OpenConnections::default());
        let mut places = Vec::new();
        for _ in 0..5 {
            places.push(all.enter(PEER));
            advance(SECOND).await;
        }
        let [keyed, older, old, busy, new] = &places[..] else { panic!() };
        keyed.connection.authenticated.mark();
        let _request = busy.connection.in_flight.begin(None);
        all.close_longest_idle(2);
        assert_eq!([older, old, new].map(told), [Some("abandon"), Some("abandon"), None]);
        // Not before those have closed.
        all.close_longest_idle(9);
        assert_eq!([keyed, busy, new].map(told), [None, None, None]);
        let [_, _] = places.drain(1..3).collect::<Vec<_>>()[..] else { panic!() };
        all.close_longest_idle(9);
        assert_eq!(
            places.iter().map(told).collect::<Vec<_>>(),
            [Some("close"), None, Some("abandon")]
        );
    }

    #[test]
    fn an_ipv6_site_and_a_mapped_ipv4_address_are_one_client() {
        let all = Arc::new(OpenConnections::default());
        let parse = |text: &str| text.parse::<IpAddr>().unwrap();
        let first = all.enter(parse("2001:db8:1:2:3::4"));
        let mapped = all.enter(parse("::ffff:192.0.2.1"));
        assert_eq!(all.count_of(parse("2001:db8:1:2:ffff::")), 1);
        assert_eq!(all.count_of(parse("2001:db8:1:3::")), 0);
        assert_eq!(all.count_of(parse("192.0.2.1")), 1);
        drop((first, mapped));
        assert!(all.state().by_address.is_empty() && all.state().connections.is_empty());
    }
}
