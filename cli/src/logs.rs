//! Log lines, to standard error. No setting makes them show a secret: what dependencies log
//! of requests as they came is cut here.

use std::io;

use spiderq_runner::LogWriter;
use tracing::{Level, Metadata};
use tracing_subscriber::{
    EnvFilter, Layer as _, filter::filter_fn, fmt, layer::SubscriberExt as _,
    util::SubscriberInitExt as _,
};

use crate::{
    args::{Log, LogFormat},
    failure::Failure,
};

/// From now on the process logs as `log` says.
pub(crate) fn init(log: &Log) -> Result<(), Failure> {
    let filter =
        EnvFilter::try_new(&log.log).map_err(|error| Failure::new(format!("--log: {error}")))?;
    let lines = fmt::layer().with_writer(LogWriter::default);
    let lines = match log.log_format {
        LogFormat::Text => lines.with_ansi(io::IsTerminal::is_terminal(&io::stderr())).boxed(),
        LogFormat::Json => lines.json().boxed(),
    };
    tracing_subscriber::registry()
        .with(filter_fn(holds_no_request))
        .with(filter)
        .with(lines)
        .init();
    Ok(())
}

/// At level debug `h2::server` shows a path or an authority that is no URI, as it came: an
/// `apikey=` in it too. Other targets say nothing of headers and bodies at any level
/// (`tests/tests/stack/secrets.rs`).
fn holds_no_request(metadata: &Metadata<'_>) -> bool {
    metadata.target() != "h2::server" || *metadata.level() <= Level::INFO
}
