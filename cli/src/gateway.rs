//! `spiderq gateway`.

use spiderq_server::{GatewayOptions, Network, raise_open_file_limit, start_gateway};

use crate::{
    args::Gateway,
    error::Error,
    runtime::{Hangup, Signals},
};

/// Serves until a signal.
pub(crate) async fn run(flags: Gateway) -> Result<(), Error> {
    raise_open_file_limit(flags.listener.max_connections);
    let signals = Signals::catch(Hangup::catch()?)?;
    let server = start_gateway(GatewayOptions {
        upstream: flags.upstream.clone(),
        tls: flags.authorities.client_tls(),
        listen: flags.listen,
        network: Network::from(&flags.listener),
        memory: flags.listener.memory(),
        public_url: flags.listener.public_url,
        max_body: flags.listener.max_body,
    })?;
    tracing::info!(address = %server.address, upstream = flags.upstream, "listening");
    signals.shut_down(server).await;
    Ok(())
}
