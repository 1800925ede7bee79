//! A method that a path does not take: 405 in the form of its family, with those that it takes.

use crate::fake::Fake;

const DASH: &str = r#"{"status":"error","message":"this path does not take this method"}"#;
const STORAGE: &str =
    r#"{"error":"Method Not Allowed","message":"this path does not take this method"}"#;

const PATHS: [(&str, &str); 47] = [
    ("/api/run.json", "POST"),
    ("/api/schedule.json", "POST"),
    ("/api/jobs/list.json", "GET,HEAD"),
    ("/api/jobs/list.jl", "GET,HEAD"),
    ("/api/jobs/count.json", "GET,HEAD"),
    ("/api/jobs/update.json", "POST"),
    ("/api/jobs/delete.json", "POST"),
    ("/api/jobs/stop.json", "POST"),
    ("/api/scrapyd/listprojects.json", "GET,HEAD"),
    ("/api/spiders/list.json", "GET,HEAD"),
    ("/api/settings/get.json", "GET,HEAD"),
    ("/api/v2/projects/1/spiders", "GET,HEAD"),
    ("/api/v2/projects/1/spiders/2", "GET,HEAD,PATCH"),
    ("/api/v2/projects/1/spiders/2/tags", "PATCH"),
    ("/api/v2/users/me", "GET,HEAD"),
    ("/jobq/1/count", "GET,HEAD"),
    ("/jobq/1/list", "GET,HEAD"),
    ("/jobq/1/push", "POST"),
    ("/jobq/1/startjob", "POST"),
    ("/jobq/1/update", "POST"),
    ("/jobq/1/2/3/cancel", "POST"),
    ("/jobq/1/cancel", "POST"),
    ("/jobq/1/summary", "GET,HEAD"),
    ("/jobq/1/2/summary/finished", "GET,HEAD"),
    ("/jobq/1/jobsummary", "GET,HEAD"),
    ("/projects/1/jobsummary", "GET,HEAD"),
    ("/projects/jobsummaries", "GET,HEAD"),
    ("/spiders/1/lastjobsummary", "GET,HEAD"),
    ("/spiders/1/2/lastjobsummary", "GET,HEAD"),
    ("/ids/1/spider/name", "GET,HEAD"),
    ("/projects/1/settings", "GET,HEAD,POST,DELETE"),
    ("/projects/1/settings/name", "GET,HEAD,POST,DELETE"),
    ("/system/ts", "GET,HEAD"),
    ("/session", "GET,HEAD,POST,DELETE"),
    ("/jobs/1/2/3", "GET,HEAD,POST,DELETE"),
    ("/jobs/1/2/3/auth", "GET,HEAD,POST,DELETE"),
    ("/jobs/1/2/3/field/", "GET,HEAD,POST,DELETE"),
    ("/items/1", "GET,HEAD"),
    ("/items/1/2", "GET,HEAD"),
    ("/items/1/2/3", "GET,HEAD,POST"),
    ("/logs/1/2/3/", "GET,HEAD,POST"),
    ("/requests/1/2/3/stats", "GET,HEAD"),
    ("/samples/1/2/3", "GET,HEAD,POST"),
    ("/items/1/2/3/0", "GET,HEAD"),
    ("/items/1/2/3/0/field", "GET,HEAD"),
    ("/api/items.jl", "GET,HEAD"),
    ("/api/log.txt", "GET,HEAD"),
];

#[tokio::test]
async fn wrong_methods_are_405_with_the_right_ones() {
    for (path, allowed) in PATHS {
        let body = if path.starts_with("/api/") { DASH } else { STORAGE };
        for method in ["GET", "HEAD", "POST", "DELETE", "PATCH", "PUT", "OPTIONS", "BREW"] {
            if allowed.split(',').any(|one| one == method) {
                continue;
            }
            let fake = Fake::default();
            let reply = fake.with(method, path, &[], "").await;
            let body = if method == "HEAD" { "" } else { body };
            assert_eq!(reply.code_and_body(), (405, body), "{method} {path}");
            assert_eq!(reply.header("allow"), Some(allowed), "{method} {path}");
            assert_eq!(reply.header("content-type"), Some("application/json"));
            assert_eq!(fake.calls(), 0);
        }
    }
}
