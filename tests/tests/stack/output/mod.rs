//! Output of jobs over gRPC: appended by who holds the job, read back, counted and followed.

mod appends;
mod byte_ranges;
mod kills;
mod reads;

use std::sync::atomic::{AtomicU32, Ordering};

use spiderq_proto::v1::{
    AppendOutputRequest, JobState, JobUpdate, OutputKind, ReadOutputRequest, ReadOutputResponse,
    StartJobRequest, StartJobResponse, UpdateQueueRequest,
};
use spiderq_tests::{Grpc, span, update_of};
use tonic::{Status, Streaming};

use crate::helpers::{schedule, scheduled};

/// Schedules a job of a spider of its own and starts it, with a lease of a minute.
async fn started(grpc: &Grpc) -> StartJobResponse {
    static SPIDERS: AtomicU32 = AtomicU32::new(0);
    let spider = format!("spider{}", SPIDERS.fetch_add(1, Ordering::Relaxed));
    scheduled(grpc, schedule(&spider)).await.unwrap();
    start(grpc).await
}

async fn start(grpc: &Grpc) -> StartJobResponse {
    let start = StartJobRequest { project: 53, lease: span(60_000), ..Default::default() };
    grpc.queue().start_job(start).await.unwrap().into_inner()
}

fn key_of(started: &StartJobResponse) -> String {
    started.job.as_ref().unwrap().key.clone()
}

async fn finish(grpc: &Grpc, key: &str) {
    let update = JobUpdate { state: JobState::Finished.into(), ..update_of(key) };
    let request = UpdateQueueRequest { updates: vec![update], ..Default::default() };
    grpc.queue().update_queue(request).await.unwrap();
}

fn lines(key: &str, fence: &str, start: i64, texts: &[String]) -> AppendOutputRequest {
    AppendOutputRequest {
        key: key.to_owned(),
        kind: OutputKind::Logs.into(),
        fence: fence.to_owned(),
        start_offset: start,
        lines: texts.iter().map(|text| text.clone().into()).collect(),
    }
}

async fn append(
    grpc: &Grpc,
    key: &str,
    fence: &str,
    start: i64,
    texts: &[String],
) -> Result<i64, Status> {
    let answer = grpc.output().append_output(lines(key, fence, start, texts)).await?;
    Ok(answer.into_inner().next_offset)
}

fn log(number: u64, level: u32) -> String {
    format!(r#"{{"time":{number},"level":{level},"message":"line {number}"}}"#)
}

fn logs(numbers: std::ops::Range<u64>) -> Vec<String> {
    numbers.map(|number| log(number, 20)).collect()
}

fn read(key: &str) -> ReadOutputRequest {
    let kind = OutputKind::Logs.into();
    ReadOutputRequest { key: key.to_owned(), kind, ..Default::default() }
}

async fn begin(grpc: &Grpc, request: ReadOutputRequest) -> Streaming<ReadOutputResponse> {
    grpc.output().read_output(request).await.unwrap().into_inner()
}

/// Offsets and texts to the end of the stream, the attempt that they are of, and where it ends.
async fn all(grpc: &Grpc, request: ReadOutputRequest) -> (Vec<(i64, String)>, i32, i64) {
    let mut stream = begin(grpc, request).await;
    let (mut found, mut attempt, mut next) = (Vec::new(), -1, -1);
    while let Some(response) = stream.message().await.unwrap() {
        found.extend(parts(&response));
        (attempt, next) = (response.attempt, response.next_offset);
    }
    (found, attempt, next)
}

fn parts(response: &ReadOutputResponse) -> Vec<(i64, String)> {
    let text = |line: &bytes::Bytes| String::from_utf8(line.to_vec()).unwrap();
    response.offsets.iter().copied().zip(response.lines.iter().map(text)).collect()
}

fn numbered(texts: &[String]) -> Vec<(i64, String)> {
    (0..).zip(texts.iter().cloned()).collect()
}
