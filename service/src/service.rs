//! Puts the parts together: a store, a clock and settings become the gRPC services.

use std::sync::Arc;

use crate::{
    api::{Calls, JobApi, KeyApi, ProjectApi, QueueApi},
    auth::{ApiKey, Auth},
    domain::{Domain, Pruner, Reaper},
    upkeep::Upkeep,
};
use spiderq_core::{
    clock::Clock,
    error::{Error, Result},
    store::{Durability, Store},
};

/// Settings of the service. `Debug` shows no secret.
#[derive(Default)]
pub struct ServiceOptions {
    /// An admin key that is good while the process runs: 32 hexadecimal characters.
    pub admin_key: Option<String>,
    /// Secret that signs job tokens; default: one that the store keeps.
    pub token_secret: Option<String>,
}

impl std::fmt::Debug for ServiceOptions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ServiceOptions")
            .field("admin_key", &self.admin_key.is_some())
            .field("token_secret", &self.token_secret.is_some())
            .finish()
    }
}

/// The services over one store.
#[derive(Clone, Debug)]
pub struct Service {
    store: Arc<dyn Store>,
    calls: Calls,
    first_key: Option<ApiKey>,
}

impl Service {
    /// Over `store`. On a store without keys, and without an admin key in `options`, makes
    /// the first admin key.
    pub async fn open(
        store: Arc<dyn Store>,
        clock: Arc<dyn Clock>,
        options: &ServiceOptions,
    ) -> Result<Self> {
        let mut candidate = [0; 32];
        getrandom::fill(&mut candidate).map_err(|error| Error::bug(error.to_string()))?;
        let secret = store.installation_secret(candidate).await?;
        let token_secret = options.token_secret.as_deref();
        if token_secret.is_some_and(|secret| secret.len() < 16) {
            return Err(Error::invalid("token-secret", "must be at least 16 bytes"));
        }
        let mut auth = Auth::new(Arc::clone(&store), Arc::clone(&clock), &secret, token_secret);
        let mut first_key = None;
        match options.admin_key.as_deref().map(ApiKey::parse) {
            Some(Some(key)) => auth = auth.with_admin_key(&key),
            Some(None) => {
                return Err(Error::invalid("admin-key", "must be 32 hexadecimal characters"));
            }
            None => first_key = auth.create_first_key().await?,
        }
        let domain = Domain::new(Arc::clone(&store), clock, Arc::new(auth));
        Ok(Self { store, calls: Calls::new(domain), first_key })
    }

    /// The admin key that [`Service::open`] made; it is shown now or never.
    #[must_use]
    pub const fn first_key(&self) -> Option<&ApiKey> {
        self.first_key.as_ref()
    }

    /// `spiderq.v1.JobService`.
    #[must_use]
    pub fn jobs(&self) -> JobApi {
        JobApi(self.calls.clone())
    }

    /// `spiderq.v1.JobQueueService`.
    #[must_use]
    pub fn queue(&self) -> QueueApi {
        QueueApi(self.calls.clone())
    }

    /// `spiderq.v1.ProjectService`.
    #[must_use]
    pub fn projects(&self) -> ProjectApi {
        ProjectApi(self.calls.clone())
    }

    /// `spiderq.v1.KeyService`.
    #[must_use]
    pub fn keys(&self) -> KeyApi {
        KeyApi(self.calls.clone())
    }

    /// Begins the work that goes on by itself: a server needs it once.
    #[must_use]
    pub fn upkeep(&self) -> Upkeep {
        let domain = self.calls.domain();
        let pruner = Pruner::new(Arc::clone(domain));
        Upkeep::start(Reaper::new(Arc::clone(domain)), pruner)
    }

    /// Ends calls that wait for something to happen, from now on.
    pub fn stop(&self) {
        self.calls.domain().stopping().begin();
    }

    /// Whether the store answers.
    pub async fn ready(&self) -> Result<()> {
        self.store.ping().await
    }

    /// What an acknowledged write is worth.
    pub async fn durability(&self) -> Result<Durability> {
        self.store.durability().await
    }
}
