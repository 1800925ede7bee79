//! Tags of jobs and of spiders, of any text.

use http::Method;
use serde_json::{Value, json};
use spiderq_tests::{Http, Stack};

use crate::{
    hostile_texts::{accepted, encoded, hostile_texts},
    on_each_store,
};

const TAGS: &str = "tags: each must be 1 to 128 bytes of text without control characters";

/// Pushes a job for each line into `project`; the lines of the response.
async fn push(http: &Http, project: u32, lines: impl Iterator<Item = Value>) -> Vec<Value> {
    let lines: String = lines.map(|line| format!("{line}\n")).collect();
    http.post(&format!("/jobq/{project}/push"), lines).await.ok().lines()
}

/// The field `n` of each row of a list.
async fn found(http: &Http, path: &str) -> Vec<Value> {
    http.get(&format!("{path}&state=pending&jobmeta=n")).await.ok().column("n")
}

#[tokio::test]
async fn difficult_tags_stay_distinct() {
    on_each_store(async |kind| {
        let stack = Stack::start(kind).await;
        let http = stack.http();
        let (good, bad): (Vec<String>, Vec<String>) =
            hostile_texts().into_iter().partition(|text| accepted(text, 128));
        let refused = bad.iter().map(|tag| json!({"spider": "s", "tags": ["fine", tag]}));
        for line in push(&http, 1, refused).await {
            assert_eq!(line["error"], TAGS, "{line:.200}");
        }
        for tag in bad.iter().filter(|tag| tag.len() < 8_000) {
            let path = format!("/jobq/1/count?has_tag={}", encoded(tag));
            let message = TAGS.replacen("tags", "has_tag", 1);
            assert_eq!(http.get(&path).await.json()["message"], message, "{tag:?}");
        }
        for project in [1, 2] {
            let line = |tag| json!({"spider": "s", "tags": [tag], "n": format!("{project} {tag}")});
            push(&http, project, good.iter().map(line)).await;
        }
        for (number, tag) in good.iter().enumerate() {
            let key = format!("1/1/{}", number + 1);
            let kept = http.get(&format!("/jobs/{key}/tags")).await.ok().json();
            assert_eq!(kept, json!([tag]));
            for project in [1, 2] {
                let query = format!("/jobq/{project}/list?has_tag={}", encoded(tag));
                assert_eq!(found(&http, &query).await, [format!("{project} {tag}")]);
            }
            let lacking = format!("/jobq/1/count?state=pending&lacks_tag={}", encoded(tag));
            assert_eq!(http.get(&lacking).await.ok().json(), good.len() - 1);
            let form = [("project", "1"), ("job", &key), ("remove_tag", tag), ("add_tag", "none")];
            http.form("/api/jobs/update.json", &form).await.ok();
            let back = [("project", "1"), ("job", &key), ("remove_tag", "none"), ("add_tag", tag)];
            let gone = format!("/jobq/1/count?state=pending&has_tag={}", encoded(tag));
            assert_eq!(http.get(&gone).await.ok().json(), 0, "{tag:?}");
            http.form("/api/jobs/update.json", &back).await.ok();
            assert_eq!(http.get(&gone).await.ok().json(), 1, "{tag:?}");
        }
    })
    .await;
}

#[tokio::test]
async fn tags_of_a_spider_may_be_any_text() {
    on_each_store(async |kind| {
        let stack = Stack::start(kind).await;
        let http = stack.http();
        let spider = "/api/v2/projects/1/spiders/1";
        http.get("/ids/1/spider/s?create=1").await.ok();
        let patch = async |body: Value| {
            let path = format!("{spider}/tags");
            http.send(Method::PATCH, &path, &[], body.to_string()).await
        };
        for tag in hostile_texts() {
            let answer = patch(json!({"add": [&tag]})).await;
            if !accepted(&tag, 128) {
                assert_eq!(answer.status, 400, "{tag:.50?}");
                continue;
            }
            assert_eq!(answer.ok().json()["tags"], json!([&tag]));
            let form = [("project", "1"), ("spider", "s"), ("n", &tag)];
            let run = http.form("/api/run.json", &form).await.ok().json();
            let job = run["jobid"].as_str().unwrap().to_owned();
            let tags = http.get(&format!("/jobs/{job}/tags")).await.ok();
            assert_eq!(tags.json(), json!([&tag]));
            assert_eq!(patch(json!({"remove": [&tag]})).await.ok().json()["tags"], json!([]));
        }
    })
    .await;
}
