//! Output of jobs: lines appended in batches and read back, and how soon a reader of a large log
//! has its first lines.

use std::{
    fs,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use bytes::Bytes;
use clap::Args;
use futures::future::join_all;
use spiderq_proto::v1::{
    AppendOutputRequest, GetOutputStatsRequest, JobState, OutputKind, ReadOutputRequest,
};
use spiderq_tests::Grpc;

use crate::{
    Target, at_least,
    cpu::CpuTime,
    figures::{Figures, Series},
    fill::{finished, push},
    target::StoreArgs,
};

/// Bytes of a line.
const LINE: usize = 100;
/// One line in so many is an error.
const ERRORS: u64 = 1_000_000;

/// How much.
#[derive(Debug, Args)]
pub(crate) struct Output {
    #[command(flatten)]
    store: StoreArgs,
    /// Lines of 100 bytes in all; 2,000,000 unless said otherwise.
    #[arg(long, value_parser = at_least(1))]
    lines: Option<usize>,
    /// Bytes of a batch.
    #[arg(long, default_value_t = 64 << 10, value_parser = at_least(LINE as u64))]
    batch: usize,
    /// Jobs that are appended to at a time.
    #[arg(long, default_value_t = 1, value_parser = at_least(1))]
    jobs: usize,
}

pub(crate) async fn measure(args: &Output, figures: &mut Figures) {
    let lines = figures.amount(args.lines, 2_000_000, 20_000) / args.jobs;
    let target = Target::with_output(&args.store);
    let mut keys = Vec::new();
    for _ in 0..args.jobs {
        keys.push(running_job(&target.grpc()).await);
    }
    let total = lines * args.jobs;
    let mut series = figures.of("output", target.store(), 0);
    append(&target, &keys, lines, args.batch, &mut series).await;
    read(&target, &keys, total, &mut series).await;
    looks(&target, &keys[0], lines, &mut series).await;
    if total <= 5_000_000 {
        plain(total, &mut series);
    }
}

async fn running_job(grpc: &Grpc) -> String {
    let mut job = finished("spider", 0, false);
    job.state = JobState::Running.into();
    push(grpc, vec![job]).await.remove(0)
}

fn line(number: u64) -> String {
    let level = if number % ERRORS == ERRORS - 1 { 40 } else { 20 };
    let head = format!(
        r#"{{"time":{},"level":{level},"message":"line {number} "#,
        1_700_000_000_000 + number
    );
    format!("{head:x<width$}\"}}", width = LINE - 2)
}

async fn append(
    target: &Target,
    keys: &[String],
    lines: usize,
    batch: usize,
    series: &mut Series<'_>,
) {
    let each = batch / LINE;
    let server = CpuTime::of(target.pid.expect("a started server"));
    target.forget_peak();
    let begun = Instant::now();
    let writers = keys.iter().map(|key| {
        let mut client = target.grpc().output();
        async move {
            let mut start = 0;
            while start < lines {
                let end = lines.min(start + each);
                let texts = (start..end).map(|number| Bytes::from(line(number as u64))).collect();
                let request = AppendOutputRequest {
                    key: key.clone(),
                    kind: OutputKind::Logs.into(),
                    start_offset: start as i64,
                    lines: texts,
                    ..AppendOutputRequest::default()
                };
                let answer = client.append_output(request).await.expect("appended lines");
                assert_eq!(answer.into_inner().next_offset, end as i64);
                start = end;
            }
        }
    });
    join_all(writers).await;
    add_rate("append", begun.elapsed(), &server, lines * keys.len(), series);
    series.add("append: server memory, peak", target.peak_memory() / f64::from(1 << 20), "MiB");
}

fn add_rate(what: &str, wall: Duration, server: &CpuTime, lines: usize, series: &mut Series<'_>) {
    series.add(&format!("{what}: lines a second"), lines as f64 / wall.as_secs_f64(), "/s");
    let cores = server.elapsed().as_secs_f64() / wall.as_secs_f64();
    series.add(&format!("{what}: server CPU"), cores, "cores");
}

async fn read(target: &Target, keys: &[String], total: usize, series: &mut Series<'_>) {
    let server = CpuTime::of(target.pid.expect("a started server"));
    target.forget_peak();
    let begun = Instant::now();
    let mut lines = 0;
    for key in keys {
        lines += count(target, request(key)).await.0;
    }
    assert_eq!(lines, total);
    add_rate("read", begun.elapsed(), &server, total, series);
    series.add("read: server memory, peak", target.peak_memory() / f64::from(1 << 20), "MiB");
}

fn request(key: &str) -> ReadOutputRequest {
    let kind = OutputKind::Logs.into();
    ReadOutputRequest { key: key.to_owned(), kind, ..ReadOutputRequest::default() }
}

/// Lines, and the time until the first of them was there.
async fn count(target: &Target, request: ReadOutputRequest) -> (usize, Option<Duration>) {
    let mut client = target.grpc().output();
    let begun = Instant::now();
    let mut stream = client.read_output(request).await.expect("a stream").into_inner();
    let (mut lines, mut first) = (0, None);
    while let Some(response) = stream.message().await.expect("lines") {
        lines += response.lines.len();
        if lines > 0 {
            first.get_or_insert_with(|| begun.elapsed());
        }
    }
    (lines, first)
}

/// How soon the first line is there.
async fn looks(target: &Target, key: &str, lines: usize, series: &mut Series<'_>) {
    let page = || ReadOutputRequest { limit: 100, ..request(key) };
    let errors = (lines as u64 / ERRORS).min(100) as usize;
    let wanted = 100.min(lines);
    for (what, request, expected) in [
        ("first page", page(), wanted),
        ("last page", ReadOutputRequest { tail: 100, ..request(key) }, wanted),
        ("level >= ERROR", ReadOutputRequest { min_level: 40, ..page() }, errors),
    ] {
        let (found, first) = count(target, request).await;
        assert_eq!(found, expected, "{what}");
        if let Some(first) = first {
            series.add(&format!("{what}: first line"), first.as_secs_f64() * 1e3, "ms");
        }
    }
    follow(target, key, lines, series).await;
    let begun = Instant::now();
    let request = GetOutputStatsRequest { key: key.to_owned(), attempt: None };
    target.grpc().output().get_output_stats(request).await.expect("numbers");
    series.add("numbers", begun.elapsed().as_secs_f64() * 1e3, "ms");
}

/// From an append to the line at a follower.
async fn follow(target: &Target, key: &str, lines: usize, series: &mut Series<'_>) {
    let (mut reader, mut writer) = (target.grpc().output(), target.grpc().output());
    let follow = ReadOutputRequest { follow: true, start_offset: lines as i64, ..request(key) };
    let mut stream = reader.read_output(follow).await.expect("a stream").into_inner();
    stream.message().await.expect("the first response");
    let begun = Instant::now();
    let append = AppendOutputRequest {
        key: key.to_owned(),
        kind: OutputKind::Logs.into(),
        start_offset: lines as i64,
        lines: vec![Bytes::from(line(0))],
        ..AppendOutputRequest::default()
    };
    writer.append_output(append).await.expect("an appended line");
    while stream.message().await.expect("a response").expect("more").lines.is_empty() {}
    series.add("follow: from an append to its reader", begun.elapsed().as_secs_f64() * 1e3, "ms");
}

/// What the machine takes to copy the same lines, and to compress them.
fn plain(lines: usize, series: &mut Series<'_>) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("lines");
    let text: String = (0..lines as u64).map(|number| line(number) + "\n").collect();
    fs::write(&path, text).expect("a file");
    for (name, arguments) in [("cat", &[][..]), ("zstd", &["-1", "-c", "-q"])] {
        let begun = Instant::now();
        let ran = Command::new(name).args(arguments).arg(&path).stdout(Stdio::null()).status();
        if ran.is_ok_and(|status| status.success()) {
            let rate = lines as f64 / begun.elapsed().as_secs_f64();
            series.add(&format!("{name}: lines a second"), rate, "/s");
        }
    }
}
