//! Starts the HTTP gateway alone, before gRPC services that run elsewhere.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use spiderq_core::MemoryBudget;
use spiderq_gateway as gateway;
use tonic::transport::Channel;
use tonic_health::pb::{
    HealthCheckRequest, health_check_response::ServingStatus, health_client::HealthClient,
};

use crate::{
    error::Error,
    health::{self, Readiness},
    network::Network,
    server::{BoundListener, Server},
    tls::{self, ClientTls},
    upstream_calls,
};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
/// How often the upstream is pinged, so that one that vanished is noticed within seconds …
const PING_INTERVAL: Duration = Duration::from_secs(10);
/// … and how long it may take to answer.
const PING_TIMEOUT: Duration = Duration::from_secs(5);

/// Options of [`start_gateway`].
#[derive(Debug)]
pub struct GatewayOptions {
    /// The URL of the gRPC server that is called.
    pub upstream: String,
    /// For an `https://` upstream.
    pub tls: ClientTls,
    /// Where to listen; port 0 takes a free one.
    pub listen: SocketAddr,
    /// How clients reach the gateway; default `http://LISTEN`, or `https://` with TLS.
    pub public_url: Option<String>,
    /// Largest request body, bytes, after decompression.
    pub max_body: usize,
    /// For the bodies of requests and responses under way.
    pub memory: MemoryBudget,
    /// Connections, TLS, CORS and the times of a shutdown.
    pub network: Network,
}

/// Starts a gateway and returns once it listens; its upstream may come up later. Must
/// be called in a Tokio runtime.
pub fn start_gateway(options: GatewayOptions) -> Result<Server, Error> {
    tls::install_crypto_provider();
    let endpoint = tls::client_endpoint(&options.upstream, "upstream", &options.tls)?;
    let channel = endpoint
        .connect_timeout(CONNECT_TIMEOUT)
        .tcp_nodelay(true)
        .http2_keep_alive_interval(PING_INTERVAL)
        .keep_alive_timeout(PING_TIMEOUT)
        .keep_alive_while_idle(true)
        .connect_lazy();
    let bound = BoundListener::bind(options.listen, options.network, options.public_url)?;
    let router = gateway::router(
        gateway::upstream(channel.clone()),
        bound.gateway_options(options.max_body, options.memory),
    );
    let grpc = bound.has_page().then(|| upstream_calls::services(channel.clone()));
    let health = (upstream_check(channel), nobody_is_authenticated());
    Ok(bound.serve(grpc, router, health, None))
}

/// A gateway knows nothing that is only for callers with a key.
fn nobody_is_authenticated() -> health::Authenticate {
    Arc::new(|_, _| Box::pin(async { false }))
}

/// Ready while the upstream's gRPC health service says SERVING.
fn upstream_check(channel: Channel) -> health::Check {
    Arc::new(move || {
        let mut health = HealthClient::new(channel.clone());
        Box::pin(async move {
            let response = health.check(HealthCheckRequest::default()).await;
            let response = response.map_err(|status| status.message().to_owned())?;
            match response.into_inner().status() {
                ServingStatus::Serving => Ok(Readiness::default()),
                other @ (ServingStatus::Unknown
                | ServingStatus::NotServing
                | ServingStatus::ServiceUnknown) => {
                    Err(format!("upstream is {}", other.as_str_name()))
                }
            }
        })
    })
}
