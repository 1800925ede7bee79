//! Single sign-on by a proxy: whom it names in a header is the caller of what their browser sends,
//! as if they had signed in. Off unless a header and the addresses of proxies are given.

use std::{fmt, net::IpAddr, str::FromStr, sync::Arc};

use axum::{
    body::Body,
    http::{HeaderName, HeaderValue, Request},
};
use spiderq_core::Origin;
use spiderq_gateway::{Origins, use_ambient};

use crate::error::Error;

/// Headers that mean something else, or that browsers and proxies set for other reasons.
const OTHERS: [&str; 18] = [
    "accept",
    "authorization",
    "connection",
    "content-length",
    "content-type",
    "cookie",
    "forwarded",
    "host",
    "idempotency-key",
    "origin",
    "referer",
    "te",
    "transfer-encoding",
    "user-agent",
    "x-forwarded-for",
    "x-grpc-web",
    "x-request-id",
    "x-user-agent",
];

/// Which header of which proxies is believed.
#[derive(Clone, Debug)]
pub struct TrustedUser {
    /// The header in which they name the user, such as `X-Forwarded-User`.
    pub header: String,
    /// The addresses that they come from.
    pub proxies: Vec<Addresses>,
}

impl TrustedUser {
    /// An error where it would let in anybody, or could not work.
    pub(crate) fn prepare(&self) -> Result<HeaderName, Error> {
        let refused = |problem: String| Error::option("trusted-user-header", problem);
        let name: HeaderName = self.header.parse().map_err(|_| {
            refused(format!("must be the name of a header, {} is not", self.header))
        })?;
        let is_other = OTHERS.contains(&name.as_str()) || name.as_str().starts_with("sec-");
        if is_other || name.as_str().starts_with("grpc-") {
            return Err(refused(format!("must be a header for this alone, not {name}")));
        }
        if self.proxies.is_empty() {
            return Err(refused("needs --trusted-proxy".to_owned()));
        }
        if let Some(wide) = self.proxies.iter().find(|proxy| proxy.bits < proxy.least_bits()) {
            let problem = format!(
                "must be the addresses of proxies, of /8 (IPv6: /7) at most: {wide} is too many"
            );
            return Err(Error::option("trusted-proxy", problem));
        }
        Ok(name)
    }
}

/// An address, or all of a network: `10.0.0.7`, `10.0.0.0/8`, `fd00::/8`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Addresses {
    first: IpAddr,
    /// How many bits of it count.
    bits: u8,
}

impl Addresses {
    /// As many as the largest private networks have.
    const fn least_bits(&self) -> u8 {
        if self.first.is_ipv4() { 8 } else { 7 }
    }

    fn contain(&self, address: IpAddr) -> bool {
        let differing = match (self.first, address.to_canonical()) {
            (IpAddr::V4(first), IpAddr::V4(address)) => {
                u128::from(first.to_bits() ^ address.to_bits()) << 96
            }
            (IpAddr::V6(first), IpAddr::V6(address)) => first.to_bits() ^ address.to_bits(),
            (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => return false,
        };
        differing.leading_zeros() >= u32::from(self.bits)
    }
}

impl FromStr for Addresses {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let refused = || format!("must be an address or a network as 10.0.0.0/8, {text} is not");
        let (address, bits) = text.split_once('/').map_or((text, None), |(a, b)| (a, Some(b)));
        let first: IpAddr = address.parse().map_err(|_| refused())?;
        // IPv4 in IPv6 is told apart nowhere.
        if first.to_canonical() != first {
            return Err(refused());
        }
        let most = if first.is_ipv4() { 32 } else { 128 };
        let bits = bits.map_or(Ok(most), str::parse).map_err(|_| refused())?;
        if bits > most {
            return Err(refused());
        }
        Ok(Self { first, bits })
    }
}

impl fmt::Display for Addresses {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.first, self.bits)
    }
}

/// Makes the credentials of a user whom a proxy names.
pub(crate) type Sign = Arc<dyn Fn(&str) -> Option<String> + Send + Sync>;

/// What turns a header into credentials.
#[derive(Clone)]
pub(crate) struct Users {
    header: HeaderName,
    proxies: Arc<[Addresses]>,
    sign: Sign,
}

impl Users {
    pub(crate) fn new(header: HeaderName, proxies: &[Addresses], sign: Sign) -> Self {
        Self { header, proxies: proxies.into(), sign }
    }

    /// Takes the header off the request. The user in it is the caller where a proxy sent it, and
    /// where nobody else is.
    pub(crate) fn sign_in(&self, request: &mut Request<Body>, origins: &Origins) {
        let named: Vec<HeaderValue> =
            request.headers().get_all(&self.header).iter().cloned().collect();
        request.headers_mut().remove(&self.header);
        // Of two, one may be the client's own, which the proxy has let pass.
        let [name] = &named[..] else { return };
        let peer = request.extensions().get::<Origin>().map(|origin| origin.peer().ip());
        let is_trusted = |peer| self.proxies.iter().any(|proxy| proxy.contain(peer));
        if !peer.is_some_and(is_trusted) {
            return;
        }
        let name = std::str::from_utf8(name.as_bytes()).map(str::trim).unwrap_or_default();
        if !name.is_empty() {
            use_ambient(request, origins, || (self.sign)(name));
        }
    }
}

impl fmt::Debug for Users {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Users").field("header", &self.header).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_contains_its_addresses() {
        for (network, inside, outside) in [
            ("10.1.2.3", "10.1.2.3", "10.1.2.4"),
            ("10.0.0.0/8", "10.255.0.1", "11.0.0.1"),
            ("10.1.2.3/8", "10.9.9.9", "9.1.2.3"),
            ("10.0.0.0/31", "::ffff:10.0.0.1", "::ffff:10.0.0.2"),
            ("fd00::/8", "fd12::1", "fe00::1"),
            ("::1", "::1", "127.0.0.1"),
            ("fc00::/7", "fdff::", "fe00::"),
        ] {
            let network: Addresses = network.parse().unwrap();
            assert!(network.contain(inside.parse().unwrap()), "{network} {inside}");
            assert!(!network.contain(outside.parse().unwrap()), "{network} {outside}");
        }
        for bad in [
            "",
            "10.0.0",
            "10.0.0.0/33",
            "::/129",
            "10.0.0.0/",
            "10.0.0.0/-1",
            "host/8",
            "::ffff:10.0.0.1",
        ] {
            let refused = bad.parse::<Addresses>().unwrap_err();
            let expected = format!("must be an address or a network as 10.0.0.0/8, {bad} is not");
            assert_eq!(refused, expected);
        }
    }

    #[test]
    fn what_would_let_in_anybody_is_refused() {
        let prepared = |header: &str, proxies: &[&str]| {
            let proxies = proxies.iter().map(|text| text.parse().unwrap()).collect();
            let user = TrustedUser { header: header.to_owned(), proxies };
            user.prepare().map(|name| name.to_string()).map_err(|error| error.to_string())
        };
        assert_eq!(
            prepared("X-Forwarded-User", &["10.0.0.0/8"]),
            Ok("x-forwarded-user".to_owned())
        );
        for (header, proxies, problem) in [
            (
                "a b",
                &["10.0.0.1"][..],
                "trusted-user-header: must be the name of a header, a b is not",
            ),
            (
                "Cookie",
                &["10.0.0.1"],
                "trusted-user-header: must be a header for this alone, not cookie",
            ),
            (
                "Sec-User",
                &["10.0.0.1"],
                "trusted-user-header: must be a header for this alone, not sec-user",
            ),
            ("x-user", &[], "trusted-user-header: needs --trusted-proxy"),
            (
                "x-user",
                &["10.0.0.1", "0.0.0.0/1"],
                "trusted-proxy: must be the addresses of proxies, of /8 (IPv6: /7) at most: 0.0.0.0/1 is too many",
            ),
            (
                "x-user",
                &["::/0"],
                "trusted-proxy: must be the addresses of proxies, of /8 (IPv6: /7) at most: ::/0 is too many",
            ),
        ] {
            assert_eq!(prepared(header, proxies), Err(problem.to_owned()));
        }
    }
}
