//! Places, and short forms for what cases do.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use spiderq_core::{error::Result, model::JobKey};
use spiderq_output::{
    Append, Appended, Backend, Batch, Files, LineFilter, Objects, OutputId, OutputKind, Outputs,
    Reader,
};
use spiderq_tests::S3Server;

/// Somewhere to keep outputs.
#[async_trait]
pub(crate) trait Place: Send + Sync {
    /// A place of its own.
    async fn new() -> Self
    where
        Self: Sized;

    /// Opens it, as another process would.
    fn open(&self) -> Arc<dyn Backend>;

    fn outputs(&self) -> Outputs {
        Outputs::new(self.open())
    }
}

/// A folder.
pub(crate) struct FilesPlace(pub(crate) tempfile::TempDir);

#[async_trait]
impl Place for FilesPlace {
    async fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn open(&self) -> Arc<dyn Backend> {
        Arc::new(Files::new(self.0.path()))
    }
}

/// An object store. Each case has a prefix of a bucket to itself.
pub(crate) struct S3Place(S3Server);

#[async_trait]
impl Place for S3Place {
    async fn new() -> Self {
        Self(S3Server::start().await)
    }

    fn open(&self) -> Arc<dyn Backend> {
        Arc::new(Objects::new(self.0.client(), "some/prefix").unwrap())
    }
}

pub(crate) fn key(text: &str) -> JobKey {
    JobKey::parse(text).unwrap()
}

pub(crate) fn logs() -> OutputId {
    OutputId { key: key("53/7/81"), attempt: 1, kind: OutputKind::Logs }
}

pub(crate) fn lines<T: AsRef<str>>(texts: &[T]) -> Vec<Bytes> {
    texts.iter().map(|text| Bytes::from(text.as_ref().to_owned())).collect()
}

/// A log line of this level.
pub(crate) fn log(number: u64, level: i64) -> String {
    format!(r#"{{"time":{number},"level":{level},"message":"line {number}"}}"#)
}

/// About 100 bytes each, numbered from `start` on.
pub(crate) fn log_lines(start: u64, count: u64, level: i64) -> Vec<String> {
    let line = |number| {
        let text = "x".repeat(50);
        format!(r#"{{"time":{number},"level":{level},"message":"line {number} {text}"}}"#)
    };
    (start..start + count).map(line).collect()
}

pub(crate) fn batch<T: AsRef<str>>(id: OutputId, start: u64, texts: &[T]) -> Append {
    Append { id, start, lines: lines(texts), holder: None, max_bytes: u64::MAX }
}

pub(crate) async fn append<T: AsRef<str>>(
    outputs: &Outputs,
    id: OutputId,
    start: u64,
    texts: &[T],
) -> Result<Appended> {
    outputs.append(batch(id, start, texts)).await
}

/// Offsets and texts up to the end.
pub(crate) async fn read_out(reader: &mut Reader) -> Vec<(u64, String)> {
    let mut read = Vec::new();
    loop {
        let Batch { lines, offsets, at_end, .. } = reader.batch().await.unwrap();
        assert_eq!(lines.len(), offsets.len());
        let texts = lines.iter().map(|line| String::from_utf8(line.to_vec()).unwrap());
        read.extend(offsets.into_iter().zip(texts));
        if at_end || reader.is_done() {
            return read;
        }
    }
}

pub(crate) async fn all(outputs: &Outputs, id: OutputId) -> Vec<(u64, String)> {
    read_out(&mut outputs.read(id, 0, LineFilter::default())).await
}

/// The texts with the offsets 0, 1, 2 …
pub(crate) fn numbered<T: AsRef<str>>(texts: &[T]) -> Vec<(u64, String)> {
    (0..).zip(texts.iter().map(|text| text.as_ref().to_owned())).collect()
}

/// Names of the objects of a job.
pub(crate) async fn objects(place: &dyn Place, job: JobKey) -> Vec<String> {
    let listed = place.open().list(job, "", "").await.unwrap();
    listed.into_iter().map(|(name, _)| name).collect()
}
