//! Sets up the log, which goes to standard error. No setting makes it show a secret: lines of
//! dependencies that quote raw requests are dropped here.

use std::{env, io};

use spiderq_runner::LogWriter;
use tracing::{Level, Metadata};
use tracing_subscriber::{
    EnvFilter, Layer as _, filter::filter_fn, fmt, layer::SubscriberExt as _,
    util::SubscriberInitExt as _,
};

use crate::{
    args::{Log, LogFormat},
    error::Error,
    log_fields::LogFields,
};

/// Must be called once only; nothing is logged before.
pub(crate) fn init(log: &Log) -> Result<(), Error> {
    let filter = EnvFilter::try_new(&log.log).map_err(|error| Error::option("log", error))?;
    let lines = fmt::layer().with_writer(LogWriter::default);
    let lines = match log.log_format {
        LogFormat::Text => lines.fmt_fields(LogFields).with_ansi(shows_colours()).boxed(),
        LogFormat::Json => lines.json().boxed(),
    };
    tracing_subscriber::registry()
        .with(filter_fn(quotes_no_request))
        .with(filter)
        .with(lines)
        .init();
    Ok(())
}

/// Standard error is a terminal, and its user does not ask for none (`NO_COLOR`).
fn shows_colours() -> bool {
    let wanted = env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    wanted && io::IsTerminal::is_terminal(&io::stderr())
}

/// At level debug, `h2::server` logs a path or an authority that is no valid URI as it came,
/// with any `apikey=` in it. Other targets log no headers and bodies at any level, which
/// `tests/tests/stack/secrets.rs` checks.
fn quotes_no_request(metadata: &Metadata<'_>) -> bool {
    metadata.target() != "h2::server" || *metadata.level() <= Level::INFO
}
