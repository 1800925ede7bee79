//! Puts the parts together: a store, a clock and options become the gRPC services.

use std::sync::Arc;

use crate::{
    api::{Handlers, JobApi, KeyApi, ProjectApi, QueueApi},
    auth::{ApiKey, Auth},
    domain::{Domain, Pruner, Reaper},
    upkeep::Upkeep,
};
use spiderq_core::{
    clock::Clock,
    error::{Error, Result},
    limits::MIN_TOKEN_SECRET_BYTES,
    store::{Durability, Store},
};

/// Options of the service. `Debug` shows no secret.
#[derive(Default)]
pub struct ServiceOptions {
    /// An admin key that is valid while the process runs: 32 hexadecimal characters.
    pub admin_key: Option<String>,
    /// Signs job tokens: at least [`MIN_TOKEN_SECRET_BYTES`]; `None`: one that the store keeps.
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
    handlers: Handlers,
    first_key: Option<ApiKey>,
}

impl Service {
    /// Opens the services on `store`. If the store has no API key and `options` no admin key, it
    /// creates the first admin key.
    pub async fn open(
        store: Arc<dyn Store>,
        clock: Arc<dyn Clock>,
        options: &ServiceOptions,
    ) -> Result<Self> {
        let mut candidate = [0; 32];
        getrandom::fill(&mut candidate).map_err(|error| Error::bug(error.to_string()))?;
        let secret = store.installation_secret(candidate).await?;
        let token_secret = token_secret(options)?;
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
        // Before the first heartbeat can come. A reaper tries it again.
        if let Err(error) = domain.end_outage().await {
            tracing::warn!(%error, cause = error.cause(), "leases not renewed yet");
        }
        Ok(Self { store, handlers: Handlers::new(domain), first_key })
    }

    /// The admin key that [`Service::open`] created. Nothing can show it later.
    #[must_use]
    pub const fn first_key(&self) -> Option<&ApiKey> {
        self.first_key.as_ref()
    }

    /// `spiderq.v1.JobService`.
    #[must_use]
    pub fn jobs(&self) -> JobApi {
        JobApi(self.handlers.clone())
    }

    /// `spiderq.v1.JobQueueService`.
    #[must_use]
    pub fn queue(&self) -> QueueApi {
        QueueApi(self.handlers.clone())
    }

    /// `spiderq.v1.ProjectService`.
    #[must_use]
    pub fn projects(&self) -> ProjectApi {
        ProjectApi(self.handlers.clone())
    }

    /// `spiderq.v1.ApiKeyService`.
    #[must_use]
    pub fn keys(&self) -> KeyApi {
        KeyApi(self.handlers.clone())
    }

    /// Starts the tasks of upkeep; each server needs them once.
    #[must_use]
    pub fn upkeep(&self) -> Upkeep {
        let domain = self.handlers.domain();
        let pruner = Pruner::new(Arc::clone(domain));
        Upkeep::start(Reaper::new(Arc::clone(domain)), pruner)
    }

    /// Begins the shutdown: calls that wait for something to happen end, now and later.
    pub fn stop(&self) {
        self.handlers.domain().shutdown().begin();
    }

    /// An error when the store does not answer.
    pub async fn ready(&self) -> Result<()> {
        self.store.ping().await
    }

    /// Whether acknowledged writes survive a crash, as the store is configured.
    pub async fn durability(&self) -> Result<Durability> {
        self.store.durability().await
    }
}

fn token_secret(options: &ServiceOptions) -> Result<Option<&str>> {
    let secret = options.token_secret.as_deref();
    if secret.is_some_and(|secret| secret.len() < MIN_TOKEN_SECRET_BYTES) {
        let accepted = format!("must be at least {MIN_TOKEN_SECRET_BYTES} bytes");
        return Err(Error::invalid("token-secret", accepted));
    }
    Ok(secret)
}
