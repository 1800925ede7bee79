//! What a copy of a store, or a backup of it, gives away: no API key, no token, no fence.

use std::{fs, path::Path};

use spiderq_proto::v1::{CreateApiKeyRequest, PushJobsRequest, Role, StartJobRequest};
use spiderq_tests::{Grpc, Program, Stack, job_of, redis_server, sqlite_url};

const TOKEN_SECRET: &str = "a-token-secret-kept-elsewhere";
const JOBS: usize = 250;

/// Makes keys, fences and tokens; their texts.
async fn secrets_of(url: &str) -> Vec<String> {
    let grpc = Grpc::new(url, Stack::KEY);
    let mut secrets = vec![Stack::KEY.to_owned(), TOKEN_SECRET.to_owned()];
    let jobs = vec![job_of("s"); JOBS];
    let push = PushJobsRequest { project: 1, jobs, ..PushJobsRequest::default() };
    grpc.queue().push_jobs(push).await.unwrap();
    for n in 0..JOBS {
        let request_id = if n % 2 == 0 { format!("start {n}") } else { String::new() };
        let start = StartJobRequest { project: 1, request_id, ..StartJobRequest::default() };
        let started = grpc.queue().start_job(start.clone()).await.unwrap().into_inner();
        if !start.request_id.is_empty() {
            let again = grpc.queue().start_job(start).await.unwrap().into_inner();
            assert_eq!((&again.fence, &again.token), (&started.fence, &started.token));
        }
        secrets.extend([started.fence, started.token]);
    }
    for n in 0..JOBS {
        let create = CreateApiKeyRequest {
            owner: "ann".to_owned(),
            role: Role::User.into(),
            all_projects: true,
            request_id: if n % 2 == 0 { format!("key {n}") } else { String::new() },
            ..CreateApiKeyRequest::default()
        };
        let made = grpc.api_keys().create_api_key(create).await.unwrap();
        secrets.push(made.into_inner().secret);
    }
    assert!(secrets.iter().all(|secret| secret.len() >= 16));
    secrets
}

/// The files of a folder and of those in it.
fn files(folder: &Path) -> Vec<Vec<u8>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        match path {
            path if path.is_dir() => found.extend(files(&path)),
            path if path.is_file() => found.push(fs::read(path).unwrap()),
            _ => {}
        }
    }
    found
}

/// Looks for the first 16 bytes of each secret, and for `present`, which must be there.
fn assert_none_in(files: &[Vec<u8>], secrets: &[String], present: &str) {
    let has = |text: &str| {
        files.iter().any(|file| file.windows(text.len()).any(|part| part == text.as_bytes()))
    };
    assert!(has(present), "not where the store is");
    let mut wanted: Vec<&[u8]> = secrets.iter().map(|secret| &secret.as_bytes()[..16]).collect();
    wanted.sort_unstable();
    for part in files.iter().flat_map(|file| file.windows(16)) {
        let found = wanted.binary_search(&part);
        assert!(found.is_err(), "in clear: {}", String::from_utf8_lossy(part));
    }
}

#[tokio::test]
async fn no_secret_is_in_clear_in_a_file_of_sqlite() {
    let folder = tempfile::tempdir().unwrap();
    let server = Program::serve(&sqlite_url(folder.path()), &["--token-secret", TOKEN_SECRET]);
    let secrets = secrets_of(&server.url).await;
    // With what is in the log of writes only.
    assert_none_in(&files(folder.path()), &secrets, "ann");
    assert!(server.terminate().0.success());
    assert_none_in(&files(folder.path()), &secrets, "ann");
}

/// The file of writes has every value that was ever set.
#[tokio::test]
async fn no_secret_is_in_clear_in_what_redis_writes() {
    let redis = redis_server::RedisServer::start(redis_server::DURABLE);
    let server = Program::serve(&redis.url(), &["--token-secret", TOKEN_SECRET]);
    let secrets = secrets_of(&server.url).await;
    let (_, folder): (String, String) = redis.command(&["CONFIG", "GET", "dir"]);
    assert_none_in(&files(Path::new(&folder)), &secrets, "ann");
}
