//! Puts the parts together: a store, a clock and options become the gRPC services.

use std::sync::Arc;

use http::{Extensions, HeaderMap};
use sha2::{Digest as _, Sha256};

use crate::{
    api::{AuditApi, Handlers, JobApi, KeyApi, OutputApi, ProjectApi, QueueApi, RunnerApi},
    auth::{ApiKey, Auth, TokenSecrets},
    domain::{Domain, Outputs},
    upkeep::Upkeep,
};
use spiderq_core::{
    MemoryBudget,
    clock::Clock,
    error::{Error, Result},
    model::{Quotas, Role},
    store::{Durability, Store},
};

/// Options of the service. `Debug` shows no secret.
#[derive(Default)]
pub struct ServiceOptions {
    /// An admin key that is valid while the process runs: 32 hexadecimal characters.
    pub admin_key: Option<String>,
    /// Of API keys that have none of their own.
    pub quotas: Quotas,
    /// Signs job tokens: a line of at least
    /// [`MIN_TOKEN_SECRET_BYTES`](spiderq_core::limits::MIN_TOKEN_SECRET_BYTES); a second line has
    /// the secret before it, whose tokens are still taken. `None`: one that the store keeps.
    pub token_secret: Option<String>,
    /// The role, in all projects, of users whom a trusted proxy names and who own no key; `None`:
    /// they are refused. Not that of an admin.
    pub user_role: Option<Role>,
    /// How long the sessions of browsers are good, ms; `None`:
    /// [`DEFAULT_SESSION_LIFETIME_MS`](spiderq_core::limits::DEFAULT_SESSION_LIFETIME_MS).
    pub session_lifetime_ms: Option<u64>,
    /// Days that the store keeps audit events, 0: none; `None`:
    /// [`DEFAULT_AUDIT_KEEP_DAYS`](spiderq_core::limits::DEFAULT_AUDIT_KEEP_DAYS).
    pub audit_keep_days: Option<u32>,
    /// What responses under way may hold in memory.
    pub memory: MemoryBudget,
    /// Where output of jobs is kept; `None`: nowhere.
    pub output: Option<Outputs>,
}

impl std::fmt::Debug for ServiceOptions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ServiceOptions")
            .field("admin_key", &self.admin_key.is_some())
            .field("quotas", &self.quotas)
            .field("token_secret", &self.token_secret.is_some())
            .field("user_role", &self.user_role)
            .field("session_lifetime_ms", &self.session_lifetime_ms)
            .field("audit_keep_days", &self.audit_keep_days)
            .field("memory", &self.memory)
            .field("output", &self.output)
            .finish()
    }
}

/// The secrets of [`ServiceOptions`], once they are parsed.
struct Secrets {
    admin_key: Option<ApiKey>,
    token_secrets: Option<TokenSecrets>,
}

impl ServiceOptions {
    /// An error where a secret is malformed, as [`Service::open`] would say.
    pub fn check(&self) -> Result<()> {
        self.secrets().map(|_| ())
    }

    fn secrets(&self) -> Result<Secrets> {
        let admin_key = self.admin_key.as_deref().map(|text| {
            let malformed = || Error::invalid("admin-key", "must be 32 hexadecimal characters");
            ApiKey::parse(text).ok_or_else(malformed)
        });
        let token_secrets = self.token_secret.as_deref().map(TokenSecrets::parse);
        Ok(Secrets { admin_key: admin_key.transpose()?, token_secrets: token_secrets.transpose()? })
    }
}

/// Stands for a store at the place of its output: it does not change, and tells nothing of the
/// secret.
fn output_owner(secret: &[u8; 32]) -> String {
    let digest = Sha256::new().chain_update(b"owner of output ").chain_update(secret).finalize();
    digest.iter().take(16).map(|byte| format!("{byte:02x}")).collect()
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
        let Secrets { admin_key, token_secrets } = options.secrets()?;
        let mut candidate = [0; 32];
        getrandom::fill(&mut candidate).map_err(|error| Error::bug(error.to_string()))?;
        let secret = store.installation_secret(candidate).await?;
        let mut auth = Auth::new(Arc::clone(&store), Arc::clone(&clock), &secret, token_secrets);
        auth = auth.with_quotas(options.quotas.clone()).with_user_role(options.user_role);
        if let Some(lifetime) = options.session_lifetime_ms {
            auth = auth.with_session_lifetime(lifetime);
        }
        let mut first_key = None;
        match admin_key {
            Some(key) => auth = auth.with_admin_key(&key),
            None => first_key = auth.create_first_key().await?,
        }
        let domain = Domain::new(Arc::clone(&store), clock, Arc::new(auth));
        let mut domain = domain.with_memory(options.memory.clone());
        if let Some(outputs) = &options.output {
            domain = domain.with_output(outputs.clone(), &output_owner(&secret));
        }
        if let Some(days) = options.audit_keep_days {
            domain = domain.with_audit_keep(days);
        }
        match domain.check_output_owner().await {
            // The queue goes on without it; whoever reads or appends hears of it.
            Err(error @ Error::Unavailable { .. }) => {
                tracing::warn!(%error, cause = error.cause(), "output out of reach");
            }
            checked => checked?,
        }
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

    /// Authenticates a call to `path` by its headers, before its message is read. The caller goes
    /// into the extensions, where the handler finds it. Returns the account of the memory that the
    /// call takes.
    pub async fn authenticate(
        &self,
        path: &str,
        headers: &HeaderMap,
        extensions: &mut Extensions,
    ) -> Result<String> {
        self.handlers.authenticate(path, headers, extensions).await
    }

    /// Credentials for a user whom a trusted proxy names: an `authorization` of `Bearer`. They must
    /// not leave the process.
    pub fn user_session(&self, name: &str) -> Result<String> {
        self.handlers.domain().auth().user_session(name)
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

    /// `spiderq.v1.JobOutputService`.
    #[must_use]
    pub fn output(&self) -> OutputApi {
        OutputApi(self.handlers.clone())
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

    /// `spiderq.v1.RunnerService`.
    #[must_use]
    pub fn runners(&self) -> RunnerApi {
        RunnerApi(self.handlers.clone())
    }

    /// `spiderq.v1.AuditService`.
    #[must_use]
    pub fn audit(&self) -> AuditApi {
        AuditApi(self.handlers.clone())
    }

    /// Starts the tasks of upkeep; each server needs them once.
    #[must_use]
    pub fn upkeep(&self) -> Upkeep {
        Upkeep::start(self.handlers.domain())
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
