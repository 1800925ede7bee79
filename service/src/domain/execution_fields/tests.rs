use super::*;
use crate::domain::{MetadataCondition, PushJob, QueueUpdate, StartJob, test_world::*};
use spiderq_core::{
    limits::DEFAULT_LEASE_MS,
    model::{Priority, State, Units},
};

/// A job with something of everything that a runner executes by.
const RUN: [(&str, &str); 8] = [
    ("api_url", "\"http://a/api/\""),
    ("cmd_args", "\"x y\""),
    ("environment", r#"{"A": "1", "B": 1e2}"#),
    ("job_cmd", "[\"py:s.py\"]"),
    ("job_settings", "{\"L\":1.50}"),
    ("spider_args", r#"{"a":"1"}"#),
    ("spider_type", "\"manual\""),
    ("deploy_id", "7"),
];

async fn scheduled(world: &World, fields: &[(&str, &str)]) -> JobKey {
    world.push(PushJob { metadata: metadata(fields), ..push_job("books") }).await
}

/// Sets fields of the job as a worker without the fence.
async fn set(world: &World, by: &Caller, key: JobKey, fields: &[(&str, &str)]) -> Result<()> {
    let condition = MetadataCondition::default();
    world.domain.set_job_metadata(by, key, metadata(fields), condition).await.map(|_| ())
}

/// Lets the lease end, and the job go back to the queue and to another attempt.
async fn next_attempt(world: &World) -> Job {
    world.pass(DEFAULT_LEASE_MS);
    crate::domain::Reaper::new(world.domain.clone()).round().await.unwrap();
    world.start().await.job
}

#[test]
fn rows_are_read_with_the_reported_version() {
    assert!(SCHEDULED.is_sorted());
    assert!(FieldSelection::Row.includes(report_of("version").unwrap()));
}

#[tokio::test]
async fn workers_and_jobs_change_nothing_that_is_executed() {
    let world = World::new();
    let key = scheduled(&world, &RUN).await;
    let started = world.start().await;
    for by in [caller(Role::Worker), token_of(&started)] {
        for name in SCHEDULED {
            let json = if ["priority", "units"].contains(&name) { "4" } else { "{\"C\":\"1\"}" };
            let refused = set(&world, &by, key, &[(name, json), ("note", "1")]).await;
            let expected = format!("{name}: only keys of role user or above may set it");
            assert_eq!(message(refused), expected);
            let field = FieldName::known(name);
            let condition = MetadataCondition::default();
            let refused = world.domain.delete_job_metadata(&by, key, field, condition).await;
            assert_eq!(message(refused), expected);
        }
    }
    let started = world.job(key).await;
    assert_eq!(field(&started, "note"), None, "nothing of a refused write is done");
    let again = next_attempt(&world).await;
    for (name, json) in RUN {
        assert_eq!(field(&again, name), Some(json));
    }
    assert_eq!((again.priority, again.units), (Priority::default(), Units::default()));
    assert_eq!(again.attempt, 2);
}

#[tokio::test]
async fn a_start_of_a_worker_sets_nothing_that_is_executed() {
    let world = World::new();
    scheduled(&world, &[]).await;
    let start = |fields: &[(&str, &str)]| StartJob {
        metadata: metadata(fields),
        ..start_job(world.project)
    };
    let bad = [("units", "1"), ("environment", "{}"), ("note", "1")];
    let refused = world.domain.start_job(&caller(Role::Worker), start(&bad), None).await;
    let refused = refused.unwrap_err();
    let text = "environment, units: only keys of role user or above may set them";
    assert_eq!(refused.to_string(), text);
    let paths: Vec<String> = refused.violations().into_iter().map(|one| one.path).collect();
    assert_eq!(paths, ["metadata_json[\"environment\"]", "metadata_json[\"units\"]"]);
    assert_eq!(world.state(world.key(1)).await, State::Pending);
    let started = world.domain.start_job(&caller(Role::User), start(&bad), None).await;
    assert_eq!(field(&started.unwrap().unwrap().job, "environment"), Some("{}"));
}

#[tokio::test]
async fn an_update_is_refused_alone_and_names_its_fields() {
    let world = World::new();
    for n in ["1", "2", "3"] {
        scheduled(&world, &[("environment", "{}"), ("n", n)]).await;
        world.start().await;
    }
    let settings = metadata(&[("job_settings", "{\"X\":1}"), ("note", "1")]);
    let updates = vec![
        Ok(QueueUpdate { metadata: metadata(&[("note", "1")]), ..queue_update(world.key(1)) }),
        Ok(QueueUpdate {
            metadata: settings,
            units: Some(Units::new(6).unwrap()),
            state: Some(State::Finished),
            ..queue_update(world.key(2))
        }),
        // What it has already is no change.
        Ok(QueueUpdate {
            metadata: metadata(&[("environment", " { } "), ("priority", "2"), ("note", "1")]),
            ..queue_update(world.key(3))
        }),
        Ok(QueueUpdate { metadata: metadata(&[("units", "2")]), ..queue_update(world.key(9)) }),
    ];
    let worker = caller(Role::Worker);
    let done = world.domain.update_queue(&worker, world.project, updates, None).await.unwrap();
    let results: Vec<_> = done.into_iter().map(|job| message(job.result)).collect();
    let refused = "job_settings, units: only keys of role user or above may set them";
    assert_eq!(results, ["no error", refused, "no error", "there is no job 53/1/9"]);
    let job = world.job(world.key(2)).await;
    assert_eq!((job.state, field(&job, "note")), (State::Running, None));
    assert_eq!(field(&world.job(world.key(3)).await, "note"), Some("1"));
}

/// Clients write back what they have read, in their own way of writing JSON.
#[tokio::test]
async fn what_is_as_scheduled_may_be_sent_back() {
    let world = World::new();
    let key = scheduled(&world, &RUN).await;
    let started = world.start().await;
    let back = [
        ("environment", r#"{"B":100.0,"A":"\u0031"}"#),
        ("job_settings", "{\"L\": 1.5}"),
        ("units", "1"),
        ("priority", "2"),
        ("spider_type", "\"manual\""),
        ("note", "1"),
    ];
    set(&world, &token_of(&started), key, &back).await.unwrap();
    let job = world.job(key).await;
    assert_eq!(field(&job, "note"), Some("1"));
    assert_eq!(field(&job, "environment"), Some(r#"{"A": "1", "B": 1e2}"#), "as it was written");
}

#[tokio::test]
async fn a_reported_version_is_shown_and_gone_with_its_attempt() {
    let world = World::new();
    let key = scheduled(&world, &[("deploy_id", "7")]).await;
    let started = world.start().await;
    let report = [("version", "\"v1\""), ("deploy_id", "8")];
    set(&world, &caller(Role::Worker), key, &report).await.unwrap();
    let shown = async || {
        let mut job = world.job(key).await;
        show_reports(&mut job.metadata);
        (field(&job, "version").map(str::to_owned), field(&job, "deploy_id").map(str::to_owned))
    };
    let seven = || Some("7".to_owned());
    assert_eq!(shown().await, (Some("\"v1\"".to_owned()), seven()));
    let mut again = next_attempt(&world).await;
    show_reports(&mut again.metadata);
    assert_eq!((field(&again, "version"), field(&again, "deploy_id")), (None, Some("7")));
    assert_eq!(started.job.attempt + 1, again.attempt);
}

/// A runner may have a key of any role.
#[tokio::test]
async fn what_shows_the_fence_is_a_report_and_what_does_not_is_scheduled() {
    let world = World::new();
    let key = scheduled(&world, &[]).await;
    let started = world.start().await;
    let by_fence =
        MetadataCondition { fence: Some(started.fence.kept()), ..MetadataCondition::default() };
    let fields = metadata(&[("version", "\"ran\"")]);
    let user = caller(Role::User);
    world.domain.set_job_metadata(&user, key, fields, by_fence).await.unwrap();
    assert_eq!(field(&world.job(key).await, "_reported_version"), Some("\"ran\""));
    set(&world, &user, key, &[("version", "\"v2\"")]).await.unwrap();
    assert_eq!(field(&next_attempt(&world).await, "version"), Some("\"v2\""));
    let version = FieldName::known("version");
    let condition = MetadataCondition::default();
    world.domain.delete_job_metadata(&user, key, version, condition).await.unwrap();
    let job = world.job(key).await;
    assert_eq!((field(&job, "version"), field(&job, "_reported_version")), (None, None));
}
