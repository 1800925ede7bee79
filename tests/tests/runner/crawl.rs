//! A spider that runs to its end: metadata, statistics, logs and items of its job are correct.

use std::fs;

use serde_json::{Value, json};
use spiderq_tests::StoreKind;

use crate::world::{VERSION, World};

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_metadata_of_a_crawl_is_correct() {
    for kind in StoreKind::ALL {
        let world = World::start(kind).await;
        let job = world
            .schedule(
                "books",
                &[
                    ("url", &world.site.url),
                    ("arg2", "val2"),
                    ("add_tag", "tag1"),
                    ("add_tag", "tag2"),
                    ("units", "2"),
                    ("job_settings", r#"{"LOG_LEVEL": "DEBUG"}"#),
                ],
            )
            .await;
        world.runner(&["--once", "--units", "2", "--deploy-id", "7"]).join();
        let metadata = world.metadata(&job).await;
        fields(&world, &job, &metadata);
        stats(&world, &job, &metadata["scrapystats"]);
        row(&world, &job, &metadata).await;
    }
}

/// Every field of the documents' example, and those of ours.
fn fields(world: &World, job: &str, metadata: &Value) {
    let path = |name: &str| world.file(job, name).to_str().unwrap().to_owned();
    let same = |name: &str| metadata[name].clone();
    let expected = json!({
        "api_url": format!("{}/api/", world.stack.url),
        "close_reason": "finished",
        "completed_by": "jobrunner",
        "deploy_id": 7,
        "finished_time": same("finished_time"),
        "items_path": path("items.1.jl"),
        "job_settings": {"LOG_LEVEL": "DEBUG"},
        "log_path": path("log.1.jl"),
        "pending_time": same("pending_time"),
        "priority": 2,
        "project": 1,
        "runner": same("runner"),
        "running_time": same("running_time"),
        "scheduled_by": "testuser",
        "scrapystats": same("scrapystats"),
        "spider": "books",
        "spider_args": {"url": world.site.url, "arg2": "val2"},
        "spider_type": "manual",
        "started_by": "jobrunner",
        "state": "finished",
        "tags": ["tag1", "tag2"],
        "units": 2,
        "version": VERSION,
    });
    assert_eq!(*metadata, expected);
    assert!(metadata["runner"].as_str().unwrap().starts_with("test@"), "{metadata}");
    let time = |name: &str| metadata[name].as_u64().unwrap();
    assert!(time("pending_time") > 1_700_000_000_000);
    assert!(time("pending_time") <= time("running_time"));
    assert!(time("running_time") < time("finished_time"));
    for name in documented() {
        assert!(metadata.get(&name).is_some(), "{name} is missing");
    }
}

/// The names of the fields in the documents' example.
fn documented() -> Vec<String> {
    let data = concat!(env!("CARGO_MANIFEST_DIR"), "/data/documented_examples/000_metadata.json");
    let data: Value = serde_json::from_str(&fs::read_to_string(data).unwrap()).unwrap();
    let steps = data[0]["steps"].as_array().unwrap();
    let shown = steps.iter().filter_map(|step| step["raw"].as_object());
    let shown = shown.max_by_key(|object| object.len()).unwrap();
    assert!(shown.len() >= 17, "{shown:?}");
    shown.keys().cloned().collect()
}

/// Scrapy's statistics, against what the site was asked for and what lies in the files.
fn stats(world: &World, job: &str, stats: &Value) {
    let asked = world.site.asked();
    let pages = ["/1", "/2", "/3"];
    let good = asked.iter().filter(|path| pages.contains(&path.as_str())).count();
    let is = |name: &str, count: usize| assert_eq!(stats[name], json!(count), "{name} in {stats}");
    is("downloader/request_count", asked.len());
    is("downloader/request_method_count/GET", asked.len());
    is("downloader/response_count", asked.len());
    is("downloader/response_status_count/200", good);
    is("downloader/response_status_count/404", asked.len() - good);
    is("response_received_count", asked.len());
    is("robotstxt/request_count", 1);
    is("robotstxt/response_status_count/404", 1);
    is("scheduler/enqueued/disk", asked.len() - 1);
    is("scheduler/dequeued/disk", asked.len() - 1);
    is("item_scraped_count", 2 * good);
    assert_eq!(stats["finish_reason"], "finished");
    let number = |name: &str| stats[name].as_f64().unwrap();
    let elapsed = number("finish_time") - number("start_time");
    assert!((elapsed - 1000.0 * number("elapsed_time_seconds")).abs() < 500.0, "{stats}");
    assert!(number("memusage/max") > 1e7, "{stats}");

    let items = world.lines(job, "items.1.jl");
    assert_eq!(items.len(), 2 * good);
    let first = json!({"title": "a of /1", "url": format!("{}/1", world.site.url),
        "_type": "dict"});
    assert_eq!(items[0], first);
    let log = world.lines(job, "log.1.jl");
    let of_level = |level: u64| log.iter().filter(|line| line["level"] == level).count();
    let told = world.messages(job).join("\n");
    assert!(told.contains("'scrapy.extensions.corestats.CoreStats'"), "{told}");
    for server in ["RemoteControl", "Remote control", "TelnetConsole", "Telnet"] {
        assert!(!told.contains(server), "{server}: {told}");
    }
    is("log_count/ERROR", of_level(40));
    assert_eq!(of_level(40), 1);
    assert!(stats["log_count/DEBUG"].as_u64().unwrap() >= asked.len() as u64);
}

async fn row(world: &World, job: &str, metadata: &Value) {
    let stats = metadata["scrapystats"].as_object().unwrap();
    // What the server has of it, which Scrapy does not count alike.
    let count = |name| world.lines(job, name).len();
    let row = world.row(job).await;
    let expected = json!({
        "id": job,
        "spider": "books",
        "state": "finished",
        "spider_type": "manual",
        "priority": 2,
        "tags": ["tag1", "tag2"],
        "version": VERSION,
        "spider_args": metadata["spider_args"],
        "close_reason": "finished",
        "started_time": row["started_time"],
        "updated_time": row["updated_time"],
        "elapsed": row["elapsed"],
        "items_scraped": stats["item_scraped_count"],
        "responses_received": count("requests.1.jl"),
        "errors_count": 1,
        "logs": count("log.1.jl"),
    });
    assert_eq!(row, expected);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn settings_too_long_for_a_variable_reach_the_spider() {
    let world = World::start(StoreKind::Sqlite).await;
    let long = "x".repeat(200_000);
    let settings = format!(r#"{{"LONG": "{long}", "CLOSESPIDER_ITEMCOUNT": 1}}"#);
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(&file, settings).unwrap();
    let form = [
        "project=1".to_owned(),
        "spider=books".to_owned(),
        format!("url={}", world.site.url),
        format!("job_settings@{}", file.path().display()),
    ];
    let job = world.curl("/api/run.json", &form).await["jobid"].clone();
    let job = job.as_str().unwrap().to_owned();
    world.runner(&["--once", "--rotate-bytes", "300"]).join();
    let metadata = world.metadata(&job).await;
    assert_eq!(metadata["close_reason"], "closespider_itemcount");
    assert!(metadata.get("deploy_id").is_none(), "nobody said it");
    // What did not fit the first file is in the next.
    assert!(fs::metadata(world.file(&job, "log.1.jl")).unwrap().len() <= 1_000);
    assert!(!world.lines(&job, "log.2.jl").is_empty());
}
