//! Starts the gRPC services, with or without the HTTP gateway before them, on one listener.

use std::{net::SocketAddr, sync::Arc};

use axum::Router;
use spiderq_core::{Clock, MemoryBudget, limits::DEFAULT_MAX_BODY_BYTES, store::Store};
use spiderq_gateway as gateway;
use spiderq_proto::v1::{GetIdentityRequest, api_key_service_server::ApiKeyService as _};
use spiderq_service::{Service, ServiceOptions};
use tonic::{Request, metadata::MetadataValue};

use crate::{
    app::GrpcServices,
    error::Error,
    grpc::Admission,
    health::{self, Readiness},
    network::Network,
    server::{BoundListener, Server, ServiceHandles},
    tls,
};

/// Options of [`start`].
#[derive(Debug)]
pub struct ServeOptions {
    /// Open, and shared with other processes where it is a Redis.
    pub store: Arc<dyn Store>,
    /// The time that leases, timestamps and retention go by.
    pub clock: Arc<dyn Clock>,
    /// The admin key and the secret of job tokens.
    pub service: ServiceOptions,
    /// Where to listen; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Whether to serve HTTP/JSON beside gRPC.
    pub http: bool,
    /// How clients reach the server; default `http://LISTEN`, or `https://` with TLS.
    pub public_url: Option<String>,
    /// Largest request body over HTTP and message over gRPC, bytes, after decompression.
    pub max_body: usize,
    /// For the bodies of requests and responses under way.
    pub memory: MemoryBudget,
    /// Refuses a store that may lose a write that it acknowledged.
    pub require_durable: bool,
    /// Connections, TLS, CORS and the times of a shutdown.
    pub network: Network,
}

impl ServeOptions {
    /// gRPC and HTTP/JSON on a free port of the loopback interface.
    #[must_use]
    pub fn new(store: Arc<dyn Store>, clock: Arc<dyn Clock>) -> Self {
        Self {
            store,
            clock,
            service: ServiceOptions::default(),
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            http: true,
            public_url: None,
            max_body: DEFAULT_MAX_BODY_BYTES,
            memory: MemoryBudget::unlimited(),
            require_durable: false,
            network: Network::default(),
        }
    }
}

/// Starts a server and returns once it listens. Everything that may fail is done before the
/// first admin key is made: a key that was made must also be shown.
pub async fn start(options: ServeOptions) -> Result<Server, Error> {
    tls::install_crypto_provider();
    let bound = BoundListener::bind(options.listen, options.network, options.public_url)?;
    check_durability(options.store.as_ref(), options.require_durable).await?;
    let (memory, max_body) = (options.memory, options.max_body);
    let service_options = ServiceOptions { memory: memory.clone(), ..options.service };
    let service = Service::open(options.store, options.clock, &service_options).await?;
    let (routes, health) = spiderq_service::routes(&service)?;
    let admission = Some(Admission::new(service.clone(), memory.clone(), max_body));
    let http = if options.http {
        let gateway = bound.gateway_options(max_body, memory);
        gateway::router(in_process(&service), gateway)
    } else {
        Router::new()
    };
    health.set(true).await;
    let (check, authenticate) = (store_check(service.clone()), authenticate(service.clone()));
    let handles = ServiceHandles { upkeep: service.upkeep(), health, service };
    let grpc = GrpcServices { routes, admission, web_only: false };
    Ok(bound.serve(Some(grpc), http, (check, authenticate), Some(handles)))
}

async fn check_durability(store: &dyn Store, required: bool) -> Result<(), Error> {
    let durability = store.durability().await?;
    if durability.safe {
        tracing::info!(durability = durability.report, "store");
    } else if required {
        return Err(Error::option("require-durable", durability.report));
    } else {
        tracing::warn!(durability = durability.report, "store");
    }
    Ok(())
}

/// The gateway calls the services as plain functions: a call costs no encoding.
fn in_process(service: &Service) -> gateway::Services {
    gateway::Services {
        jobs: Arc::new(service.jobs()),
        queue: Arc::new(service.queue()),
        output: Arc::new(service.output()),
        projects: Arc::new(service.projects()),
        runners: Arc::new(service.runners()),
        api_keys: Arc::new(service.keys()),
    }
}

/// Ready while the store answers; the report says what an acknowledged write is worth.
fn store_check(service: Service) -> health::Check {
    Arc::new(move || {
        let service = service.clone();
        Box::pin(async move {
            service.ready().await.map_err(|error| error.to_string())?;
            let durability = service.durability().await.map_err(|error| error.to_string())?;
            Ok(Readiness { durability: Some((durability.safe, durability.report)) })
        })
    })
}

/// The credentials of an API key, as those of any call.
fn authenticate(service: Service) -> health::Authenticate {
    Arc::new(move |credentials, origin| {
        let keys = service.keys();
        Box::pin(async move {
            let mut request = Request::new(GetIdentityRequest {});
            let Ok(credentials) = MetadataValue::try_from(credentials.as_bytes()) else {
                return false;
            };
            request.metadata_mut().insert("authorization", credentials);
            if let Some(origin) = origin {
                request.extensions_mut().insert(origin);
            }
            keys.get_identity(request).await.is_ok()
        })
    })
}
