//! Who is calling: API keys and job tokens (`docs/contract.md`, 2 and 7).
//!
//! Each call is authenticated once, here; what the caller may do then, [`Caller`] says.

mod api_key;
mod api_key_cache;
mod api_key_uses;
mod caller;
mod credentials;
mod fences;
mod job_token;
mod limiter;
mod manage_keys;
mod recheck;
mod session;
mod token_secrets;
mod users;

use std::sync::Arc;

pub use self::{
    api_key::ApiKey,
    caller::Caller,
    credentials::Credentials,
    fences::Fences,
    job_token::JobTokens,
    limiter::{CallerQuotas, Permit},
    manage_keys::{MadeKey, NewKey, RotatedKey},
    session::MadeSession,
    token_secrets::TokenSecrets,
};
use self::{
    api_key::ApiKeyHasher,
    api_key_cache::ApiKeyCache,
    api_key_uses::ApiKeyUses,
    limiter::Limiter,
    session::{Holder, Sessions},
    users::Users,
};
use spiderq_core::{
    clock::Clock,
    error::{Error, Result},
    limits::DEFAULT_SESSION_LIFETIME_MS,
    model::{ApiKeyRecord, FieldSelection, JobKey, Millis, Quota, Quotas, Role, State},
    store::{ApiKeyDigest, Store},
};

/// Checks credentials against the store, the configured admin key and the token secret.
#[derive(Debug)]
pub struct Auth {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    hasher: ApiKeyHasher,
    tokens: JobTokens,
    fences: Fences,
    sessions: Sessions,
    cache: ApiKeyCache,
    uses: ApiKeyUses,
    users: Users,
    /// The API key of `--admin-key`: valid while this process runs, and never stored.
    configured: Option<(ApiKeyDigest, Arc<ApiKeyRecord>)>,
    limiter: Limiter,
}

impl Auth {
    /// `secret` is the installation's; job tokens are signed with `token_secrets`, if given.
    #[must_use]
    pub fn new(
        store: Arc<dyn Store>,
        clock: Arc<dyn Clock>,
        secret: &[u8; 32],
        token_secrets: Option<TokenSecrets>,
    ) -> Self {
        let token_secrets = token_secrets.unwrap_or_else(|| TokenSecrets::of_store(secret));
        Self {
            store,
            clock,
            hasher: ApiKeyHasher::new(secret),
            tokens: JobTokens::new(&token_secrets),
            fences: Fences::new(&token_secrets),
            sessions: Sessions::new(secret, DEFAULT_SESSION_LIFETIME_MS),
            cache: ApiKeyCache::default(),
            uses: ApiKeyUses::default(),
            users: Users::default(),
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

    /// With sessions that are good for so long, ms.
    #[must_use]
    pub fn with_session_lifetime(mut self, ms: u64) -> Self {
        self.sessions.lifetime_ms = ms;
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
            expires: None,
            last_used: None,
        };
        self.configured = Some((self.hasher.digest(key), Arc::new(record)));
        self
    }

    /// Signs and checks job tokens.
    #[must_use]
    pub const fn tokens(&self) -> &JobTokens {
        &self.tokens
    }

    /// Makes the fences of attempts.
    #[must_use]
    pub const fn fences(&self) -> &Fences {
        &self.fences
    }

    /// Whose credentials these are; [`Error::Unauthenticated`] when they are missing or wrong.
    pub async fn caller(&self, credentials: Option<Credentials>) -> Result<Caller> {
        self.identify(credentials).await.map(|(caller, _)| caller)
    }

    /// The same, and whose quotas the call uses up.
    pub async fn identify(
        &self,
        credentials: Option<Credentials>,
    ) -> Result<(Caller, CallerQuotas)> {
        match credentials.ok_or(Error::Unauthenticated)? {
            Credentials::Key(key) => {
                let digest = self.hasher.digest(&key);
                identity(self.record_in_use(&digest).await?.as_ref())
            }
            Credentials::Session(session) => {
                let record = match self.session(&session)?.0 {
                    Holder::Key(digest) => self.record_in_use(&ApiKeyDigest(digest)).await?,
                    Holder::User(name) => self.user_record(&name).await?,
                };
                identity(record.as_ref())
            }
            Credentials::Token { job, token } => {
                let (key, caller) = self.token_caller(job, &token).await?;
                Ok((caller, CallerQuotas::new(key.to_string(), Quotas::default())))
            }
        }
    }

    /// Begins a call of this kind; [`Error::QuotaExceeded`] when it is one too many.
    pub fn begin(&self, caller: CallerQuotas, kind: Quota) -> Result<Permit> {
        self.limiter.begin(caller, kind)
    }

    /// Counts the message of the call; [`Error::QuotaExceeded`] when those before it were too large.
    pub fn take_bytes(&self, permit: &Permit, bytes: usize) -> Result<()> {
        self.limiter.take_bytes(permit, bytes)
    }

    /// Counts a project that the call makes.
    pub fn new_project(&self, permit: &Permit) -> Result<()> {
        self.limiter.new_project(permit)
    }

    /// A quota of the caller; `None`: no limit.
    #[must_use]
    pub fn quota(&self, permit: &Permit, quota: Quota) -> Option<u64> {
        self.limiter.limit(permit.caller(), quota)
    }

    /// What is kept of an API key that is good.
    async fn record_in_use(&self, digest: &ApiKeyDigest) -> Result<Arc<ApiKeyRecord>> {
        if let Some((configured, record)) = &self.configured
            && configured == digest
        {
            return Ok(Arc::clone(record));
        }
        let now = self.clock.now();
        let record = self.record_of(digest, now).await?;
        if record.has_expired(now) {
            return Err(Error::Unauthenticated);
        }
        self.uses.note(digest, now);
        Ok(record)
    }

    /// What the cache or the store says of an API key.
    async fn record_of(&self, digest: &ApiKeyDigest, now: Millis) -> Result<Arc<ApiKeyRecord>> {
        if let Some(record) = self.cache.get(digest, now) {
            return Ok(record);
        }
        let generation = self.cache.generation();
        let found = match self.store.get_api_key(digest).await {
            Ok(found) => found,
            Err(away @ Error::Unavailable { .. }) => {
                return self.cache.get_without_store(digest, now).ok_or(away);
            }
            Err(error) => return Err(error),
        };
        let Some(record) = found.map(Arc::new) else {
            self.cache.remove(digest);
            return Err(Error::Unauthenticated);
        };
        self.cache.put(digest.clone(), Arc::clone(&record), now, generation);
        Ok(record)
    }

    /// Tells the store when API keys were last used, those that were since the call before.
    pub async fn note_uses(&self) -> Result<()> {
        let uses = self.uses.take();
        if uses.is_empty() {
            return Ok(());
        }
        let noted = self.store.note_api_key_uses(&uses).await;
        if noted.is_err() {
            for (digest, used) in &uses {
                self.uses.note(digest, *used);
            }
        }
        noted
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
}

fn identity(record: &ApiKeyRecord) -> Result<(Caller, CallerQuotas)> {
    let quotas = CallerQuotas::new(record.id.clone(), record.quotas.clone());
    Ok((Caller::of_key(record)?, quotas))
}
