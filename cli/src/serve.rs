//! `spiderq serve`, `service` and `gateway`: a listener with the parts that it needs.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use axum::Router;
use serde_json::json;
use spiderq_core::{Clock, store::Store};
use spiderq_gateway as gateway;
use spiderq_service::{Service, ServiceOptions};
use tonic_health::pb::{
    HealthCheckRequest, health_check_response::ServingStatus, health_client::HealthClient,
};

use crate::{
    app::App,
    failure::Failure,
    listen::{Host, Limits},
    network::Network,
    probe,
    running::{Bound, Ending, Running, Serving},
    tls,
};

/// A server to start.
#[derive(Debug)]
pub struct ServeOptions {
    /// Where jobs are kept.
    pub store: Arc<dyn Store>,
    /// Tells the time.
    pub clock: Arc<dyn Clock>,
    /// Keys and secrets.
    pub service: ServiceOptions,
    /// Where to listen; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Whether to serve HTTP/JSON beside gRPC.
    pub http: bool,
    /// How clients reach the server; default `http://LISTEN`, or `https://` with TLS.
    pub public_url: Option<String>,
    /// Largest HTTP request body, bytes, after decompression.
    pub max_body: usize,
    /// Connections, TLS, browsers, the end.
    pub network: Network,
}

impl ServeOptions {
    /// Everything on a free port of the loopback interface.
    #[must_use]
    pub fn new(store: Arc<dyn Store>, clock: Arc<dyn Clock>) -> Self {
        Self {
            store,
            clock,
            service: ServiceOptions::default(),
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            http: true,
            public_url: None,
            max_body: 16 << 20,
            network: Network::default(),
        }
    }
}

/// Starts `spiderq serve` (or `service`, without HTTP).
pub async fn start(options: ServeOptions) -> Result<Running, Failure> {
    tls::install_provider();
    let network = options.network;
    // First all that may fail: a key that is made must also be shown.
    let (tls, cors) = network.prepare()?;
    let bound = Bound::to(options.listen, &network)?;
    let failed = |error| Failure::new(explain(&error));
    let durability = options.store.durability().await.map_err(failed)?;
    if durability.safe {
        tracing::info!(durability = durability.report, "store");
    } else {
        tracing::warn!(durability = durability.report, "store");
    }
    let service = Service::open(options.store, options.clock, &options.service).await;
    let service = service.map_err(failed)?;
    let (routes, health) = spiderq_service::routes(&service).map_err(failed)?;
    let http = if options.http {
        let public_url = options.public_url.unwrap_or_else(|| bound.url.clone());
        let gateway = gateway_options(public_url, options.max_body, &network.limits);
        gateway::router(in_process(&service), gateway)
    } else {
        Router::new()
    };
    let ending = Ending::default();
    let http = probe::routes(ready(service.clone()), ending.clone()).merge(http);
    health.set(true).await;
    let first_key = service.first_key().map(|key| key.expose().to_owned());
    let app = App::new(Some(routes), http, cors, network.limits.body);
    let host = Host::new(app, tls, network.limits.clone());
    let serving = Serving { upkeep: service.upkeep(), health, service };
    Ok(bound.serve(host, &network, ending, Some(serving), first_key))
}

/// Starts `spiderq gateway`.
pub(crate) async fn start_gateway(options: &crate::args::Gateway) -> Result<Running, Failure> {
    tls::install_provider();
    let network = Network::from(&options.network);
    let endpoint = tls::endpoint(&options.upstream, "upstream", options.tls_ca.as_deref())?;
    let channel = endpoint
        .connect_timeout(Duration::from_secs(2))
        .tcp_nodelay(true)
        // An upstream that is gone without a word is noticed within seconds.
        .http2_keep_alive_interval(Duration::from_secs(10))
        .keep_alive_timeout(Duration::from_secs(5))
        .keep_alive_while_idle(true)
        .connect_lazy();
    let (tls, cors) = network.prepare()?;
    let bound = Bound::to(options.listen, &network)?;
    let public_url = options.public_url.clone();
    let public_url = public_url.unwrap_or_else(|| bound.url.clone());
    let router = gateway::router(
        gateway::upstream(channel.clone()),
        gateway_options(public_url, options.max_body, &network.limits),
    );
    let ending = Ending::default();
    let http = probe::routes(upstream_ready(channel), ending.clone()).merge(router);
    let app = App::new(None, http, cors, network.limits.body);
    let host = Host::new(app, tls, network.limits.clone());
    Ok(bound.serve(host, &network, ending, None, None))
}

fn gateway_options(public_url: String, max_body: usize, limits: &Limits) -> gateway::Options {
    gateway::Options { public_url, max_body, timeout: limits.answer }
}

/// The gateway holds the services themselves: a call costs no encoding.
fn in_process(service: &Service) -> gateway::Services {
    gateway::Services {
        jobs: Arc::new(service.jobs()),
        queue: Arc::new(service.queue()),
        projects: Arc::new(service.projects()),
        api_keys: Arc::new(service.keys()),
    }
}

fn ready(service: Service) -> probe::Ready {
    Arc::new(move || {
        let service = service.clone();
        Box::pin(async move {
            service.ready().await.map_err(|error| error.to_string())?;
            let durability = service.durability().await.map_err(|error| error.to_string())?;
            Ok(json!({
                "status": "ok",
                "durable": durability.safe,
                "durability": durability.report,
            }))
        })
    })
}

fn upstream_ready(channel: tonic::transport::Channel) -> probe::Ready {
    Arc::new(move || {
        let mut health = HealthClient::new(channel.clone());
        Box::pin(async move {
            let request = HealthCheckRequest::default();
            let answer =
                health.check(request).await.map_err(|status| status.message().to_owned())?;
            let status = answer.into_inner().status();
            if status == ServingStatus::Serving {
                return Ok(json!({"status": "ok"}));
            }
            Err(format!("upstream is {}", status.as_str_name()))
        })
    })
}

/// An error of the service with its cause: this is the operator's terminal.
pub(crate) fn explain(error: &spiderq_core::error::Error) -> String {
    match std::error::Error::source(error) {
        Some(cause) => format!("{error}: {cause}"),
        None => error.to_string(),
    }
}
