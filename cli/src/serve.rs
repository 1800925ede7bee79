//! `spiderq serve` and `spiderq service`.

use std::io::{self, Write as _};

use spiderq_core::StoreClock;
use spiderq_server::{Network, ServeOptions, ServiceOptions, raise_open_file_limit};

use crate::{
    args::{Secret, Serve},
    error::Error,
    runtime::{Hangup, Signals},
    secrets, store,
};

/// Serves until a signal; `http`: HTTP/JSON beside gRPC.
pub(crate) async fn run(flags: Serve, http: bool) -> Result<(), Error> {
    let hangup = Hangup::catch()?;
    raise_open_file_limit(flags.listener.max_connections);
    if !http && flags.listener.web_dir.is_some() {
        let problem = "the web page is served by `spiderq serve` and `spiderq gateway` only";
        return Err(Error::option("web-dir", problem));
    }
    if !http && flags.trusted_user().is_some() {
        let problem = "users of a proxy are those of the web page, which `spiderq serve` serves";
        return Err(Error::option("trusted-user-header", problem));
    }
    let (admin_key_file, token_secret_file) =
        (flags.admin_key_file.as_deref(), flags.token_secret_file.as_deref());
    secrets::check_standard_input(&[
        ("store-file", flags.store.store_file.as_deref()),
        ("admin-key-file", admin_key_file),
        ("token-secret-file", token_secret_file),
    ])?;
    let (trusted_user, user_role) = (flags.trusted_user(), flags.user_role());
    let url = store::parse(flags.store)?;
    let output = store::output(flags.output, &url)?;
    let admin_key = secrets::read("admin-key", flags.admin_key, admin_key_file)?;
    let token_secret = secrets::read("token-secret", flags.token_secret, token_secret_file)?;
    let service = ServiceOptions {
        admin_key: admin_key.map(Secret::into_inner),
        token_secret: token_secret.map(Secret::into_inner),
        user_role,
        quotas: flags.quotas.into(),
        session_lifetime_ms: flags.session_lifetime.as_millis().try_into().ok(),
        audit_keep_days: Some(flags.audit_keep),
        output: output.open()?,
        ..ServiceOptions::default()
    };
    let network = Network { trusted_user, ..Network::from(&flags.listener) };
    // Before a store is made that a mistake would leave behind.
    service.check()?;
    network.check()?;
    let store = store::open(&url).await?;
    let clock = StoreClock::of(&store).await?;
    let signals = Signals::catch(hangup)?;
    let server = spiderq_server::start(ServeOptions {
        store,
        clock,
        service,
        listen: flags.listen,
        http,
        network,
        memory: flags.listener.memory(),
        public_url: flags.listener.public_url,
        max_body: flags.listener.max_body,
        require_durable: flags.require_durable,
    })
    .await?;
    tracing::info!(address = %server.address, store = %url, %output, "listening");
    if let Some(key) = server.first_key() {
        print_first_key(key, &server.url, http)?;
    }
    signals.shut_down(server).await;
    Ok(())
}

/// The store keeps only a hash of the key: this is the one time that it is shown.
fn print_first_key(key: &str, url: &str, http: bool) -> Result<(), Error> {
    let mut text =
        format!("\nThis is a new store. Its admin key, shown only now:\n\n    {key}\n\n");
    if http {
        text.push_str(&format!(
            "Schedule a first job:\n\n    curl -u {key}: {url}/api/run.json \
             -d project=123 -d spider=somespider\n\n"
        ));
    }
    let mut out = io::stdout();
    out.write_all(text.as_bytes())
        .and_then(|()| out.flush())
        .map_err(|error| Error::new(format!("can't print the admin key: {error}")))
}
