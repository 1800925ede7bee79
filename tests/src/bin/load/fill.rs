//! Jobs that a measurement needs before it begins: pushed 1,000 a call, several calls at once.

use std::time::{Duration, Instant};

use futures::{StreamExt as _, stream};
use spiderq_proto::v1::{JobCounters, JobState, NewJob, PushJobsRequest};
use spiderq_tests::{job_of, pushed_key};

use crate::Target;

/// The project that measurements use.
pub(crate) const PROJECT: i64 = 1;
/// Jobs of a call: the most that one takes.
pub(crate) const BATCH: usize = 1_000;
/// Calls at once.
const CALLS: usize = 4;
/// Between two lines about progress.
const PROGRESS: Duration = Duration::from_secs(5);

/// Pushes `count` jobs; the key of each, in their order.
pub(crate) async fn fill(
    target: &Target,
    what: &str,
    count: usize,
    job: impl Fn(usize) -> NewJob,
) -> Vec<String> {
    let grpc = target.grpc();
    let batches = (0..count).step_by(BATCH).map(|from| {
        let jobs = (from..count.min(from + BATCH)).map(&job).collect();
        push(&grpc, jobs)
    });
    let mut calls = stream::iter(batches).buffered(CALLS);
    let mut keys = Vec::with_capacity(count);
    let mut told = Instant::now();
    while let Some(pushed) = calls.next().await {
        keys.extend(pushed);
        if told.elapsed() > PROGRESS {
            told = Instant::now();
            eprintln!("{what}: {} of {count} jobs pushed", keys.len());
        }
    }
    keys
}

/// One call; the keys of its jobs.
pub(crate) fn push(
    grpc: &spiderq_tests::Grpc,
    jobs: Vec<NewJob>,
) -> impl Future<Output = Vec<String>> + 'static {
    let mut queue = grpc.queue();
    let request = PushJobsRequest { project: PROJECT, jobs, request_id: String::new() };
    async move {
        let answer = queue.push_jobs(request).await.expect("an answer").into_inner();
        let key = |pushed| pushed_key(pushed).expect("a new job");
        answer.results.into_iter().map(key).collect()
    }
}

/// A finished job of a spider: counters and, unless `small`, 1 KB of Scrapy's statistics.
pub(crate) fn finished(spider: &str, number: usize, small: bool) -> NewJob {
    let mut job = NewJob { state: JobState::Finished.into(), ..job_of(spider) };
    job.metadata_json.insert("close_reason".to_owned(), r#""finished""#.to_owned());
    if !small {
        job.metadata_json.insert("scrapystats".to_owned(), stats(number));
    }
    job
}

/// The same, with these tags.
pub(crate) fn tagged(job: NewJob, tags: impl IntoIterator<Item = String>) -> NewJob {
    NewJob { tags: tags.into_iter().collect(), ..job }
}

/// What a worker reports while its job runs.
pub(crate) fn counters() -> JobCounters {
    JobCounters { items: Some(120), pages: Some(340), logs: Some(56), errors: Some(0) }
}

/// Statistics as Scrapy collects them in a small crawl, about 1 KB.
fn stats(number: usize) -> String {
    let requests = 300 + number % 97;
    let bytes = 4_194_304 + number;
    format!(
        r#"{{"downloader/request_bytes":{bytes},"downloader/request_count":{requests},"downloader/request_method_count/GET":{requests},"downloader/response_bytes":{bytes},"downloader/response_count":{requests},"downloader/response_status_count/200":{requests},"downloader/response_status_count/404":3,"elapsed_time_seconds":1234.567891,"finish_reason":"finished","finish_time":1566311822568.0,"httpcompression/response_bytes":{bytes},"httpcompression/response_count":{requests},"item_scraped_count":{requests},"item_dropped_count":2,"item_dropped_reasons_count/DropItem":2,"log_count/DEBUG":700,"log_count/INFO":21,"log_count/WARNING":1,"memusage/max":98304000,"memusage/startup":61440000,"offsite/domains":4,"offsite/filtered":{number},"request_depth_max":5,"response_received_count":{requests},"robotstxt/request_count":1,"robotstxt/response_count":1,"robotstxt/response_status_count/200":1,"scheduler/dequeued":{requests},"scheduler/dequeued/memory":{requests},"scheduler/enqueued":{requests},"scheduler/enqueued/memory":{requests},"start_time":1566311702445.0}}"#
    )
}

#[cfg(test)]
mod tests {
    use super::stats;

    #[test]
    fn statistics_are_json_of_about_1_kb() {
        let text = stats(123_456);
        assert!((900..1_200).contains(&text.len()), "{}", text.len());
        serde_json::from_str::<serde_json::Value>(&text).unwrap();
    }
}
