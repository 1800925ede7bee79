//! The store that `--store` names.

use std::sync::Arc;

use spiderq_core::store::Store;
use spiderq_server::store_url::{self, StoreUrl};

use crate::{
    args::Secret,
    error::{Error, with_cause},
};

pub(crate) fn parse(url: &Secret) -> Result<StoreUrl, Error> {
    StoreUrl::parse(url.expose()).map_err(|error| Error::new(format!("--{error}")))
}

pub(crate) async fn open(url: &StoreUrl) -> Result<Arc<dyn Store>, Error> {
    let store = store_url::open(url).await;
    store.map_err(|error| Error::new(format!("can't open {url}: {}", with_cause(&error))))
}
