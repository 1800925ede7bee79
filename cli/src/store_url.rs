//! The one URL that chooses a store.

use std::{fmt, path::PathBuf, sync::Arc};

use spiderq_core::{error::Result, store::Store};
use spiderq_redis::{RedisStore, RedisUrl};
use spiderq_sqlite::SqliteStore;

/// `sqlite:PATH`, or a Redis URL. `Debug` and `Display` hide who logs in, and how.
#[derive(Clone)]
pub enum StoreUrl {
    /// An embedded store in this file.
    Sqlite(PathBuf),
    /// Redis.
    Redis(RedisUrl),
}

impl StoreUrl {
    /// By its scheme.
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

/// Opens the store that `url` names, making what is not there yet.
pub async fn open(url: &StoreUrl) -> Result<Arc<dyn Store>> {
    Ok(match url {
        StoreUrl::Sqlite(path) => Arc::new(SqliteStore::open(path)?),
        StoreUrl::Redis(url) => Arc::new(RedisStore::connect(url).await?),
    })
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
