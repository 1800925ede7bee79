use super::*;
use crate::domain::test_world::*;
use spiderq_core::model::Counters;

async fn push(world: &World, jobs: Vec<Result<PushJob>>) -> Vec<Result<PushedJob>> {
    world.domain.push_jobs(&caller(Role::User), world.project, jobs, None).await.unwrap()
}

#[tokio::test]
async fn each_job_is_accepted_or_refused_on_its_own_and_in_order() {
    let world = World::new();
    let unique = || PushJob { unique: Some("u".to_owned()), ..push_job("books") };
    let malformed = PushJob { metadata: metadata(&[("units", "7")]), ..push_job("books") };
    let undecoded = Err(Error::invalid("spider", "is required"));
    let jobs = vec![Ok(unique()), Ok(malformed), undecoded, Ok(unique()), Ok(push_job("books"))];
    let results: Vec<String> = push(&world, jobs).await.into_iter().map(message).collect();
    let expected = [
        "no error",
        "units: must be an integer from 1 to 6",
        "spider: is required",
        "Active job exists with key u",
        "no error",
    ];
    assert_eq!(results, expected);
    assert_eq!(world.push(push_job("books")).await, world.key(3), "refused jobs take no number");
}

#[tokio::test]
async fn only_a_job_pushed_as_running_has_a_token() {
    let world = World::new();
    let jobs = State::ALL.map(|state| Ok(PushJob { state, ..push_job("books") }));
    let tokens = push(&world, jobs.into()).await.into_iter().map(|pushed| pushed.unwrap().1);
    let tokens: Vec<Option<String>> = tokens.collect();
    let token = tokens[1].as_deref().unwrap();
    assert_eq!(world.domain.auth().tokens().check(token), Some((world.key(2), 1)));
    assert_eq!(tokens.iter().flatten().count(), 1);
}

#[tokio::test]
async fn reserved_fields_of_the_metadata_set_what_the_job_does_not() {
    let world = World::new();
    let fields = [
        ("priority", "4"),
        ("units", "3"),
        ("tags", r#"["meta"]"#),
        ("scrapystats", r#"{"item_scraped_count": 2}"#),
        ("finished_time", "1"),
    ];
    let job = PushJob { metadata: metadata(&fields), ..push_job("books") };
    let job = world.job(world.push(job).await).await;
    assert_eq!((job.priority.get(), job.units.get()), (4, 3));
    assert_eq!(job.tags, tags(&["meta"]));
    let zero = Some(0);
    assert_eq!(job.counters, Counters { items: Some(2), pages: zero, logs: zero, errors: zero });
    assert_eq!(field(&job, "finished_time"), None, "a field that only the service sets");
    let job = PushJob {
        metadata: metadata(&fields),
        priority: Some(Priority::new(1).unwrap()),
        tags: tags(&["own"]),
        ..push_job("books")
    };
    let job = world.job(world.push(job).await).await;
    assert_eq!((job.priority.get(), &job.tags), (1, &tags(&["own"])));
}

#[tokio::test]
async fn more_jobs_than_one_step_takes_are_pushed_in_several() {
    let world = World::new();
    let jobs = (0..MAX_BATCH + 50).map(|_| Ok(push_job("books"))).collect();
    let keys: Vec<JobKey> =
        push(&world, jobs).await.into_iter().map(|job| job.unwrap().0).collect();
    assert_eq!(keys, world.keys(150));
}

#[tokio::test]
async fn a_repeated_request_adds_no_second_job() {
    let world = World::new();
    let user = caller(Role::User);
    for _ in 0..2 {
        let id = RequestId::parse("id", user.actor(), "PushJobs", b"").unwrap();
        let jobs = vec![Ok(push_job("books"))];
        let pushed = world.domain.push_jobs(&user, world.project, jobs, id).await.unwrap();
        assert_eq!(pushed[0].as_ref().unwrap().0, world.key(1));
    }
    assert!(!world.exists(world.key(2)).await);
}

#[tokio::test]
async fn a_refused_push_is_judged_anew_under_its_request_id() {
    let world = World::new();
    let user = caller(Role::User);
    let push = async |body: &[u8], units: &str| {
        let id = RequestId::parse("id", user.actor(), "PushJobs", body).unwrap();
        let unique = PushJob { unique: Some("u".to_owned()), ..push_job("books") };
        let jobs = vec![Ok(PushJob { metadata: metadata(&[("units", units)]), ..unique })];
        let pushed = world.domain.push_jobs(&user, world.project, jobs, id).await.unwrap();
        message(pushed[0].clone())
    };
    assert_eq!(push(b"bad", "7").await, "units: must be an integer from 1 to 6");
    let active = PushJob { unique: Some("u".to_owned()), ..push_job("books") };
    let active = world.push(active).await;
    assert_eq!(push(b"good", "1").await, "Active job exists with key u");
    let stop = world.domain.stop_keys(&user, world.project, &[active], None).await;
    assert_eq!(stop.unwrap(), 1);
    for _ in 0..2 {
        assert_eq!(push(b"good", "1").await, "no error");
    }
    assert!(!world.exists(world.key(3)).await);
}

#[tokio::test]
async fn too_few_and_too_many_jobs_and_lower_roles_are_refused() {
    let world = World::new();
    let pushed = async |role, jobs: usize| {
        let jobs = (0..jobs).map(|_| Ok(push_job("books"))).collect();
        message(world.domain.push_jobs(&caller(role), world.project, jobs, None).await)
    };
    assert_eq!(pushed(Role::User, 0).await, "jobs: at least one is required");
    assert_eq!(pushed(Role::User, 1_001).await, "jobs: at most 1000 in one call");
    assert!(pushed(Role::Worker, 1).await.contains("role user or above"));
    assert!(!world.exists(world.key(1)).await);
}

#[tokio::test]
async fn a_spider_by_number_must_exist_and_the_other_jobs_are_pushed() {
    let world = World::new();
    world.push_many(1).await;
    let by_number = |number| {
        let spider = SpiderRef::Number(SpiderId::new(number).unwrap());
        Ok(PushJob { spider, ..push_job("books") })
    };
    let pushed = push(&world, vec![by_number(1), by_number(2), by_number(1)]).await;
    let keys = pushed.iter().map(|one| one.as_ref().ok().map(|(key, _)| *key));
    let expected = [Some(world.key(2)), None, Some(world.key(3))];
    assert_eq!(keys.collect::<Vec<_>>(), expected);
    assert_eq!(message(pushed[1].clone()), "there is no spider 53/2");
}

#[tokio::test]
async fn named_fields_become_metadata() {
    let world = World::new();
    let named = NamedFields { version: Some("v1".to_owned()), ..NamedFields::default() };
    let key = world.push(PushJob { named, ..push_job("books") }).await;
    assert_eq!(field(&world.job(key).await, "version"), Some("\"v1\""));
}
