//! A thousand secrets are planted in calls of every kind. None is in a log at its finest level, as
//! text or as JSON, in an error, or in a command line; and no API key is in clear in what the
//! stores keep on disk.

use std::{fs, path::Path, process::Command};

use aho_corasick::AhoCorasick;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::Method;
use prost::Message as _;
use spiderq_proto::v1::*;
use spiderq_tests::{
    Grpc, Http, Program, Response, Stack, by_keys, job_of, redis_server::RedisServer, sqlite_url,
};

use crate::helpers::texts;

/// API keys that are made and used.
const MADE: usize = 200;
/// Keys, tokens and credentials of other forms that nobody made.
const WRONG: usize = 400;
/// Jobs that are started: each has a token and a fence.
const STARTED: usize = 100;
/// Values of arguments, settings and metadata, which stores keep and logs must not have.
const VALUES: usize = 200;

/// What was planted. Together a thousand.
#[derive(Default)]
struct Planted {
    api_keys: Vec<String>,
    wrong: Vec<String>,
    tokens: Vec<String>,
    fences: Vec<String>,
    values: Vec<String>,
    /// What callers were told, but for what is secret by its purpose.
    answers: Vec<String>,
}

/// The same number gives the same text of 32 hexadecimal characters, like a key's.
fn hexadecimal(n: usize) -> String {
    let digits = (n as u128 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835);
    format!("{digits:032x}")
}

impl Planted {
    fn all(&self) -> Vec<&String> {
        let parts = [&self.api_keys, &self.wrong, &self.tokens, &self.fences, &self.values];
        parts.into_iter().flatten().collect()
    }

    fn heard(&mut self, response: &Response) {
        let headers = format!("{:?}", response.headers);
        self.answers.extend([response.text().to_owned(), headers]);
    }

    fn refused<T: std::fmt::Debug>(&mut self, answer: Result<T, tonic::Status>) {
        self.answers.push(format!("{:?}", answer.unwrap_err()));
    }
}

/// Fails if any of these texts is in `hay`, as it is, in Base64 as Basic has it, as numbers of bytes
/// as Debug shows them, or (of hexadecimal ones) in 16 bytes.
fn assert_absent(secrets: &[&String], hay: &[u8], place: &str) {
    let mut forms: Vec<Vec<u8>> = Vec::new();
    for secret in secrets {
        let numbers = format!("{:?}", &secret.as_bytes()[..8]);
        let numbers = numbers.trim_matches(['[', ']']).to_owned();
        forms.extend([secret.as_bytes().to_vec(), numbers.into_bytes()]);
        // What is before it, as the job of a token, shifts it in the groups of Base64.
        for before in ["", "x", "xx"] {
            let encoded = STANDARD.encode(format!("{before}{secret}"));
            forms.push(encoded.as_bytes()[4..encoded.len() - 4].to_vec());
        }
        if let Ok(number) = u128::from_str_radix(secret, 16) {
            forms.push(number.to_be_bytes().to_vec());
        }
    }
    let found = AhoCorasick::new(&forms).unwrap().find(hay);
    let around = |at: usize| &hay[at.saturating_sub(200)..(at + 200).min(hay.len())];
    let shown = found.map(|one| String::from_utf8_lossy(around(one.start())).into_owned());
    assert_eq!(shown, None, "{place}");
}

async fn use_keys(url: &str, planted: &mut Planted) {
    let (admin, http) = (Grpc::new(url, Stack::KEY), Http::new(url));
    for n in 0..MADE {
        let create = CreateApiKeyRequest {
            owner: format!("owner {n}"),
            role: Role::User.into(),
            projects: vec![1],
            ..CreateApiKeyRequest::default()
        };
        let made = admin.api_keys().create_api_key(create).await.unwrap().into_inner();
        let key = made.secret;
        let answer = match n % 5 {
            0 => http.basic(&key, "").get("/jobq/1/count").await,
            1 => http.bearer(&key).get("/jobq/1/list?count=x").await,
            2 => http.get(&format!("/jobq/1/count?apikey={key}")).await,
            3 => http.form("/api/run.json", &[("project", "x"), ("apikey", &key)]).await,
            _ => {
                let mistaken = RevokeApiKeyRequest { id: key.clone() };
                planted.refused(admin.api_keys().revoke_api_key(mistaken).await);
                let grpc = Grpc::new(url, &key);
                planted.refused(grpc.jobs().get_job(GetJobRequest { key: "x".to_owned() }).await);
                http.bearer(&key).get("/nowhere").await
            }
        };
        planted.heard(&answer);
        planted.api_keys.push(key);
    }
}

async fn present_wrong_ones(url: &str, planted: &mut Planted) {
    let http = Http::new(url);
    for n in 0..WRONG {
        let key = hexadecimal(n);
        let secret = match n % 10 {
            8 => format!("{key}.x.y"),
            9 => format!("not-a-key-{key}"),
            _ => key.clone(),
        };
        let answer = match n % 10 {
            0 => http.basic(&secret, "").get("/jobq/1/count").await,
            1 => http.get(&format!("/jobq/1/count?apikey={secret}")).await,
            2 => http.get(&format!("/nowhere?x=1&apikey={secret}&y=2")).await,
            3 => http.get(&format!("/jobq/1/push?apikey={secret}")).await,
            4 => http.form("/api/run.json", &[("apikey", &secret), ("project", "1")]).await,
            5 => {
                let scheme = format!("Digest {secret}");
                let header = [("authorization", scheme.as_str())];
                http.send(Method::GET, "/jobq/1/count", &header, "").await
            }
            6 => {
                let grpc = Grpc::new(url, &secret);
                planted
                    .refused(grpc.projects().list_projects(ListProjectsRequest::default()).await);
                http.basic("1/1/1", &secret).get("/jobs/1/1/1").await
            }
            7 => over_grpc_web(&http.bearer(&secret)).await,
            8 => http.basic("1/1/1", &secret).get("/jobs/1/1/1").await,
            _ => http.bearer(&secret).get("/jobq/1/count").await,
        };
        planted.heard(&answer);
        planted.wrong.push(secret);
    }
}

async fn over_grpc_web(http: &Http) -> Response {
    let message = CountJobsRequest { project: 1, ..Default::default() }.encode_to_vec();
    let length = u32::try_from(message.len()).unwrap().to_be_bytes();
    let body = [&[0], &length[..], &message].concat();
    let kind = [("content-type", "application/grpc-web+proto")];
    http.send(Method::POST, "/spiderq.v1.JobService/CountJobs", &kind, body).await
}

async fn run_jobs(url: &str, planted: &mut Planted) {
    let grpc = Grpc::new(url, Stack::KEY);
    let jobs: Vec<NewJob> = (0..STARTED).map(|_| job_of("s")).collect();
    let push = PushJobsRequest { project: 2, jobs, ..Default::default() };
    grpc.queue().push_jobs(push).await.unwrap();
    let http = Http::new(url);
    for n in 0..STARTED {
        let request_id = if n % 2 == 0 { format!("start {n}") } else { String::new() };
        let start = StartJobRequest { project: 2, request_id, ..Default::default() };
        let started = grpc.queue().start_job(start).await.unwrap().into_inner();
        let (fence, token, key) = (started.fence, started.token, started.job.unwrap().key);
        let of = |fence: &str| HeartbeatRequest {
            key: key.clone(),
            fence: fence.to_owned(),
            ..Default::default()
        };
        grpc.queue().heartbeat(of(&fence)).await.unwrap();
        planted.refused(grpc.queue().heartbeat(of(&hexadecimal(n))).await);
        let as_job = http.basic(&key, &token);
        planted.heard(&as_job.post(&format!("/jobs/{key}"), r#"{"n":1}"#).await);
        planted.heard(&as_job.get("/jobq/2/count").await);
        planted.heard(&http.basic("2/1/9999", &token).get(&format!("/jobs/{key}")).await);
        planted.tokens.push(token);
        planted.fences.push(fence);
    }
}

async fn give_values(url: &str, planted: &mut Planted) {
    let grpc = Grpc::new(url, Stack::KEY);
    for n in 0..VALUES {
        let value = format!("passw0rd-{}", hexadecimal(WRONG + n));
        let json = format!("\"{value}\"");
        match n % 4 {
            0 => {
                let spider_args = texts([("password", &value), ("n", &n.to_string())]);
                let job = Some(NewJob { spider_args, ..job_of("args") });
                let schedule = ScheduleJobRequest { project: 3, job, ..Default::default() };
                grpc.jobs().schedule_job(schedule).await.unwrap();
            }
            1 => {
                let settings_json = texts([("password", &json)]);
                let update = UpdateProjectSettingsRequest {
                    project: 3,
                    settings_json,
                    ..Default::default()
                };
                grpc.projects().update_project_settings(update).await.unwrap();
            }
            2 => {
                let spider_args = texts([("password", &value)]);
                let filter = Some(JobFilter { spider_args, ..Default::default() });
                let stop = StopJobsRequest { project: 3, filter, ..Default::default() };
                grpc.jobs().stop_jobs(stop).await.unwrap();
            }
            _ => {
                let metadata_json = texts([("password", &json)]);
                let filter = by_keys(["3/1/1"]);
                let update = UpdateJobsRequest { filter, metadata_json, ..Default::default() };
                grpc.jobs().update_jobs(update).await.unwrap();
            }
        }
        planted.values.push(value);
    }
}

/// The command lines of all processes, as `ps` shows them.
fn command_lines() -> Vec<u8> {
    Command::new("ps").args(["-eww", "-o", "args"]).output().unwrap().stdout
}

/// A server with the finest log, whose lines of JSON do not say where it listens as others do.
fn start(store: &str, format: &str) -> Program {
    let flags = ["--log", "trace", "--log-format", format, "--log-requests"];
    if format == "text" {
        return Program::serve(store, &flags);
    }
    let args = ["serve", "--listen", "127.0.0.1:0", "--admin-key", Stack::KEY, "--store", store];
    let mut program = Program::spawn(&[&args[..], &flags].concat());
    let line = program.wait_for("\"message\":\"listening\"");
    let line: serde_json::Value = serde_json::from_str(&line).unwrap();
    program.url = format!("http://{}", line["fields"]["address"].as_str().unwrap());
    program
}

/// Plants a thousand, and looks for them in log, errors and command lines.
async fn plant(store: &str, format: &str) -> Planted {
    let program = start(store, format);
    let mut planted = Planted::default();
    use_keys(&program.url, &mut planted).await;
    present_wrong_ones(&program.url, &mut planted).await;
    run_jobs(&program.url, &mut planted).await;
    give_values(&program.url, &mut planted).await;
    let secrets = planted.all();
    assert_eq!(secrets.len(), 1_000);
    assert_absent(&secrets, &command_lines(), "ps");
    assert_absent(&secrets, planted.answers.join("\n").as_bytes(), "an answer");
    let events = Grpc::new(&program.url, Stack::KEY).audit();
    let events = events.clone().list_audit_events(ListAuditEventsRequest::default()).await.unwrap();
    let events = format!("{:?}", events.into_inner());
    assert!(events.contains("CreateApiKey") && events.contains("UpdateProjectSettings"));
    assert_absent(&secrets, events.as_bytes(), "an audit event");
    let (_, log) = program.terminate();
    assert!(log.contains("TRACE") && log.contains("authentication failed"), "{}", log.len());
    assert_absent(&secrets, log.as_bytes(), "the log");
    planted
}

/// What must not be in clear in a store: all that lets somebody in.
fn assert_not_kept(planted: &Planted, kept: &[u8], place: &str) {
    assert!(kept.windows(8).any(|bytes| bytes == b"passw0rd"), "{place} has no jobs");
    let keys: Vec<&String> =
        planted.api_keys.iter().chain(&planted.wrong).chain(&planted.tokens).collect();
    assert_absent(&keys, kept, place);
}

fn files(folder: &Path) -> Vec<u8> {
    let paths = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    paths.filter(|path| path.is_file()).flat_map(|path| fs::read(path).unwrap()).collect()
}

async fn plant_on_sqlite(format: &str) {
    let folder = tempfile::tempdir().unwrap();
    let planted = plant(&sqlite_url(folder.path()), format).await;
    assert_not_kept(&planted, &files(folder.path()), "the files of SQLite");
}

async fn plant_on_redis(format: &str) {
    let server = RedisServer::start(&["--rdbcompression", "no"]);
    let planted = plant(&server.url(), format).await;
    server.command::<()>(&["SAVE"]);
    let (_, folder): (String, String) = server.command(&["CONFIG", "GET", "dir"]);
    let dump = fs::read(Path::new(&folder).join("dump.rdb")).unwrap();
    assert_not_kept(&planted, &dump, "the dump of Redis");
}

#[tokio::test]
async fn planted_secrets_are_nowhere_on_sqlite_with_a_log_of_text() {
    plant_on_sqlite("text").await;
}

#[tokio::test]
async fn planted_secrets_are_nowhere_on_sqlite_with_a_log_of_json() {
    plant_on_sqlite("json").await;
}

#[tokio::test]
async fn planted_secrets_are_nowhere_on_redis_with_a_log_of_text() {
    plant_on_redis("text").await;
}

#[tokio::test]
async fn planted_secrets_are_nowhere_on_redis_with_a_log_of_json() {
    plant_on_redis("json").await;
}
