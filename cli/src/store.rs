//! The store that `--store` names.

use std::sync::Arc;

use spiderq_core::store::Store;
use spiderq_server::store_url::{self, StoreUrl};

use crate::{
    args::{Secret, StoreFlag},
    error::{Error, with_cause},
    secrets,
};

/// The store where no flag names one.
const DEFAULT_URL: &str = "sqlite:spiderq.db";

pub(crate) fn parse(flag: StoreFlag) -> Result<StoreUrl, Error> {
    let url = secrets::read("store", flag.store, flag.store_file.as_deref())?;
    StoreUrl::parse(url.as_ref().map_or(DEFAULT_URL, Secret::expose))
        .map_err(|error| Error::new(format!("--{error}")))
}

pub(crate) async fn open(url: &StoreUrl) -> Result<Arc<dyn Store>, Error> {
    let store = store_url::open(url).await;
    store.map_err(|error| Error::new(format!("can't open {url}: {}", with_cause(&error))))
}
