//! Redis URLs: where servers are, how to log in, and nothing of how that is done. Read here
//! alone, and once. No message and no `Debug` shows a user, a password, or text that might be
//! part of one.

mod part;

use std::{fmt, path::PathBuf};

use self::part::{Query, addresses, decoded};
use spiderq_core::error::{Error, Result};

/// A Redis store, in one of three topologies.
#[derive(Clone, PartialEq, Eq)]
pub struct RedisUrl {
    pub(crate) topology: Topology,
    /// To the Redis servers.
    pub(crate) login: Login,
    /// `None`: without TLS.
    pub(crate) tls: Option<TlsFiles>,
    pub(crate) db: u16,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Topology {
    Server(Address),
    /// Any nodes to begin with.
    Cluster(Vec<Address>),
    Sentinel {
        sentinels: Vec<Address>,
        master: String,
        /// To the Sentinels.
        login: Login,
    },
}

/// Where a server listens.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Address {
    Tcp(String, u16),
    Unix(PathBuf),
}

/// Both may be missing.
#[derive(Clone, Default, PartialEq, Eq)]
pub(crate) struct Login {
    pub(crate) user: Option<String>,
    pub(crate) password: Option<String>,
}

/// PEM files; without a CA those of the web are trusted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct TlsFiles {
    pub(crate) ca: Option<PathBuf>,
    /// Certificate and key of the client.
    pub(crate) client: Option<(PathBuf, PathBuf)>,
}

const FORMS: &str = "must be sqlite:FILE, redis://[USER:PASSWORD@]HOST[:PORT][/DB], \
     redis+unix:///SOCKET, redis+cluster://HOST:PORT,HOST:PORT or \
     redis+sentinel://HOST:PORT,HOST:PORT/MASTER[/DB]; with TLS rediss://, rediss+cluster:// or \
     rediss+sentinel://";

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Server,
    Unix,
    Cluster,
    Sentinel,
}

/// A refusal of the store's URL.
pub(crate) fn refused(what: impl Into<String>) -> Error {
    Error::invalid("store", what)
}

impl RedisUrl {
    /// The error for a URL whose scheme is none of the accepted forms.
    pub fn unknown() -> Error {
        refused(FORMS)
    }

    /// Reads `SCHEME://[USER:PASSWORD@]HOSTS[/PATH][?QUERY]`.
    pub fn parse(text: &str) -> Result<Self> {
        let (scheme, rest) = text.split_once("://").ok_or_else(Self::unknown)?;
        let (secure, kind) = scheme_of(scheme).ok_or_else(Self::unknown)?;
        let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
        let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
        let (login, hosts) = match authority.rsplit_once('@') {
            Some((login, hosts)) => (Login::parse(login)?, hosts),
            None => (Login::default(), authority),
        };
        let mut query = Query::parse(query)?;
        let (topology, db) = match kind {
            Kind::Unix => (unix(hosts, path)?, query.take("db")),
            Kind::Server => (server(hosts)?, some(path)),
            Kind::Cluster => (Topology::Cluster(addresses(hosts, 6379)?), some(path)),
            Kind::Sentinel => sentinel(hosts, path, &mut query)?,
        };
        let tls = if secure { Some(query.tls()?) } else { None };
        query.end()?;
        let db = db.map_or(Ok(0), |db| db.parse());
        let db = db.map_err(|_| refused("the database must be a number"))?;
        if kind == Kind::Cluster && db != 0 {
            return Err(refused("a Redis Cluster has no databases but 0"));
        }
        Ok(Self { topology, login, tls, db })
    }
}

fn scheme_of(scheme: &str) -> Option<(bool, Kind)> {
    let (base, kind) = scheme.split_once('+').unwrap_or((scheme, ""));
    let secure = match base {
        "redis" => false,
        "rediss" => true,
        _ => return None,
    };
    let kind = match kind {
        "" if !scheme.ends_with('+') => Kind::Server,
        "unix" if !secure => Kind::Unix,
        "cluster" => Kind::Cluster,
        "sentinel" => Kind::Sentinel,
        _ => return None,
    };
    Some((secure, kind))
}

fn some(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
}

fn server(hosts: &str) -> Result<Topology> {
    let [address] = <[Address; 1]>::try_from(addresses(hosts, 6379)?)
        .map_err(|_| refused("several hosts need redis+cluster:// or redis+sentinel://"))?;
    Ok(Topology::Server(address))
}

fn unix(hosts: &str, path: &str) -> Result<Topology> {
    if !hosts.is_empty() || path.is_empty() || path.contains('@') {
        return Err(refused(
            "must be redis+unix://[USER:PASSWORD@]/SOCKET, with an @ in it written %40",
        ));
    }
    let path = decoded("the socket", &format!("/{path}"))?;
    Ok(Topology::Server(Address::Unix(PathBuf::from(path))))
}

fn sentinel(hosts: &str, path: &str, query: &mut Query) -> Result<(Topology, Option<String>)> {
    let (master, db) = path.split_once('/').unwrap_or((path, ""));
    // As Sentinel itself has it.
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b".-_".contains(&byte);
    if master.is_empty() || !master.bytes().all(plain) {
        return Err(refused(
            "the name of the master must follow the hosts: redis+sentinel://HOST:PORT/MASTER",
        ));
    }
    let login =
        Login { user: query.take("sentinel_user"), password: query.take("sentinel_password") };
    let topology = Topology::Sentinel {
        sentinels: addresses(hosts, 26379)?,
        master: master.to_owned(),
        login,
    };
    Ok((topology, some(db)))
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(host, port) if host.contains(':') => write!(f, "[{host}]:{port}"),
            Self::Tcp(host, port) => write!(f, "{host}:{port}"),
            Self::Unix(path) => write!(f, "{}", path.display()),
        }
    }
}

impl fmt::Display for RedisUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list = |addresses: &[Address]| {
            let each: Vec<String> = addresses.iter().map(ToString::to_string).collect();
            each.join(",")
        };
        let s = if self.tls.is_some() { "s" } else { "" };
        match &self.topology {
            Topology::Server(Address::Unix(path)) => write!(f, "redis+unix://{}", path.display())?,
            Topology::Server(address) => write!(f, "redis{s}://{address}")?,
            Topology::Cluster(nodes) => write!(f, "redis{s}+cluster://{}", list(nodes))?,
            Topology::Sentinel { sentinels, master, .. } => {
                write!(f, "redis{s}+sentinel://{}/{master}", list(sentinels))?
            }
        }
        match self.db {
            0 => Ok(()),
            db => write!(f, "/{db}"),
        }
    }
}

impl fmt::Debug for RedisUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RedisUrl({self})")
    }
}

impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Login(…)")
    }
}

#[cfg(test)]
mod tests;
