//! From the command line to a running command.

use std::{
    io::{self, Write as _},
    process::ExitCode,
    time::Duration,
};

use crate::store_url::{self, StoreUrl};
use spiderq_core::{StoreClock, store::Store};
use spiderq_service::ServiceOptions;
use tokio::{
    runtime::{Builder, Runtime},
    signal::unix::{Signal, SignalKind, signal},
};

use crate::{
    args::{self, Cli, Command, Gateway, Serve},
    failure::Failure,
    fsck, key, logs,
    network::Network,
    open_files, runner,
    running::Running,
    serve::{self, ServeOptions, explain},
    tls,
};

/// Runs what the command line says, to its end.
pub fn run(cli: Cli) -> Result<ExitCode, Failure> {
    logs::init(&cli.log)?;
    tls::install_provider();
    match cli.command.unwrap_or(Command::Serve(cli.serve)) {
        Command::Serve(settings) => serve(settings, true),
        Command::Service(settings) => serve(settings, false),
        Command::Gateway(settings) => gateway(&settings),
        Command::Runner(settings) => block_on(1, runner::run(*settings)),
        Command::Key(settings) => block_on(1, key::run(settings)),
        Command::Fsck(settings) => block_on(1, fsck::run(settings)),
        Command::Supervise(settings) => return Ok(supervise(settings)),
    }?;
    Ok(ExitCode::SUCCESS)
}

fn supervise(settings: args::Supervise) -> ExitCode {
    spiderq_runner::supervise(spiderq_runner::Supervise {
        parent: settings.parent,
        folder: settings.folder,
        command: settings.command,
    })
}

fn serve(settings: Serve, http: bool) -> Result<(), Failure> {
    open_files::allow(settings.network.max_connections);
    block_on(settings.threads, async {
        let url =
            StoreUrl::parse(&settings.store).map_err(|error| Failure::new(format!("--{error}")))?;
        let store = store_url::open(&url)
            .await
            .map_err(|error| Failure::new(format!("can't open {url}: {}", explain(&error))))?;
        if settings.require_durable {
            insist_on_durability(store.as_ref()).await?;
        }
        let clock = StoreClock::of(&store).await.map_err(|error| Failure::new(explain(&error)))?;
        let signals = Signals::catch()?;
        let running = serve::start(ServeOptions {
            store,
            clock,
            service: ServiceOptions {
                admin_key: settings.admin_key,
                token_secret: settings.token_secret,
            },
            listen: settings.listen,
            http,
            public_url: settings.public_url,
            max_body: settings.max_body,
            network: Network::from(&settings.network),
        })
        .await?;
        tracing::info!(address = %running.address, store = %url, "listening");
        if let Some(key) = &running.first_key {
            greet(key, &running, http)?;
        }
        signals.end(running).await;
        Ok(())
    })
}

/// Refuses a store that may lose what it acknowledged.
async fn insist_on_durability(store: &dyn Store) -> Result<(), Failure> {
    let durability = store.durability().await;
    let durability = durability.map_err(|error| Failure::new(explain(&error)))?;
    if durability.safe {
        return Ok(());
    }
    Err(Failure::new(format!("--require-durable: {}", durability.report)))
}

fn gateway(settings: &Gateway) -> Result<(), Failure> {
    open_files::allow(settings.network.max_connections);
    block_on(1, async {
        let signals = Signals::catch()?;
        let running = serve::start_gateway(settings).await?;
        tracing::info!(address = %running.address, upstream = settings.upstream, "listening");
        signals.end(running).await;
        Ok(())
    })
}

/// Runs `command` to its end. What then still runs beside it, a long read of the store
/// say, is not waited for.
fn block_on(
    threads: u16,
    command: impl Future<Output = Result<(), Failure>>,
) -> Result<(), Failure> {
    let runtime = runtime(threads)?;
    let done = runtime.block_on(command);
    runtime.shutdown_timeout(Duration::from_secs(1));
    done
}

/// One thread is a current-thread runtime: replies coalesce, a call costs half the CPU.
fn runtime(threads: u16) -> Result<Runtime, Failure> {
    let mut builder = match threads {
        1 => Builder::new_current_thread(),
        _ => Builder::new_multi_thread(),
    };
    if threads > 1 {
        builder.worker_threads(threads.into());
    }
    builder.enable_all().build().map_err(|error| Failure::new(format!("can't start: {error}")))
}

/// The key is shown here and never again.
fn greet(key: &str, running: &Running, http: bool) -> Result<(), Failure> {
    let url = &running.url;
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
        .map_err(|error| Failure::new(format!("can't print the admin key: {error}")))
}

/// The signals that end a server politely. Caught from the moment this is made, so that one
/// sent to a server that has just said it listens is not its sudden death.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    fn catch() -> Result<Self, Failure> {
        let failed = |error| Failure::new(format!("can't wait for signals: {error}"));
        Ok(Self {
            terminate: signal(SignalKind::terminate()).map_err(failed)?,
            interrupt: signal(SignalKind::interrupt()).map_err(failed)?,
        })
    }

    async fn end(mut self, running: Running) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
        tracing::info!("stopping");
        running.shutdown().await;
        tracing::info!("stopped");
    }
}
