//! The store that `--store` names.

use std::sync::Arc;

use spiderq_core::store::Store;
use spiderq_server::{
    output_url::OutputUrl,
    store_url::{self, StoreUrl},
};

use crate::{
    args::{OutputFlag, Secret, StoreFlag},
    error::{Error, with_cause},
    secrets,
};

/// The store where no flag names one.
const DEFAULT_URL: &str = "sqlite:spiderq.db";

pub(crate) fn parse(flag: StoreFlag) -> Result<StoreUrl, Error> {
    let url = secrets::read("store", flag.store, flag.store_file.as_deref())?;
    Ok(StoreUrl::parse(url.as_ref().map_or(DEFAULT_URL, Secret::expose))?)
}

/// The place of output that `--output` names.
pub(crate) fn output(flag: OutputFlag, store: &StoreUrl) -> Result<OutputUrl, Error> {
    match flag.output {
        Some(text) => Ok(OutputUrl::parse(&text)?),
        None => Ok(OutputUrl::default_of(store)),
    }
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
