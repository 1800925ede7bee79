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
    Ok(StoreUrl::parse(url.as_ref().map_or(DEFAULT_URL, Secret::expose))?)
}

pub(crate) async fn open(url: &StoreUrl) -> Result<Arc<dyn Store>, Error> {
    store_url::open(url).await.map_err(|error| cannot_open(url, &error))
}

/// For a check without a repair.
pub(crate) async fn open_to_check(url: &StoreUrl) -> Result<Arc<dyn Store>, Error> {
    store_url::open_to_check(url).await.map_err(|error| cannot_open(url, &error))
}

fn cannot_open(url: &StoreUrl, error: &spiderq_core::error::Error) -> Error {
    Error::new(format!("can't open {url}: {}", with_cause(error)))
}
