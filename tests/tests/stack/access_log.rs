//! `--log-requests`: one line for each request, without anything secret.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use spiderq_proto::v1::*;
use spiderq_tests::{Grpc, Http, Program, Stack, sqlite_url};

fn field<'a>(line: &'a str, name: &str) -> Option<&'a str> {
    let value = line.split_once(&format!(" {name}="))?.1;
    Some(value.split(' ').next().unwrap().trim_matches('"'))
}

/// The values of these fields; `-` for one that is not there.
fn fields<const N: usize>(line: &str, names: [&str; N]) -> [String; N] {
    names.map(|name| field(line, name).unwrap_or("-").to_owned())
}

#[tokio::test]
async fn each_request_has_a_line_once_it_is_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let mut program = Program::serve(&sqlite_url(folder.path()), &["--log-requests"]);
    let http = Http::new(&program.url);
    let names = ["owner", "method", "path", "status", "grpc_status", "received", "sent"];

    let body = "{\"spider\":\"s\"}\n";
    let id = [("x-request-id", "pushed")];
    let path = format!("/jobq/1/push?apikey={}", Stack::KEY);
    let pushed = http.send("POST".parse().unwrap(), &path, &id, body).await.ok();
    let line = program.wait_for("request_id=\"pushed\"");
    let sent = pushed.body.len().to_string();
    let received = body.len().to_string();
    assert_eq!(
        fields(&line, names),
        ["admin", "POST", "/jobq/1/push", "200", "-", &received, &sent]
    );
    assert!(field(&line, "peer").unwrap().starts_with("127.0.0.1:"), "{line}");
    assert!(field(&line, "took_ms").unwrap().parse::<u64>().is_ok(), "{line}");
    assert!(line.contains("INFO") && line.contains(" access: request "), "{line}");

    // A body that is not read, since nobody may send it.
    let id = [("x-request-id", "refused")];
    let refused = http.send("POST".parse().unwrap(), "/jobq/1/push", &id, body).await;
    let line = program.wait_for("request_id=\"refused\"");
    assert_eq!(fields(&line, names)[..4], ["-", "POST", "/jobq/1/push", "401"], "{refused}");

    let grpc = Grpc::new(&program.url, Stack::KEY);
    let count = CountJobsRequest { project: 1, ..Default::default() };
    grpc.jobs().count_jobs(count).await.unwrap();
    let line = program.wait_for("JobService/CountJobs");
    let path = "/spiderq.v1.JobService/CountJobs";
    assert_eq!(fields(&line, names), ["admin", "POST", path, "200", "0", "7", "7"]);
    grpc.jobs().get_job(GetJobRequest { key: "1/1/9".to_owned() }).await.unwrap_err();
    let line = program.wait_for("JobService/GetJob");
    assert_eq!(field(&line, "grpc_status"), Some("5"), "{line}");

    let (_, output) = program.terminate();
    let basic = STANDARD.encode(Stack::KEY);
    assert!(!output.contains(Stack::KEY) && !output.contains(&basic[..32]), "{output}");
    assert_eq!(output.matches(" access: ").count(), 4, "{output}");
}

#[tokio::test]
async fn no_request_has_a_line_otherwise() {
    let folder = tempfile::tempdir().unwrap();
    let program = Program::serve(&sqlite_url(folder.path()), &[]);
    Http::new(&program.url).bearer(Stack::KEY).get("/jobq/1/count").await.ok();
    let (_, output) = program.terminate();
    assert!(!output.contains("access"), "{output}");
}
