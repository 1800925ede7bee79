//! Outputs in an object store that speaks S3, below a prefix: `PROJECT/SPIDER/JOB/` has the objects
//! of a job, under the same names as in a folder.
//!
//! An object is written as a whole, so an append to a tail writes all of it again, with the
//! condition that it still has the ETag that was read (`If-Match`; for the first, `If-None-Match:
//! *`). Tails are small for that reason. The store must know these conditions, as S3 has since
//! November 2024.

mod http;

use std::{
    collections::HashMap,
    fmt,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;
use futures::{StreamExt as _, TryStreamExt as _, stream};
use object_store::{
    GetOptions, ObjectStore as _, ObjectStoreExt as _, PutMode, PutOptions, PutResult, RetryConfig,
    UpdateVersion,
    aws::{AmazonS3, AmazonS3Builder},
    list::{PaginatedListOptions, PaginatedListStore as _},
    path::Path,
};
use spiderq_core::{
    error::{Error, Result},
    model::JobKey,
};

use crate::{
    Backend, OutputId,
    backend::{Known, LIST_PAGE, Peeked, Version},
    tail::start_of,
};

/// Bytes of lines in a tail before they are compressed: each append sends them all again.
const TAIL_BYTES: u64 = 256 << 10;
/// Bytes of tails that are remembered, so that an append need not read what it appends to.
const MAX_REMEMBERED_BYTES: usize = 16 << 20;
/// Requests of one removal at a time.
const CONCURRENT_REMOVALS: usize = 8;
/// How long a request is tried again while the store fails.
const RETRY_TIMEOUT: Duration = Duration::from_secs(10);
const MAX_RETRIES: usize = 3;
/// The object that says whose outputs these are.
const OWNER: &str = "owner";

/// A bucket, or what is below a prefix of it.
pub struct Objects {
    store: AmazonS3,
    /// Empty, or with a `/` at its end.
    prefix: String,
    tails: Mutex<HashMap<OutputId, (Version, Bytes)>>,
}

impl fmt::Debug for Objects {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Objects").field("prefix", &self.prefix).finish_non_exhaustive()
    }
}

impl Objects {
    /// The bucket `bucket`, as the environment describes where it is and who asks: the variables
    /// are those of AWS's own programs (`AWS_REGION`, `AWS_ENDPOINT_URL`, `AWS_ACCESS_KEY_ID` …).
    pub fn from_env(bucket: &str, prefix: &str) -> Result<Self> {
        Self::new(AmazonS3Builder::from_env().with_bucket_name(bucket), prefix)
    }

    /// What `builder` describes.
    pub fn new(builder: AmazonS3Builder, prefix: &str) -> Result<Self> {
        let retries = RetryConfig {
            max_retries: MAX_RETRIES,
            retry_timeout: RETRY_TIMEOUT,
            ..RetryConfig::default()
        };
        let builder = builder.with_retry(retries).with_http_connector(http::Connector);
        let bad = |error: object_store::Error| Error::invalid("output", error.to_string());
        let store = builder.build().map_err(bad)?;
        let prefix = prefix.trim_matches('/');
        let prefix = if prefix.is_empty() { String::new() } else { format!("{prefix}/") };
        Ok(Self { store, prefix, tails: Mutex::default() })
    }

    fn folder(&self, key: JobKey) -> String {
        format!("{}{key}/", self.prefix)
    }

    fn path(&self, key: JobKey, name: &str) -> Path {
        Path::from(format!("{}{name}", self.folder(key)))
    }

    fn tail_path(&self, id: &OutputId) -> Path {
        self.path(id.key, &format!("{}.tail", id.stem()))
    }

    /// The tail as it is now; `None` where there is none.
    async fn read_tail(&self, id: &OutputId) -> Result<Option<(Version, Bytes)>> {
        let known = self.tails().get(id).cloned();
        let tag = known.as_ref().map(|(version, _)| version.tag.to_string());
        let options = GetOptions { if_none_match: tag, ..GetOptions::default() };
        let found = match self.store.get_opts(&self.tail_path(id), options).await {
            Ok(found) => found,
            Err(object_store::Error::NotModified { .. }) => return Ok(known),
            Err(object_store::Error::NotFound { .. }) => {
                self.tails().remove(id);
                return Ok(None);
            }
            Err(error) => return Err(failed(error)),
        };
        let tag = found.meta.e_tag.clone();
        let bytes = found.bytes().await.map_err(failed)?;
        let version = version(tag, bytes.len())?;
        self.remember(id, &version, &bytes);
        Ok(Some((version, bytes)))
    }

    async fn write_tail(
        &self,
        id: &OutputId,
        mode: PutMode,
        tail: Bytes,
    ) -> Result<Option<Version>> {
        let options = PutOptions { mode, ..PutOptions::default() };
        let written = self.store.put_opts(&self.tail_path(id), tail.clone().into(), options).await;
        match written {
            Ok(PutResult { e_tag, .. }) => {
                let version = version(e_tag, tail.len())?;
                self.remember(id, &version, &tail);
                Ok(Some(version))
            }
            Err(
                object_store::Error::AlreadyExists { .. }
                | object_store::Error::Precondition { .. }
                | object_store::Error::NotFound { .. },
            ) => {
                self.tails().remove(id);
                Ok(None)
            }
            Err(error) => Err(failed(error)),
        }
    }

    fn remember(&self, id: &OutputId, version: &Version, bytes: &Bytes) {
        let mut tails = self.tails();
        tails.insert(*id, (version.clone(), bytes.clone()));
        let mut sum: usize = tails.values().map(|(_, bytes)| bytes.len()).sum();
        while sum > MAX_REMEMBERED_BYTES {
            let Some(other) = tails.keys().find(|other| *other != id).copied() else { return };
            sum -= tails.remove(&other).map_or(0, |(_, bytes)| bytes.len());
        }
    }

    fn tails(&self) -> MutexGuard<'_, HashMap<OutputId, (Version, Bytes)>> {
        self.tails.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn read(&self, path: &Path) -> Result<Option<Bytes>> {
        match self.store.get(path).await {
            Ok(found) => found.bytes().await.map(Some).map_err(failed),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(failed(error)),
        }
    }
}

/// Without ETags no append would be safe.
fn version(tag: Option<String>, length: usize) -> Result<Version> {
    let tag = tag.ok_or_else(|| Error::bug("the object store gives no ETags"))?;
    Ok(Version { tag: tag.into(), len: length as u64 })
}

/// What callers are told when the object store fails.
fn failed(error: object_store::Error) -> Error {
    Error::unavailable_for("the object store of output fails", error)
}

#[async_trait]
impl Backend for Objects {
    fn tail_bytes(&self) -> u64 {
        TAIL_BYTES
    }

    async fn load_tail(&self, id: &OutputId) -> Result<Option<(Version, Bytes)>> {
        self.read_tail(id).await
    }

    async fn peek_tail(&self, id: &OutputId, known: Option<Known>) -> Result<Peeked> {
        let Some((_, bytes)) = self.read_tail(id).await? else { return Ok(Peeked::Missing) };
        let known = known.filter(|known| start_of(&bytes) == Some(known.start));
        let rest = known.and_then(|known| usize::try_from(known.len).ok());
        Ok(match rest.filter(|len| *len <= bytes.len()) {
            Some(len) => Peeked::More(bytes.slice(len..)),
            None => Peeked::Whole(bytes),
        })
    }

    async fn append_tail(
        &self,
        id: &OutputId,
        at: &Version,
        record: Bytes,
    ) -> Result<Option<Version>> {
        let known = self.tails().get(id).cloned().filter(|(version, _)| version == at);
        let found = match known {
            Some(known) => Some(known),
            None => self.read_tail(id).await?,
        };
        let Some((_, bytes)) = found.filter(|(version, _)| version == at) else {
            return Ok(None);
        };
        let tail = Bytes::from([bytes.as_ref(), &record].concat());
        self.replace_tail(id, Some(at), tail).await
    }

    async fn replace_tail(
        &self,
        id: &OutputId,
        at: Option<&Version>,
        tail: Bytes,
    ) -> Result<Option<Version>> {
        let mode = at.map_or(PutMode::Create, |at| {
            PutMode::Update(UpdateVersion { e_tag: Some(at.tag.to_string()), version: None })
        });
        self.write_tail(id, mode, tail).await
    }

    async fn list(&self, key: JobKey, prefix: &str, after: &str) -> Result<Vec<(String, u64)>> {
        let folder = self.folder(key);
        let options = PaginatedListOptions {
            offset: (!after.is_empty()).then(|| format!("{folder}{after}")),
            max_keys: Some(LIST_PAGE),
            ..PaginatedListOptions::default()
        };
        let prefix = format!("{folder}{prefix}");
        let page = self.store.list_paginated(Some(&prefix), options).await.map_err(failed)?;
        let objects = page.result.objects.into_iter().filter_map(|object| {
            let name = object.location.as_ref().strip_prefix(&folder)?;
            Some((name.to_owned(), object.size))
        });
        let mut objects: Vec<_> = objects.collect();
        objects.sort_unstable();
        Ok(objects)
    }

    async fn get(&self, key: JobKey, name: &str) -> Result<Option<Bytes>> {
        self.read(&self.path(key, name)).await
    }

    async fn put(&self, key: JobKey, name: &str, object: Bytes) -> Result<()> {
        let put = self.store.put(&self.path(key, name), object.into()).await;
        put.map(|_| ()).map_err(failed)
    }

    async fn remove(&self, key: JobKey, name: &str) -> Result<()> {
        match self.store.delete(&self.path(key, name)).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(failed(error)),
        }
    }

    async fn remove_job(&self, key: JobKey) -> Result<()> {
        self.tails().retain(|id, _| id.key != key);
        loop {
            let objects = self.list(key, "", "").await?;
            if objects.is_empty() {
                return Ok(());
            }
            stream::iter(objects)
                .map(|(name, _)| async move { self.remove(key, &name).await })
                .buffer_unordered(CONCURRENT_REMOVALS)
                .try_collect::<Vec<()>>()
                .await?;
        }
    }

    async fn numbers(&self, of: &[u64]) -> Result<Vec<u64>> {
        let mut prefix = self.prefix.clone();
        of.iter().for_each(|number| prefix.push_str(&format!("{number}/")));
        let (mut numbers, mut token) = (Vec::new(), None);
        loop {
            let options = PaginatedListOptions {
                delimiter: Some("/".into()),
                page_token: token,
                ..PaginatedListOptions::default()
            };
            let prefix = (!prefix.is_empty()).then_some(prefix.as_str());
            let page = self.store.list_paginated(prefix, options).await.map_err(failed)?;
            for folder in page.result.common_prefixes {
                let name = folder.as_ref().rsplit('/').next().unwrap_or_default();
                let number = name.parse::<u64>().ok();
                numbers.extend(number.filter(|number| number.to_string() == name));
            }
            token = page.page_token;
            if token.is_none() {
                numbers.sort_unstable();
                return Ok(numbers);
            }
        }
    }

    async fn owner(&self, owner: &str) -> Result<String> {
        let path = Path::from(format!("{}{OWNER}", self.prefix));
        if let Some(found) = self.read(&path).await? {
            return Ok(String::from_utf8_lossy(&found).trim_end().to_owned());
        }
        let options = PutOptions { mode: PutMode::Create, ..PutOptions::default() };
        let text = Bytes::from(format!("{owner}\n"));
        match self.store.put_opts(&path, text.into(), options).await {
            Ok(_) => Ok(owner.to_owned()),
            Err(object_store::Error::AlreadyExists { .. }) => {
                let found = self.read(&path).await?.unwrap_or_default();
                Ok(String::from_utf8_lossy(&found).trim_end().to_owned())
            }
            Err(error) => Err(failed(error)),
        }
    }

    async fn ping(&self) -> Result<()> {
        let options = PaginatedListOptions { max_keys: Some(1), ..Default::default() };
        let prefix = (!self.prefix.is_empty()).then_some(self.prefix.as_str());
        self.store.list_paginated(prefix, options).await.map(|_| ()).map_err(failed)
    }
}
