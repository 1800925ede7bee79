//! One job whose compressed metadata are damaged: calls that ask for them name the job, and all
//! others go on (docs/contract.md, section 8).

use serde_json::{Value, json};
use spiderq_proto::v1::{JobFilter, JobState, JobView, ListJobsRequest, ListQueueRequest};
use spiderq_tests::{Grpc, Http, Program, Stack, redis_server::RedisServer, sqlite_url};
use tonic::Code;
use tonic_types::StatusExt as _;

const MESSAGE: &str = "the record of job 1/1/2 can't be read; `spiderq fsck` says why";

/// A server with three pending jobs that have 1 KB of statistics.
async fn server_on(store: &str) -> Program {
    let server = Program::serve(store, &[]);
    let line = json!({"spider": "s", "scrapystats": {"text": "1.0 ".repeat(250)}}).to_string();
    client(&server).post("/jobq/1/push", [&*line; 3].join("\n")).await.ok();
    server
}

#[tokio::test]
async fn damaged_metadata_on_sqlite() {
    let folder = tempfile::tempdir().unwrap();
    let server = server_on(&sqlite_url(folder.path())).await;
    let connection = rusqlite::Connection::open(folder.path().join("spiderq.db")).unwrap();
    let bit = "UPDATE jobs SET compressed = CAST(substr(compressed, 1, 20) || x'00' \
               || substr(compressed, 22) AS BLOB) WHERE job = 2";
    assert_eq!(connection.execute(bit, []).unwrap(), 1);
    rows_go_on(&server).await;
    names_the_job(&server, &["scrapystats"]).await;
    starts_go_on(server).await;
}

#[tokio::test]
async fn damaged_metadata_on_redis() {
    let redis = RedisServer::start(&[]);
    let server = server_on(&redis.url()).await;
    let mut value: Vec<u8> = redis.command(&["HGET", "sq:{1}:x:1/2", "scrapystats"]);
    value[20] ^= 1;
    set(&redis, "sq:{1}:x:1/2", "scrapystats", &value);
    rows_go_on(&server).await;
    names_the_job(&server, &["scrapystats"]).await;
    starts_go_on(server).await;
}

#[tokio::test]
async fn a_damaged_row_on_redis() {
    let redis = RedisServer::start(&[]);
    let server = server_on(&redis.url()).await;
    set(&redis, "sq:{1}:j:1/2", "n", b"\xff");
    names_the_job(&server, &[]).await;
    starts_go_on(server).await;
}

/// All of them come before the one that is taken.
#[tokio::test]
async fn many_damaged_rows_on_redis() {
    const DAMAGED: usize = 150;
    let redis = RedisServer::start(&[]);
    let server = Program::serve(&redis.url(), &[]);
    let http = client(&server);
    let line = json!({"spider": "s"}).to_string();
    http.post("/jobq/1/push", vec![line; DAMAGED + 1].join("\n")).await.ok();
    for job in 1..=DAMAGED {
        set(&redis, &format!("sq:{{1}}:j:1/{job}"), "n", b"\xff");
    }
    for expected in [json!(format!("1/1/{}", DAMAGED + 1)), Value::Null] {
        let job = http.post("/jobq/1/startjob", "").await.ok().text();
        let job: Value = serde_json::from_str(&job).unwrap_or_default();
        assert_eq!(job["key"], expected);
    }
    let count = http.get("/jobq/1/count?state=pending").await.ok().text();
    assert_eq!(count.trim(), DAMAGED.to_string());
    let (_, log) = server.terminate();
    assert_eq!(log.lines().filter(|line| line.contains("it is not started")).count(), DAMAGED);
}

fn set(redis: &RedisServer, key: &str, field: &str, value: &[u8]) {
    let mut connection = redis::Client::open(redis.url()).unwrap().get_connection().unwrap();
    redis::cmd("HSET").arg(key).arg(field).arg(value).exec(&mut connection).unwrap();
}

fn client(server: &Program) -> Http {
    Http::new(&server.url).basic(Stack::KEY, "")
}

/// The keys that a list over gRPC answers, and how it ends.
async fn list(
    server: &Program,
    metadata_fields: &[&str],
) -> (Vec<String>, Result<(), tonic::Status>) {
    let request = ListQueueRequest {
        project: 1,
        filter: Some(JobFilter { states: vec![JobState::Pending.into()], ..JobFilter::default() }),
        metadata_fields: metadata_fields.iter().map(|name| (*name).to_owned()).collect(),
        ..ListQueueRequest::default()
    };
    let grpc = Grpc::new(&server.url, Stack::KEY);
    let mut rows = grpc.queue().list_queue(request).await.unwrap().into_inner();
    let mut keys = Vec::new();
    loop {
        match rows.message().await {
            Ok(Some(row)) => keys.push(row.job.unwrap().key),
            Ok(None) => return (keys, Ok(())),
            Err(status) => return (keys, Err(status)),
        }
    }
}

/// The keys of a page, and the token of the next.
async fn page(server: &Program, token: &str) -> Result<(Vec<String>, String), tonic::Status> {
    let request = ListJobsRequest {
        project: 1,
        view: JobView::Full.into(),
        page_token: token.to_owned(),
        ..ListJobsRequest::default()
    };
    let page = Grpc::new(&server.url, Stack::KEY).jobs().list_jobs(request).await?.into_inner();
    Ok((page.jobs.into_iter().map(|job| job.key).collect(), page.next_page_token))
}

/// Calls that do not ask for what is damaged.
async fn rows_go_on(server: &Program) {
    let rows = client(server).get("/jobq/1/list?state=pending").await.ok();
    assert_eq!(rows.column("key"), ["1/1/3", "1/1/2", "1/1/1"]);
    let (keys, end) = list(server, &[]).await;
    assert_eq!(keys, ["1/1/3", "1/1/2", "1/1/1"]);
    end.unwrap();
}

/// Calls that ask for it: a list with these metadata fields, pages, and those of the job itself.
async fn names_the_job(server: &Program, metadata_fields: &[&str]) {
    let http = client(server);
    let (keys, end) = list(server, metadata_fields).await;
    assert_eq!(keys, ["1/1/3"]);
    let end = end.unwrap_err();
    assert_eq!((end.code(), end.message()), (Code::DataLoss, MESSAGE));
    let info = end.get_details_error_info().unwrap();
    assert_eq!((&*info.reason, &*info.metadata["key"]), ("JOB_DAMAGED", "1/1/2"));
    let page = page(server, "").await.unwrap();
    assert_eq!(page.0, ["1/1/3"]);
    let end = self::page(server, &page.1).await.unwrap_err();
    assert_eq!((end.code(), end.message()), (Code::DataLoss, MESSAGE));
    for path in ["/jobs/1/1/2", "/jobq/1/list?key=1/1/2&jobmeta=scrapystats"] {
        let refused = http.get(path).await;
        assert_eq!((refused.status, &refused.json()["message"]), (500, &json!(MESSAGE)), "{path}");
    }
}

/// Starts pass over it, and the log says so once.
async fn starts_go_on(server: Program) {
    let http = client(&server);
    let mut started = Vec::new();
    for _ in 0..3 {
        let job = http.post("/jobq/1/startjob", "").await.ok().text();
        started
            .push(serde_json::from_str(&job).map_or(Value::Null, |job: Value| job["key"].clone()));
    }
    assert_eq!(started, [json!("1/1/1"), json!("1/1/3"), Value::Null]);
    assert_eq!(http.get("/readyz").await.status, 200, "the store as a whole is well");
    let (_, log) = server.terminate();
    let said =
        log.lines().filter(|line| line.contains("it is not started") && line.contains("1/1/2"));
    assert_eq!(said.count(), 1, "{log}");
}
