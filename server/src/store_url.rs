//! The URL that chooses the store: `--store` of the command line.

use std::{fmt, path::PathBuf, sync::Arc};

use spiderq_core::{error::Result, store::Store};
use spiderq_redis::{RedisStore, RedisUrl};
use spiderq_sqlite::SqliteStore;

/// `sqlite:PATH`, or a Redis URL. Its `Debug` and `Display` show no user and no password.
#[derive(Clone)]
pub enum StoreUrl {
    /// The file of an embedded store; it is made if it is missing.
    Sqlite(PathBuf),
    /// A server, the master that Sentinels name, or a Cluster.
    Redis(RedisUrl),
}

impl StoreUrl {
    /// The error names the part of `text` that is wrong, and what is accepted.
    pub fn parse(text: &str) -> Result<Self> {
        match text.split_once(':') {
            Some(("sqlite", path)) if !path.is_empty() => Ok(Self::Sqlite(PathBuf::from(path))),
            Some((scheme, _)) if scheme.starts_with("redis") => {
                RedisUrl::parse(text).map(Self::Redis)
            }
            Some(_) | None => Err(RedisUrl::unknown()),
        }
    }
}

impl fmt::Display for StoreUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(path) => write!(f, "sqlite:{}", path.display()),
            Self::Redis(url) => url.fmt(f),
        }
    }
}

impl fmt::Debug for StoreUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "StoreUrl({self})")
    }
}

/// Opens the store that `url` names; creates or migrates its schema first where that is needed.
pub async fn open(url: &StoreUrl) -> Result<Arc<dyn Store>> {
    Ok(match url {
        StoreUrl::Sqlite(path) => Arc::new(SqliteStore::open(path)?),
        StoreUrl::Redis(url) => Arc::new(RedisStore::connect(url).await?),
    })
}

/// Opens the store for a check without a repair, which writes nothing to it.
pub async fn open_to_check(url: &StoreUrl) -> Result<Arc<dyn Store>> {
    match url {
        StoreUrl::Sqlite(path) => Ok(Arc::new(SqliteStore::open_to_check(path)?)),
        StoreUrl::Redis(_) => open(url).await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_never_shown() {
        let url = StoreUrl::parse("redis://user:s3cret@localhost:7000/0").unwrap();
        assert_eq!(
            format!("{url} {url:?}"),
            "redis://localhost:7000 StoreUrl(redis://localhost:7000)"
        );
    }
}
