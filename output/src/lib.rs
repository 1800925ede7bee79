//! What jobs put out: logs, items, requests and samples, line by line, in a folder or in an object
//! store. Knows neither jobs' states nor who may do what: that is the service's.
//!
//! An [output](OutputId) is a sequence of lines. The newest of them are in its *tail*, a small
//! object that grows with each append; the others are in *segments*, compressed objects that never
//! change. Every append is one atomic step on the tail, also between processes, so that an offset
//! has one line and never another. `docs/decisions/013-job-output.md` says why.

mod append;
mod backend;
mod check;
mod files;
mod filter;
mod id;
mod line;
#[cfg(feature = "s3")]
mod objects;
mod outputs;
mod reader;
mod segment;
mod summary;
mod tail;
mod wakes;

#[cfg(feature = "s3")]
pub use self::objects::Objects;
pub use self::{
    append::{Append, Appended},
    backend::{Backend, Known, Peeked, Version},
    check::Problem,
    files::Files,
    filter::LineFilter,
    id::{OutputId, OutputKind},
    outputs::Outputs,
    reader::{Batch, Reader},
    segment::SegmentName,
    summary::Summary,
    wakes::Wake,
};
