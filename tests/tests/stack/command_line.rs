//! The real program: its first start, its commands, settings that are refused. What it never
//! logs: `secrets.rs`.

use serde_json::json;
use spiderq_tests::{Http, Program, Stack, run, run_in, sqlite_url};

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
    assert!(lines[0].contains(" ends in ") && lines[1].contains(" good "), "{listed}");
    let never = |line: &str| line.matches("never").count();
    assert_eq!(lines.iter().map(|line| never(line)).collect::<Vec<_>>(), [1, 2], "{listed}");
    assert!(!listed.contains(new), "{listed}");
    let new_id = lines[1].split_whitespace().next().unwrap();
    let ended = key(&["rotate", new_id, "--keep", "0s"]);
    let expired = ended.lines().find(|line| line.starts_with(new_id)).unwrap();
    assert!(expired.contains(" expired "), "{ended}");
    let last_id = ended.lines().nth(2).unwrap().split_whitespace().next().unwrap();
    key(&["revoke", last_id]);
    key(&["revoke", new_id]);
    key(&["revoke", id]);
    assert!(!key(&["list"]).contains("ann"));
}

#[test]
fn an_error_names_the_variable_that_gave_the_option() {
    let folder = tempfile::tempdir().unwrap();
    let store = sqlite_url(folder.path());
    let file = folder.path().join("key");
    std::fs::write(&file, "short").unwrap();
    let file = file.to_str().unwrap();
    for (variable, args, told) in [
        (
            ("SPIDERQ_ADMIN_KEY", Stack::KEY),
            &["serve", "--store", &store, "--admin-key-file", file][..],
            "error: the argument '--admin-key-file <FILE>' cannot be used with 'SPIDERQ_ADMIN_KEY'",
        ),
        (
            ("SPIDERQ_LISTEN", "nowhere"),
            &["serve", "--store", &store],
            "error: invalid value 'nowhere' for 'SPIDERQ_LISTEN'",
        ),
        (
            ("SPIDERQ_TOKEN_SECRET", "short"),
            &["serve", "--store", &store],
            "spiderq: SPIDERQ_TOKEN_SECRET: must be at least 16 bytes",
        ),
        (
            ("SPIDERQ_ADMIN_KEY_FILE", file),
            &["serve", "--store", &store],
            "spiderq: SPIDERQ_ADMIN_KEY_FILE: must be 32 hexadecimal characters",
        ),
        (("SPIDERQ_STORE", "mysql://x"), &["fsck"], "spiderq: SPIDERQ_STORE: must be "),
        (("SPIDERQ_LOG", "a=b=c"), &["serve", "--store", &store], "spiderq: SPIDERQ_LOG: "),
        (
            ("SPIDERQ_DATA_DIR", "/proc/none"),
            &["runner", "--project", "1", "--api-key", Stack::KEY, "--command", "true"],
            "spiderq: SPIDERQ_DATA_DIR: can't write to /proc/none",
        ),
        (
            ("SPIDERQ_SERVER", "no url"),
            &["key", "list", "--admin-key", Stack::KEY],
            "spiderq: SPIDERQ_SERVER: must be a URL",
        ),
    ] {
        let (status, out, error) = run_in(&[variable], args);
        let last = error.lines().find(|line| line.contains(told));
        assert!(!status.success() && last.is_some(), "{told}:\n{out}{error}");
    }
}

#[test]
fn a_wrong_setting_leaves_no_store_behind() {
    let folder = tempfile::tempdir().unwrap();
    let store = sqlite_url(folder.path());
    let short = folder.path().join("short");
    std::fs::write(&short, "short").unwrap();
    let short = short.to_str().unwrap();
    for args in [
        ["--admin-key-file", short],
        ["--token-secret-file", short],
        ["--admin-key-file", "/no/file"],
        ["--cors-origin", "nowhere"],
    ] {
        let (status, _, error) = run(&[&["serve", "--store", &store][..], &args].concat());
        assert!(!status.success() && error.contains(&format!("{}: ", args[0])), "{error}");
        assert!(!folder.path().join("spiderq.db").exists(), "{args:?}");
    }
    let both = ["--admin-key-file", "-", "--token-secret-file", "-"];
    let (status, _, error) = run(&[&["serve", "--store", &store][..], &both].concat());
    let told = "spiderq: --admin-key-file and --token-secret-file: only one secret can come from \
                standard input (-)\n";
    assert!(!status.success());
    assert_eq!(error, told);
}

#[test]
fn what_a_server_refuses_is_told_in_the_words_of_the_command() {
    let folder = tempfile::tempdir().unwrap();
    let server = Program::serve(&sqlite_url(folder.path()), &[]);
    for (args, told) in [
        (
            &["key", "create", "ann", "--role", "admin", "--project", "1"][..],
            "spiderq: --project: must be empty for the role admin\n",
        ),
        (
            &["key", "create", "ann", "--project", "0"],
            "spiderq: --project: must be a positive integer\n",
        ),
        (&["key", "create", "ann", "--all-projects", "--expires", "1970-01-02"], "--expires: "),
        (&["key", "create", "", "--all-projects"], "spiderq: NAME: "),
        (&["key", "revoke", ""], "spiderq: ID: is required\n"),
        (&["key", "rotate", "x", "--keep", "31d"], "for '--keep <SPAN>': must be at most 30d"),
        (&["audit", "--project=-1"], "spiderq: --project: "),
        (&["audit", "--call", "StopJob"], "[possible values: Authenticate, CancelJobs, "),
    ] {
        let login = ["--server", &server.url, "--admin-key", Stack::KEY];
        let (status, out, error) = run(&[args, &login].concat());
        assert!(!status.success() && error.contains(told), "{told}: {out}{error}");
    }
}

#[test]
fn acts_of_the_command_line_are_kept_with_a_request_id() {
    let folder = tempfile::tempdir().unwrap();
    let server = Program::serve(&sqlite_url(folder.path()), &[]);
    let ran = |args: &[&str]| {
        let login = ["--server", &server.url, "--admin-key", Stack::KEY];
        let (status, out, error) = run(&[args, &login].concat());
        assert!(status.success(), "{args:?}: {error}");
        out
    };
    ran(&["key", "create", "ann", "--all-projects"]);
    ran(&["key", "create", "bob", "--all-projects"]);
    let listed = ran(&["audit", "--call", "CreateApiKey", "--output", "json"]);
    let id = |line: &str| {
        let event: serde_json::Value = serde_json::from_str(line).unwrap();
        event["request_id"].as_str().unwrap().to_owned()
    };
    let ids: Vec<String> = listed.lines().map(id).collect();
    assert!(ids.len() == 2 && ids.iter().all(|id| id.len() == 36) && ids[0] != ids[1], "{ids:?}");
}

#[tokio::test]
async fn sizes_have_units() {
    let folder = tempfile::tempdir().unwrap();
    let store = sqlite_url(folder.path());
    let (status, _, error) = run(&["serve", "--store", &store, "--max-memory", "31MiB"]);
    assert!(!status.success() && error.contains("must be at least 32MiB"), "{error}");
    let (_, help, _) = run(&["runner", "--help"]);
    assert!(help.contains("[default: 64MiB]") && help.contains("[default: 10GiB]"), "{help}");
    let program = Program::serve(&store, &["--max-body", "4KiB", "--max-memory", "32MiB"]);
    let http = Http::new(&program.url).basic(Stack::KEY, "");
    for (length, status) in [(4_000, 200), (4_200, 413)] {
        let line = format!("{{\"spider\":\"s\",\"text\":\"{}\"}}", "x".repeat(length - 24));
        assert_eq!(http.post("/jobq/1/push", line).await.status, status, "{length}");
    }
}
