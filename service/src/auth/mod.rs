//! Who is calling: API keys and job tokens (`docs/contract.md`, 2 and 7).
//!
//! Each call is authenticated once, here; what the caller may do then, [`Caller`] says.

mod api_key;
mod api_key_cache;
mod caller;
mod credentials;
mod job_token;
mod limiter;

use std::sync::Arc;

pub use self::{
    api_key::ApiKey,
    caller::Caller,
    credentials::Credentials,
    job_token::JobTokens,
    limiter::{Account, Permit},
};
use self::{api_key::ApiKeyHasher, api_key_cache::ApiKeyCache, limiter::Limiter};
use spiderq_core::{
    clock::Clock,
    error::{Error, ResourceKind, Result},
    model::{Actor, ApiKeyRecord, FieldSelection, JobKey, Quota, Quotas, Role, State},
    store::{ApiKeyDigest, Store},
};

/// Checks credentials against the store, the configured admin key and the token secret.
#[derive(Debug)]
pub struct Auth {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    hasher: ApiKeyHasher,
    tokens: JobTokens,
    cache: ApiKeyCache,
    /// The API key of `--admin-key`: valid while this process runs, and never stored.
    configured: Option<(ApiKeyDigest, Arc<ApiKeyRecord>)>,
    limiter: Limiter,
}

impl Auth {
    /// `secret` is the installation's; job tokens are signed with `token_secret`, if given.
    #[must_use]
    pub fn new(
        store: Arc<dyn Store>,
        clock: Arc<dyn Clock>,
        secret: &[u8; 32],
        token_secret: Option<&str>,
    ) -> Self {
        Self {
            store,
            clock,
            hasher: ApiKeyHasher::new(secret),
            tokens: token_secret.map_or_else(
                || JobTokens::new(&[b"job tokens ".as_slice(), secret].concat()),
                |text| JobTokens::new(text.as_bytes()),
            ),
            cache: ApiKeyCache::default(),
            configured: None,
            limiter: Limiter::default(),
        }
    }

    /// With these quotas for API keys that have none of their own.
    #[must_use]
    pub fn with_quotas(mut self, quotas: Quotas) -> Self {
        self.limiter = Limiter::new(quotas);
        self
    }

    /// Also accepts `key`, as an admin's, without asking the store.
    #[must_use]
    pub fn with_admin_key(mut self, key: &ApiKey) -> Self {
        let record = ApiKeyRecord {
            id: "configured".to_owned(),
            name: "admin".to_owned(),
            role: Role::Admin,
            projects: None,
            created: 0,
            quotas: Quotas::default(),
        };
        self.configured = Some((self.hasher.digest(key), Arc::new(record)));
        self
    }

    /// Signs and checks job tokens.
    #[must_use]
    pub const fn tokens(&self) -> &JobTokens {
        &self.tokens
    }

    /// Whose credentials these are; [`Error::Unauthenticated`] when they are missing or wrong.
    pub async fn caller(&self, credentials: Option<Credentials>) -> Result<Caller> {
        self.identify(credentials).await.map(|(caller, _)| caller)
    }

    /// The same, and whose quotas the call uses up.
    pub async fn identify(&self, credentials: Option<Credentials>) -> Result<(Caller, Account)> {
        match credentials.ok_or(Error::Unauthenticated)? {
            Credentials::Key(key) => identity(self.key_record(&key).await?.as_ref()),
            Credentials::Token { job, token } => {
                let (key, caller) = self.token_caller(job, &token).await?;
                Ok((caller, Account::new(key.to_string(), Quotas::default())))
            }
        }
    }

    /// Begins a call of this kind; [`Error::QuotaExceeded`] when it is one too many.
    pub fn begin(&self, account: Account, kind: Quota) -> Result<Permit> {
        self.limiter.begin(account, kind)
    }

    /// Counts a project that the call makes.
    pub fn new_project(&self, permit: &Permit) -> Result<()> {
        self.limiter.new_project(permit)
    }

    /// A quota of the caller; `None`: no limit.
    #[must_use]
    pub fn quota(&self, permit: &Permit, quota: Quota) -> Option<u64> {
        self.limiter.limit(permit.account(), quota)
    }

    async fn key_record(&self, key: &ApiKey) -> Result<Arc<ApiKeyRecord>> {
        let digest = self.hasher.digest(key);
        if let Some((configured, record)) = &self.configured
            && *configured == digest
        {
            return Ok(Arc::clone(record));
        }
        let now = self.clock.now();
        if let Some(record) = self.cache.get(&digest, now) {
            return Ok(record);
        }
        let found = match self.store.get_api_key(&digest).await {
            Ok(found) => found,
            Err(away @ Error::Unavailable { .. }) => {
                return self.cache.get_without_store(&digest, now).ok_or(away);
            }
            Err(error) => return Err(error),
        };
        let Some(record) = found.map(Arc::new) else {
            self.cache.remove(&digest);
            return Err(Error::Unauthenticated);
        };
        self.cache.put(digest, Arc::clone(&record), now);
        Ok(record)
    }

    /// A token is valid while the attempt that it was made for is running.
    async fn token_caller(&self, job: Option<JobKey>, token: &str) -> Result<(JobKey, Caller)> {
        let (key, attempt) = self.tokens.check(token).ok_or(Error::Unauthenticated)?;
        if job.is_some_and(|named| named != key) {
            return Err(Error::Unauthenticated);
        }
        let found = self.store.get(&[key], &FieldSelection::Row).await?;
        let job = found.into_iter().flatten().next();
        let actor = job
            .filter(|job| job.state == State::Running && job.attempt == attempt)
            .and_then(|job| job.entry(State::Running).map(|entry| entry.actor.clone()))
            .ok_or(Error::Unauthenticated)?;
        Ok((key, Caller::Job { key, attempt, actor }))
    }

    /// Creates an API key and keeps its hash.
    pub async fn create_key(
        &self,
        name: &Actor,
        role: Role,
        projects: Option<Vec<u64>>,
        quotas: Quotas,
    ) -> Result<(ApiKey, ApiKeyRecord)> {
        let (key, record) = self.new_key(name, role, projects)?;
        let record = ApiKeyRecord { quotas, ..record };
        self.store.put_api_key(&self.hasher.digest(&key), record.clone()).await?;
        Ok((key, record))
    }

    /// The same for a caller's request id: called again, it answers the API key of the first
    /// call. [`Error::RequestIdReused`] where that was made for another owner, role or projects or
    /// other quotas, or is revoked.
    pub async fn create_key_once(
        &self,
        name: &Actor,
        role: Role,
        projects: Option<Vec<u64>>,
        quotas: Quotas,
        (caller, request_id): (&Actor, &str),
    ) -> Result<(ApiKey, ApiKeyRecord)> {
        let key = self.hasher.key_of_request(caller, request_id);
        let digest = self.hasher.digest(&key);
        let record = self.record(&digest, name, role, projects);
        let record = ApiKeyRecord { quotas, ..record };
        if self.store.put_api_key(&digest, record.clone()).await? {
            return Ok((key, record));
        }
        let found = self.store.get_api_key(&digest).await?.ok_or(Error::RequestIdReused)?;
        let is_same = ApiKeyRecord { created: found.created, ..record } == found;
        if is_same { Ok((key, found)) } else { Err(Error::RequestIdReused) }
    }

    /// Creates an admin key if the store has no API key at all.
    pub async fn create_first_key(&self) -> Result<Option<ApiKey>> {
        let (key, record) = self.new_key(&Actor::parse("admin")?, Role::Admin, None)?;
        let first = self.store.put_first_api_key(&self.hasher.digest(&key), record).await?;
        Ok(first.then_some(key))
    }

    /// Revokes an API key: at once in this process, in others when they ask the store again.
    pub async fn revoke_key(&self, id: &str) -> Result<()> {
        let keys = self.store.list_api_keys().await?;
        let admins = keys.iter().filter(|key| key.role == Role::Admin).count();
        let key = keys.iter().find(|key| key.id == id);
        // The message does not repeat the id: by mistake it may be the text of an API key.
        let key = key.ok_or_else(no_key)?;
        if key.role == Role::Admin && admins == 1 && self.configured.is_none() {
            return Err(Error::LastAdminKey);
        }
        self.store.remove_api_key(id).await?;
        self.cache.clear();
        Ok(())
    }

    fn new_key(
        &self,
        name: &Actor,
        role: Role,
        projects: Option<Vec<u64>>,
    ) -> Result<(ApiKey, ApiKeyRecord)> {
        let key = ApiKey::random()?;
        let record = self.record(&self.hasher.digest(&key), name, role, projects);
        Ok((key, record))
    }

    fn record(
        &self,
        digest: &ApiKeyDigest,
        name: &Actor,
        role: Role,
        projects: Option<Vec<u64>>,
    ) -> ApiKeyRecord {
        let (id, name) = (digest.0[..8].to_owned(), name.as_str().to_owned());
        let (created, quotas) = (self.clock.now().0, Quotas::default());
        ApiKeyRecord { id, name, role, projects, created, quotas }
    }
}

fn identity(record: &ApiKeyRecord) -> Result<(Caller, Account)> {
    let account = Account::new(record.id.clone(), record.quotas.clone());
    Ok((Caller::of_key(record)?, account))
}

fn no_key() -> Error {
    let message = "there is no key with this id".to_owned();
    Error::NotFound { message, kind: ResourceKind::ApiKey, name: String::new() }
}
