//! `spiderq serve`, `service` and `gateway`: a listener with the parts that it needs.

use std::{fmt, net::SocketAddr, sync::Arc, time::Duration};

use axum::Router;
use serde_json::json;
use spiderq_gateway as gateway;
use spiderq_service::{Clock, Health, Service, ServiceOptions, store::Store};
use tokio::{net::TcpListener, sync::watch, task::JoinHandle};
use tonic_health::pb::{
    HealthCheckRequest, health_check_response::ServingStatus, health_client::HealthClient,
};

use crate::{app::App, listen, probe};

/// Why a command could not be done, for the person at the terminal.
#[derive(Debug)]
pub struct Failure(String);

impl Failure {
    pub(crate) fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Failure {}

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
    /// How clients reach the server; default `http://LISTEN`.
    pub public_url: Option<String>,
    /// Largest HTTP request body, bytes, after decompression.
    pub max_body: usize,
    /// How long a stop waits for requests under way.
    pub drain: Duration,
}

/// A server that listens. Dropping it stops it without waiting.
#[derive(Debug)]
pub struct Running {
    /// Where it listens.
    pub address: SocketAddr,
    /// The admin key that was made because the store had none.
    pub first_key: Option<String>,
    health: Option<Health>,
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Running {
    /// Stops taking calls, waits for those under way, and returns when all is closed.
    pub async fn shutdown(self) {
        if let Some(health) = &self.health {
            health.set(false).await;
        }
        // An error means that the task has ended already.
        let _ = self.stop.send(true);
        let _ = self.task.await;
    }
}

/// Starts `spiderq serve` (or `service`, without HTTP).
pub async fn start(options: ServeOptions) -> Result<Running, Failure> {
    // First all that may fail: a key that is made must also be shown.
    let (listener, address) = bind(options.listen).await?;
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
        let public_url = options
            .public_url
            .unwrap_or_else(|| format!("http://{address}"));
        gateway::router(
            in_process(&service),
            gateway::Options {
                public_url,
                max_body: options.max_body,
                ..gateway::Options::default()
            },
        )
    } else {
        Router::new()
    };
    let http = probe::routes(ready(service.clone())).merge(http);
    health.set(true).await;
    let first_key = service.first_key().map(|key| key.expose().to_owned());
    let app = App::new(Some(routes), http);
    Ok(run(
        listener,
        address,
        app,
        Some(health),
        first_key,
        options.drain,
    ))
}

/// Starts `spiderq gateway`.
pub(crate) async fn start_gateway(options: &crate::args::Gateway) -> Result<Running, Failure> {
    let endpoint = tonic::transport::Endpoint::from_shared(options.upstream.clone())
        .map_err(|_| Failure::new("--upstream: must be a URL like http://127.0.0.1:6900"))?;
    let channel = endpoint
        .connect_timeout(Duration::from_secs(2))
        .tcp_nodelay(true)
        // An upstream that is gone without a word is noticed within seconds.
        .http2_keep_alive_interval(Duration::from_secs(10))
        .keep_alive_timeout(Duration::from_secs(5))
        .keep_alive_while_idle(true)
        .connect_lazy();
    let (listener, address) = bind(options.listen).await?;
    let public_url = options.public_url.clone();
    let public_url = public_url.unwrap_or_else(|| format!("http://{address}"));
    let router = gateway::router(
        gateway::forward(channel.clone()),
        gateway::Options {
            public_url,
            max_body: options.max_body,
            ..gateway::Options::default()
        },
    );
    let app = App::new(None, probe::routes(upstream_ready(channel)).merge(router));
    Ok(run(
        listener,
        address,
        app,
        None,
        None,
        Duration::from_secs(options.drain),
    ))
}

async fn bind(address: SocketAddr) -> Result<(TcpListener, SocketAddr), Failure> {
    let failed = |error| Failure::new(format!("can't listen on {address}: {error}"));
    let listener = TcpListener::bind(address).await.map_err(failed)?;
    let address = listener.local_addr().map_err(failed)?;
    Ok((listener, address))
}

fn run(
    listener: TcpListener,
    address: SocketAddr,
    app: App,
    health: Option<Health>,
    first_key: Option<String>,
    drain: Duration,
) -> Running {
    let (stop, stopped) = watch::channel(false);
    let task = tokio::spawn(listen::serve(listener, app, stopped, drain));
    Running {
        address,
        first_key,
        health,
        stop,
        task,
    }
}

/// The gateway holds the services themselves: a call costs no encoding.
fn in_process(service: &Service) -> gateway::Services {
    gateway::Services {
        jobs: Arc::new(service.jobs()),
        queue: Arc::new(service.queue()),
        projects: Arc::new(service.projects()),
        keys: Arc::new(service.keys()),
    }
}

fn ready(service: Service) -> probe::Ready {
    Arc::new(move || {
        let service = service.clone();
        Box::pin(async move {
            service.ready().await.map_err(|error| error.to_string())?;
            let durability = service
                .durability()
                .await
                .map_err(|error| error.to_string())?;
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
            let answer = health
                .check(request)
                .await
                .map_err(|status| status.message().to_owned())?;
            let status = answer.into_inner().status();
            if status == ServingStatus::Serving {
                return Ok(json!({"status": "ok"}));
            }
            Err(format!("upstream is {}", status.as_str_name()))
        })
    })
}

/// An error of the service with its cause: this is the operator's terminal.
pub(crate) fn explain(error: &spiderq_service::error::Error) -> String {
    match std::error::Error::source(error) {
        Some(cause) => format!("{error}: {cause}"),
        None => error.to_string(),
    }
}
