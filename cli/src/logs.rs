//! Log lines, to standard error.

use std::io;

use tracing_subscriber::EnvFilter;

use crate::{
    args::{Log, LogFormat},
    serve::Failure,
};

/// From now on the process logs as `log` says.
pub(crate) fn init(log: &Log) -> Result<(), Failure> {
    let filter =
        EnvFilter::try_new(&log.log).map_err(|error| Failure::new(format!("--log: {error}")))?;
    let lines = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr);
    match log.log_format {
        LogFormat::Text => lines
            .with_ansi(io::IsTerminal::is_terminal(&io::stderr()))
            .init(),
        LogFormat::Json => lines.json().init(),
    }
    Ok(())
}
