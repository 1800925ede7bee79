//! A runner is listed by the server from its start to its end.

use serde_json::{Value, json};
use spiderq_tests::{StoreKind, eventually};

use crate::world::World;

/// The runners of project 1, once there are so many in this state.
async fn listed(world: &World, state: &str, count: usize) -> Vec<Value> {
    let found = async || {
        let all = world.curl("/api/runners.json?project=1&gone=1", &[]).await;
        let all = all["runners"].as_array().unwrap().clone();
        let found: Vec<Value> = all.into_iter().filter(|one| one["state"] == state).collect();
        (found.len() == count).then_some(found)
    };
    eventually(&format!("not {count} runners are {state}"), found).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_runner_is_listed_with_its_spiders_drains_and_stops() {
    for kind in StoreKind::ALL {
        let world = World::start(kind).await;
        let job = world.schedule("endless", &[("url", &world.site.url), ("units", "2")]).await;
        let mut runner = world.runner(&["--units", "4", "--lacks-tag", "x"]);
        runner.wait_for(&format!("started job=\"{job}\""));
        let mut found = listed(&world, "active", 1).await.remove(0);
        assert!(found["name"].as_str().unwrap().starts_with("test@"), "{found}");
        let spiders = found["spiders"].as_array().unwrap();
        assert!(spiders.contains(&json!("endless")) && spiders.contains(&json!("books")));
        assert!(found["free_disk_bytes"].as_u64().unwrap() > 0, "{found}");
        let changing = ["id", "name", "spiders", "free_disk_bytes", "start_time", "report_time"];
        // The job may be told by the first report or by the second.
        for name in changing.into_iter().chain(["running_units", "running_jobs"]) {
            found.as_object_mut().unwrap().remove(name).unwrap();
        }
        let expected = json!({
            "state": "active", "version": env!("CARGO_PKG_VERSION"), "projects": [1],
            "only_spiders": [], "has_tags": [], "lacks_tags": ["x"], "units": 4,
        });
        assert_eq!(found, expected);
        let tagged = [typo(), vec!["add_tag=x".to_owned()]].concat();
        let warned = world.curl("/api/run.json", &tagged).await;
        let warnings = ["no runner has the spider boks", "no runner takes this job now"];
        assert_eq!(warned["warnings"], json!(warnings));
        runner.signal();
        let draining = listed(&world, "draining", 1).await.remove(0);
        let load = (&draining["running_jobs"], &draining["running_units"]);
        assert_eq!(load, (&json!(1), &json!(2)));
        world.stop(&job).await;
        runner.join();
        listed(&world, "stopped", 1).await;
    }
}

fn typo() -> Vec<String> {
    ["project=1", "spider=boks"].map(str::to_owned).to_vec()
}

/// A program that is no Scrapy project runs whatever spider a job names.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_runner_of_a_command_lists_no_spiders_and_says_so() {
    let world = World::start(StoreKind::Sqlite).await;
    let runner = world.runner_of(&["--command", "true", "--spider", "a,b", "--tag", "t"]);
    let found = listed(&world, "active", 1).await.remove(0);
    assert_eq!(found["spiders"], Value::Null);
    assert_eq!(found["only_spiders"], json!(["a", "b"]));
    assert_eq!(found["has_tags"], json!(["t"]));
    // It may have any spider, but takes only these.
    let warned = world.curl("/api/run.json", &typo()).await;
    assert_eq!(warned["warnings"], json!(["no runner takes this job now"]));
    runner.signal();
    runner.join();
}
