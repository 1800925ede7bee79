//! The parts that a Redis URL is made of.

use std::path::PathBuf;

use percent_encoding::percent_decode_str;

use super::{Address, Login, TlsFiles, refused};
use spiderq_core::error::Result;

/// Hosts with ports, separated by commas.
pub(crate) fn addresses(hosts: &str, port: u16) -> Result<Vec<Address>> {
    hosts.split(',').map(|host| address(host, port)).collect()
}

fn address(text: &str, port: u16) -> Result<Address> {
    let (host, given) = match text.strip_prefix('[') {
        Some(rest) => rest.split_once(']').unwrap_or(("", "")),
        None => text.split_at(text.find(':').unwrap_or(text.len())),
    };
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b".-_".contains(&byte);
    let inside = |byte: u8| byte.is_ascii_hexdigit() || b":.".contains(&byte);
    let known = match text.starts_with('[') {
        true => host.bytes().all(inside),
        false => host.bytes().all(plain),
    };
    if host.is_empty() || !known {
        return Err(refused(
            "a host must be a name or an address, an IPv6 address in brackets; in a user or \
             password, / ? @ , and : are written %2F %3F %40 %2C %3A",
        ));
    }
    let port = match given.strip_prefix(':') {
        Some(given) => given.parse(),
        None if given.is_empty() => Ok(port),
        None => return Err(refused("a port must follow its host after a colon")),
    };
    let port = port.map_err(|_| refused("a port must be a number up to 65535"))?;
    Ok(Address::Tcp(host.to_owned(), port))
}

/// Text with its percent signs resolved; `what` it is, for the refusal.
pub(crate) fn decoded(what: &str, text: &str) -> Result<String> {
    let decoded = percent_decode_str(text).decode_utf8();
    let decoded = decoded.map_err(|_| refused(format!("{what} is not UTF-8")))?;
    Ok(decoded.into_owned())
}

impl Login {
    /// `USER:PASSWORD`, either of which may be missing.
    pub(crate) fn parse(text: &str) -> Result<Self> {
        let (user, password) = match text.split_once(':') {
            Some((user, password)) => (user, Some(password)),
            None => (text, None),
        };
        let given = |what: &str, text: Option<&str>| {
            let text = text.filter(|text| !text.is_empty());
            text.map(|text| decoded(what, text)).transpose()
        };
        Ok(Self {
            user: given("the user", Some(user))?,
            password: given("the password", password)?,
        })
    }
}

/// Parameters that have not been taken yet.
pub(crate) struct Query(Vec<(String, String)>);

impl Query {
    pub(crate) fn parse(text: &str) -> Result<Self> {
        let pairs = text.split('&').filter(|pair| !pair.is_empty());
        let pair = |pair: &str| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            Ok((name.to_owned(), decoded("a parameter", value)?))
        };
        pairs.map(pair).collect::<Result<_>>().map(Self)
    }

    /// The parameter `name`.
    pub(crate) fn take(&mut self, name: &str) -> Option<String> {
        let at = self.0.iter().position(|(given, _)| given == name)?;
        Some(self.0.remove(at).1)
    }

    /// The files of TLS.
    pub(crate) fn tls(&mut self) -> Result<TlsFiles> {
        let mut file = |name| self.take(name).map(PathBuf::from);
        let (ca, cert, key) = (file("tls_ca"), file("tls_cert"), file("tls_key"));
        let client = match (cert, key) {
            (Some(cert), Some(key)) => Some((cert, key)),
            (None, None) => None,
            (Some(_), None) => return Err(refused("tls_cert needs tls_key")),
            (None, Some(_)) => return Err(refused("tls_key needs tls_cert")),
        };
        Ok(TlsFiles { ca, client })
    }

    /// Refuses what is left, by its name, unless that may be part of a password.
    pub(crate) fn end(self) -> Result<()> {
        let Some((name, _)) = self.0.into_iter().next() else {
            return Ok(());
        };
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte == b'_';
        let name = match name.len() <= 20 && name.bytes().all(plain) {
            true => name,
            false => "this one".to_owned(),
        };
        Err(refused(format!(
            "unknown parameter: {name}; there are tls_ca, tls_cert and tls_key with TLS, \
             sentinel_user and sentinel_password with Sentinel, and db with redis+unix://"
        )))
    }
}
