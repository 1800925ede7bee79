//! What jobs put out, over HTTP (contract 9): which lines a request asks for, and how a line looks
//! in each format. Nothing here makes a call.

pub(crate) mod body_lines;
mod csv;
pub(crate) mod filter;
pub(crate) mod format;
mod json;
pub(crate) mod meta;
mod msgpack;
pub(crate) mod position;
mod xml;

use spiderq_proto::v1::OutputKind;

/// A line of an output.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Row<'a> {
    pub(crate) kind: OutputKind,
    /// Key of the job.
    pub(crate) job: &'a str,
    pub(crate) offset: i64,
    /// JSON text, byte for byte as it was stored.
    pub(crate) line: &'a [u8],
}

impl Row<'_> {
    /// `P/S/J/N`.
    pub(crate) fn key(&self) -> String {
        format!("{}/{}", self.job, self.offset)
    }
}

/// The kind's name in paths.
pub(crate) const fn kind_name(kind: OutputKind) -> &'static str {
    match kind {
        OutputKind::Unspecified => "output",
        OutputKind::Logs => "logs",
        OutputKind::Items => "items",
        OutputKind::Requests => "requests",
        OutputKind::Samples => "samples",
    }
}
