//! The store that `--store` names.

use std::sync::Arc;

use spiderq_service::store::{self, Store, StoreUrl};

use crate::{
    args::Secret,
    error::{Error, with_cause},
};

pub(crate) fn parse(url: &Secret) -> Result<StoreUrl, Error> {
    StoreUrl::parse(url.expose()).map_err(|error| Error::new(format!("--{error}")))
}

pub(crate) async fn open(url: &StoreUrl) -> Result<Arc<dyn Store>, Error> {
    let store = store::open(url).await;
    store.map_err(|error| Error::new(format!("can't open {url}: {}", with_cause(&error))))
}
