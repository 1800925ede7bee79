//! The embedded store.

use std::path::Path;

use async_trait::async_trait;

use crate::{error::Result, model::*, store::*};

/// The embedded store.
#[derive(Debug)]
pub struct SqliteStore;

impl SqliteStore {
    /// Opens or makes the file.
    pub fn open(_path: &Path) -> Result<Self> {
        unimplemented!()
    }
}

#[async_trait]
#[allow(unused_variables)]
impl Store for SqliteStore {
    async fn push(
        &self,
        project: ProjectId,
        jobs: Vec<NewJob>,
        now: Millis,
        request: Option<&RequestKey>,
    ) -> Result<Vec<Pushed>> {
        unimplemented!()
    }
    async fn claim(
        &self,
        project: ProjectId,
        spiders: &[SpiderName],
        effect: &Effect,
        now: Millis,
        request: Option<&RequestKey>,
    ) -> Result<Option<Claimed>> {
        unimplemented!()
    }
    async fn change(
        &self,
        project: ProjectId,
        changes: Vec<Change>,
        all_or_nothing: bool,
        now: Millis,
        request: Option<&RequestKey>,
    ) -> Result<Vec<Changed>> {
        unimplemented!()
    }
    async fn get(&self, keys: &[JobKey], fields: &Fields) -> Result<Vec<Option<Job>>> {
        unimplemented!()
    }
    async fn page(
        &self,
        project: ProjectId,
        filter: &Filter,
        limit: usize,
        fields: &Fields,
    ) -> Result<Page> {
        unimplemented!()
    }
    async fn count(&self, project: ProjectId, filter: &Filter) -> Result<u64> {
        unimplemented!()
    }
    async fn oldest_pending(&self, project: ProjectId, limit: usize) -> Result<Vec<JobKey>> {
        unimplemented!()
    }
    async fn purge(&self, key: JobKey) -> Result<Purged> {
        unimplemented!()
    }
    async fn spider_name(
        &self,
        project: ProjectId,
        spider: SpiderId,
    ) -> Result<Option<SpiderName>> {
        unimplemented!()
    }
    async fn spider_id(
        &self,
        project: ProjectId,
        name: &SpiderName,
        create: bool,
    ) -> Result<Option<SpiderId>> {
        unimplemented!()
    }
    async fn put_key(&self, digest: &KeyDigest, key: ApiKeyRecord) -> Result<()> {
        unimplemented!()
    }
    async fn put_first_key(&self, digest: &KeyDigest, key: ApiKeyRecord) -> Result<bool> {
        unimplemented!()
    }
    async fn find_key(&self, digest: &KeyDigest) -> Result<Option<ApiKeyRecord>> {
        unimplemented!()
    }
    async fn list_keys(&self) -> Result<Vec<ApiKeyRecord>> {
        unimplemented!()
    }
    async fn remove_key(&self, id: &str) -> Result<bool> {
        unimplemented!()
    }
    async fn secret(&self, candidate: [u8; 32]) -> Result<[u8; 32]> {
        unimplemented!()
    }
    async fn ping(&self) -> Result<()> {
        unimplemented!()
    }
    async fn durability(&self) -> Result<Durability> {
        unimplemented!()
    }
}
