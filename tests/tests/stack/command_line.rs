//! The real program: its first start, its commands, settings that are refused. What it never
//! logs: `secrets.rs`.

use serde_json::json;
use spiderq_tests::{Http, Program, Stack, run, sqlite_url};

#[tokio::test]
async fn the_first_start_prints_a_key_and_a_curl_line_that_works() {
    let folder = tempfile::tempdir().unwrap();
    let store = sqlite_url(folder.path());
    let args = ["--store", &store, "--listen", "127.0.0.1:0"];
    let mut program = Program::start(&args);
    let line = program.wait_for("curl -u ");
    let words: Vec<&str> = line.split_whitespace().collect();
    let ["curl", "-u", user, url, "-d", "project=123", "-d", "spider=somespider"] = words[..]
    else {
        panic!("{line}");
    };
    let (key, path) = (user.trim_end_matches(':'), url.strip_prefix(&program.url).unwrap());
    let http = Http::new(&program.url).basic(key, "");
    let fields = [("project", "123"), ("spider", "somespider")];
    let answer = http.form(path, &fields).await.ok();
    assert_eq!(answer.json(), json!({"status": "ok", "jobid": "123/1/1"}));
    let (status, _) = program.terminate();
    assert!(status.success());

    let program = Program::start(&args);
    let http = Http::new(&program.url).basic(key, "");
    let state = http.get("/jobs/123/1/1/state").await.ok();
    assert_eq!(state.json(), "pending");
    let (_, output) = program.terminate();
    assert!(!output.contains("curl"), "{output}");
}

#[test]
fn help_names_every_command() {
    let (status, help, _) = run(&["--help"]);
    assert!(status.success());
    for command in ["serve", "service", "gateway", "key"] {
        let named = |line: &str| line.trim_start().starts_with(&format!("{command} "));
        assert!(help.lines().any(named), "{command}:\n{help}");
    }
}

#[test]
fn a_bad_flag_is_refused_by_its_name() {
    let folder = tempfile::tempdir().unwrap();
    let store = sqlite_url(folder.path());
    for (args, name) in [
        (["--store", "mysql://x", "--listen", "127.0.0.1:0"], "--store"),
        (["--store", &store, "--listen", "nowhere"], "--listen"),
        (["--store", &store, "--admin-key", "short"], "admin-key"),
        (["--store", &store, "--threads", "0"], "--threads"),
    ] {
        let (status, _, error) = run(&args);
        assert!(!status.success(), "{args:?}");
        assert!(error.contains(name), "{args:?}: {error}");
    }
}

#[tokio::test]
async fn gateway_and_service_in_two_processes_respond_as_one_does() {
    let folder = tempfile::tempdir().unwrap();
    let store = sqlite_url(folder.path());
    let service = Program::service(&store, &[]);
    let gateway = Program::gateway(&service.url, &[]);
    let http = Http::new(&gateway.url).basic(Stack::KEY, "");
    let pushed = http.post("/jobq/1/push", r#"{"spider":"s","n":1.0}"#).await;
    assert_eq!(pushed.ok().lines(), [json!({"key": "1/1/1", "auth": null})]);
    let started = http.post("/jobq/1/startjob", "{}").await.ok().json();
    assert_eq!(started["key"], "1/1/1");
    let token = started["auth"].as_str().unwrap();
    let n = http.basic("1/1/1", token).get("/jobs/1/1/1/n").await.ok();
    assert_eq!(n.text().trim_end(), "1.0");
    let refused = http.anonymous().get("/api/jobs/count.json?project=1").await;
    assert_eq!(refused.status, 401);
    let direct = Http::new(&service.url).basic(Stack::KEY, "");
    assert_eq!(direct.get("/jobs/1/1/1").await.status, 404);
}

#[test]
fn keys_are_created_listed_and_revoked_from_the_command_line() {
    let folder = tempfile::tempdir().unwrap();
    let server = Program::serve(&sqlite_url(folder.path()), &[]);
    let key = |args: &[&str]| {
        let login = ["--server", &server.url, "--admin-key", Stack::KEY];
        let (status, out, error) = run(&[&["key"], args, &login].concat());
        assert!(status.success(), "{args:?}: {error}");
        out
    };
    let made = key(&["create", "ann", "--role", "worker", "--project", "7"]);
    let listed = key(&["list"]);
    let line = listed.lines().find(|line| line.contains("ann")).unwrap();
    assert!(line.contains("worker"), "{listed}");
    let secret = made
        .split_whitespace()
        .find(|word| word.len() == 32 && word.bytes().all(|byte| byte.is_ascii_hexdigit()));
    assert!(!listed.contains(secret.expect("a key")), "{listed}");
    let id = line.split_whitespace().next().unwrap();
    let rotated = key(&["rotate", id, "--keep", "90m"]);
    let new = rotated.lines().next().unwrap();
    assert!(new.len() == 32 && Some(new) != secret, "{rotated}");
    let listed = key(&["list"]);
    let lines: Vec<&str> = listed.lines().filter(|line| line.ends_with(" ann")).collect();
    let never = |line: &str| line.matches("never").count();
    assert_eq!(lines.iter().map(|line| never(line)).collect::<Vec<_>>(), [1, 2], "{listed}");
    assert!(!listed.contains(new), "{listed}");
    let new_id = lines[1].split_whitespace().next().unwrap();
    key(&["revoke", new_id]);
    key(&["revoke", id]);
    assert!(!key(&["list"]).contains("ann"));
}
