//! Summaries of projects, spiders and jobs over HTTP.

use serde_json::{Value, json};
use spiderq_tests::{Http, Stack};

use crate::{helpers::NOW, on_each_store};

async fn push(http: &Http, project: u64, lines: &[Value]) {
    let lines: Vec<String> = lines.iter().map(Value::to_string).collect();
    let path = format!("/jobq/{project}/push");
    let pushed = http.post(&path, lines.join("\n")).await.ok();
    assert!(pushed.column("key").iter().all(Value::is_string), "{pushed}");
}

#[tokio::test]
async fn the_summary_counts_running_units() {
    on_each_store(async |kind| {
        let stack = Stack::at(kind, NOW).await;
        let http = stack.http();
        let summary = async || http.get("/projects/7/jobsummary").await.ok().json();
        let expected = |pending: u32, running: u32, finished: u32, units: u32| {
            json!({
                "project": 7, "pending": pending, "running": running, "finished": finished,
                "has_capacity": true, "running_units_count": units, "pending_units_max": null,
            })
        };
        assert_eq!(summary().await, expected(0, 0, 0, 0));
        push(&http, 7, &[json!({"spider": "s", "units": 4}), json!({"spider": "s", "units": 2})])
            .await;
        http.post("/jobq/7/startjob", "{}").await.ok();
        assert_eq!(summary().await, expected(1, 1, 0, 4));
        http.post("/jobs/7/1/1/units", "6").await.ok();
        assert_eq!(summary().await, expected(1, 1, 0, 6));
        let lines = r#"{"key":"7/1/1","state":"finished"}"#;
        http.post("/jobq/7/update", lines).await.ok();
        assert_eq!(summary().await, expected(1, 0, 1, 0));
    })
    .await;
}

#[tokio::test]
async fn summaries_show_the_latest_of_each_state() {
    on_each_store(async |kind| {
        let stack = Stack::at(kind, NOW).await;
        let http = stack.http();
        for state in ["finished", "finished", "running", "pending", "deleted"] {
            push(&http, 7, &[json!({"spider": "s", "state": state})]).await;
        }
        push(&http, 7, &[json!({"spider": "t", "state": "finished"})]).await;
        stack.set_time(NOW + 11);
        let row = |key: &str, spider: &str, state: &str| {
            let mut row = json!({
                "key": key, "ts": NOW, "state": state, "elapsed": 11, "spider": spider,
            });
            row[format!("{state}_time")] = NOW.into();
            row
        };
        let pending = row("7/1/4", "s", "pending");
        let running = row("7/1/3", "s", "running");
        let finished = [
            row("7/2/1", "t", "finished"),
            row("7/1/2", "s", "finished"),
            row("7/1/1", "s", "finished"),
        ];
        let line = |name: &str, count: u32, rows: &[Value]| {
            json!({"name": name, "count": count, "summary": rows})
        };
        let all = http.get("/jobq/7/summary").await.ok().lines();
        let expected = [
            line("pending", 1, std::slice::from_ref(&pending)),
            line("running", 1, std::slice::from_ref(&running)),
            line("finished", 3, &finished),
        ];
        assert_eq!(all, expected);
        let one = http.get("/jobq/7/summary/finished?count=1&start=1").await;
        assert_eq!(one.ok().lines(), [line("finished", 3, &finished[1..2])]);
        let spider = http.get("/jobq/7/2/summary").await.ok().lines();
        let expected = [
            line("pending", 0, &[]),
            line("running", 0, &[]),
            line("finished", 1, &finished[..1]),
        ];
        assert_eq!(spider, expected);
        let unknown = http.get("/jobq/7/9/summary/pending").await.ok();
        assert_eq!(unknown.lines(), [line("pending", 0, &[])]);
        let last = http.get("/spiders/7/lastjobsummary").await.ok();
        assert_eq!(last.lines(), [finished[1].clone(), finished[0].clone()]);
        let last = http.get("/spiders/7/2/lastjobsummary").await.ok();
        assert_eq!(last.lines(), [finished[0].clone()]);
        let keys = "/jobq/7/jobsummary?key=7/1/3&key=7/9/9&key=7/1/4";
        assert_eq!(http.get(keys).await.ok().lines(), [running, pending]);
    })
    .await;
}
