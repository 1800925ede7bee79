//! Where a request came from, and who was found to make it. The listener puts it into the request's
//! extensions, which never travel: no header and no metadata of a client can set it. The gateway
//! hands it on to a service in the same process; a service elsewhere sees the gateway's address.

use std::{
    net::{IpAddr, Ipv6Addr, SocketAddr},
    sync::{Arc, OnceLock},
};

/// What counts as one client: an IPv4 address, or the /64 that a network gives to one site, whose
/// clients could come from any address of it.
#[must_use]
pub fn client_network(peer: IpAddr) -> IpAddr {
    match peer.to_canonical() {
        address @ IpAddr::V4(_) => address,
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).into()
        }
    }
}

/// The origin of one request. Clones share the owner.
#[derive(Clone, Debug)]
pub struct Origin {
    peer: SocketAddr,
    owner: Arc<OnceLock<String>>,
}

impl Origin {
    /// A request from this address, of nobody yet.
    #[must_use]
    pub fn new(peer: SocketAddr) -> Self {
        // An IPv4 client of a socket that takes both is told as it knows itself.
        let peer = SocketAddr::new(peer.ip().to_canonical(), peer.port());
        Self { peer, owner: Arc::default() }
    }

    /// The other end of the connection: a proxy, where one is between.
    #[must_use]
    pub const fn peer(&self) -> SocketAddr {
        self.peer
    }

    /// Notes whose credentials were found valid. The first stays.
    pub fn identify(&self, owner: &str) {
        // One request may make many calls, all by the same caller.
        if self.owner.get().is_none() {
            let _ = self.owner.set(owner.to_owned());
        }
    }

    /// Whose credentials were found valid, if any.
    #[must_use]
    pub fn owner(&self) -> Option<&str> {
        self.owner.get().map(String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_is_an_ipv4_address_or_the_64_of_ipv6() {
        for (peer, client) in [
            ("192.0.2.1", "192.0.2.1"),
            ("::ffff:192.0.2.1", "192.0.2.1"),
            ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
        ] {
            assert_eq!(client_network(peer.parse().unwrap()).to_string(), client, "{peer}");
        }
    }
}
