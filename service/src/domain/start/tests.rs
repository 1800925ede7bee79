use super::*;
use crate::domain::{NewApiKey, PushJob, test_world::*};
use spiderq_core::{
    limits::{API_KEY_TTL_MS, DEFAULT_LEASE_MS, RECHECK_INTERVAL},
    model::{Priority, Quotas, Tag},
};

/// Makes an API key of a worker; its id and its credentials.
async fn key(world: &World, expires: Option<Millis>) -> (String, Option<Credentials>) {
    let new = NewApiKey {
        owner: Actor::parse("worker").unwrap(),
        role: Role::Worker,
        projects: Vec::new(),
        all_projects: true,
        expires,
        quotas: Quotas::default(),
        request_id: String::new(),
    };
    let (key, record) = world.domain.create_key(&caller(Role::Admin), new).await.unwrap();
    (record.id, Some(Credentials::Key(key)))
}

/// A call that waits a minute, with these credentials.
fn wait(world: &World, credentials: Option<Credentials>) -> StartJob {
    StartJob { wait_ms: 60_000, credentials, ..start_job(world.project) }
}

async fn start(world: &World, start: StartJob) -> Result<Option<StartedJob>> {
    world.domain.start_job(&caller(Role::Worker), start, None).await
}

#[tokio::test]
async fn the_highest_priority_starts_first_and_the_oldest_of_it() {
    let world = World::new();
    for number in [1, 3, 3] {
        let priority = Some(Priority::new(number).unwrap());
        world.push(PushJob { priority, ..push_job("books") }).await;
    }
    let mut order = Vec::new();
    while let Some(started) = start(&world, start_job(world.project)).await.unwrap() {
        order.push(started.job.key);
    }
    assert_eq!(order, [2, 3, 1].map(|job| world.key(job)));
}

#[tokio::test]
async fn a_started_job_has_an_attempt_a_lease_and_a_token() {
    let world = World::new();
    let key = world.push_in(State::Pending).await;
    let started = world.start().await;
    assert_eq!((started.job.key, started.job.state), (key, State::Running));
    assert_eq!((started.job.attempt, entered_by(&started.job, State::Running)), (1, "worker"));
    assert_eq!(started.job.lease_expires, Some(Millis(NOW + DEFAULT_LEASE_MS)));
    assert_eq!(world.domain.auth().tokens().check(&started.token), Some((key, 1)));
}

#[tokio::test]
async fn a_lease_of_zero_never_ends_and_others_have_a_range() {
    let world = World::new();
    world.push_in(State::Pending).await;
    let leased = |lease_ms| StartJob { lease_ms: Some(lease_ms), ..start_job(world.project) };
    for lease_ms in [-1, 999, 3_600_001] {
        let refusal = "lease: must be 0 (no lease) or from 1000 to 3600000 ms";
        assert_eq!(message(start(&world, leased(lease_ms)).await), refusal);
    }
    let started = start(&world, leased(0)).await.unwrap().unwrap();
    assert_eq!(started.job.lease_expires, None);
}

#[tokio::test]
async fn the_filter_of_the_call_selects_the_job() {
    let world = World::new();
    world.push(PushJob { tags: tags(&["slow"]), ..push_job("books") }).await;
    let other = world.push(push_job("news")).await;
    let lacks_tags = vec![Tag::parse("slow").unwrap()];
    let filter = ClaimFilter { lacks_tags, ..ClaimFilter::default() };
    let call = || StartJob { filter: filter.clone(), ..start_job(world.project) };
    assert_eq!(start(&world, call()).await.unwrap().unwrap().job.key, other);
    assert!(start(&world, call()).await.unwrap().is_none());
}

#[tokio::test]
async fn a_filter_has_at_most_as_many_names_as_allowed() {
    let world = World::new();
    let spiders = (0..=MAX_BATCH).map(|n| spider_name(&format!("s{n}"))).collect();
    let filter = ClaimFilter { spiders, ..ClaimFilter::default() };
    let call = StartJob { filter, ..start_job(world.project) };
    assert_eq!(message(start(&world, call).await), "spiders: at most 100 in one call");
    let has_tags = (0..=MAX_TAGS).map(|n| Tag::parse(&n.to_string()).unwrap()).collect();
    let filter = ClaimFilter { has_tags, ..ClaimFilter::default() };
    let call = StartJob { filter, ..start_job(world.project) };
    assert_eq!(message(start(&world, call).await), "has_tags: at most 64 in one call");
}

#[tokio::test]
async fn metadata_of_the_call_are_set_also_in_a_full_job() {
    let world = World::new();
    let text = |bytes: usize| format!("\"{}\"", "x".repeat(bytes - 2));
    let full = metadata(&[("a", &text((1 << 20) - 1))]);
    world.push(PushJob { metadata: full, ..push_job("books") }).await;
    let call = |bytes| {
        let metadata = metadata(&[("b", &text(bytes - 1)), ("state", "\"finished\"")]);
        StartJob { metadata, ..start_job(world.project) }
    };
    let refusal = "metadata: must be at most 256 KiB in a start";
    assert_eq!(message(start(&world, call(MAX_START_METADATA_BYTES)).await), refusal);
    let started = start(&world, call(MAX_START_METADATA_BYTES - 100)).await.unwrap().unwrap();
    assert!(field(&started.job, "b").is_some());
    assert_eq!(field(&started.job, "state"), None, "a field that only the service sets");
}

#[tokio::test]
async fn a_repeated_request_answers_the_same_attempt() {
    let world = World::new();
    world.push_many(2).await;
    let worker = caller(Role::Worker);
    let mut fences = Vec::new();
    for _ in 0..2 {
        let id = RequestId::parse("id", worker.actor(), "StartJob", b"").unwrap();
        let started = world.domain.start_job(&worker, start_job(world.project), id).await;
        let started = started.unwrap().unwrap();
        assert_eq!(started.job.key, world.key(1));
        fences.push(started.fence);
    }
    assert_eq!(fences[0], fences[1]);
    assert_eq!(world.state(world.key(2)).await, State::Pending);
    // A token of the attempt that another worker has now would let this one write.
    world.pass(DEFAULT_LEASE_MS);
    let id = RequestId::parse("id", worker.actor(), "StartJob", b"").unwrap();
    let late = world.domain.start_job(&worker, start_job(world.project), id).await;
    assert_eq!(message(late), "job 53/1/1 is no longer held by this worker");
}

#[tokio::test(start_paused = true)]
async fn a_waiting_start_gets_a_job_that_is_pushed_meanwhile() {
    let world = World::new();
    let call = wait(&world, key(&world, None).await.1);
    let began = Instant::now();
    let (started, _) = tokio::join!(start(&world, call), async {
        tokio::task::yield_now().await;
        world.push_in(State::Pending).await
    });
    assert_eq!(started.unwrap().unwrap().job.key, world.key(1));
    assert!(began.elapsed() < Duration::from_secs(1), "it did not wait for a timeout");
}

#[tokio::test(start_paused = true)]
async fn a_wait_ends_without_a_job_in_time() {
    let world = World::new();
    let began = Instant::now();
    let (_, credentials) = key(&world, None).await;
    let call = StartJob { wait_ms: 2_000, ..wait(&world, credentials.clone()) };
    assert!(start(&world, call).await.unwrap().is_none());
    assert_eq!(began.elapsed(), Duration::from_secs(2));
    // A caller that gives up sooner is answered before that.
    let deadline = Some(Instant::now() + Duration::from_secs(1));
    let call = StartJob { wait_ms: 2_000, deadline, ..wait(&world, credentials) };
    let began = Instant::now();
    assert!(start(&world, call).await.unwrap().is_none());
    assert_eq!(began.elapsed(), Duration::from_millis(900));
}

#[tokio::test(start_paused = true)]
async fn a_waiter_whose_key_is_revoked_gets_no_job_and_the_next_one_does() {
    let world = World::new();
    let (id, revoked) = key(&world, None).await;
    let (_, good) = key(&world, None).await;
    let (first, second, ()) = tokio::join!(
        start(&world, wait(&world, revoked)),
        start(&world, wait(&world, good)),
        async {
            tokio::task::yield_now().await;
            world.domain.revoke_key(&caller(Role::Admin), &id).await.unwrap();
            world.push_many(1).await;
        }
    );
    assert!(matches!(first, Err(Error::Unauthenticated)), "{first:?}");
    assert_eq!(second.unwrap().unwrap().job.key, world.key(1));
}

#[tokio::test(start_paused = true)]
async fn a_waiter_whose_key_has_expired_gets_no_job() {
    let world = World::new();
    let (_, credentials) = key(&world, Some(Millis(NOW + 1_000))).await;
    let (started, ()) = tokio::join!(start(&world, wait(&world, credentials)), async {
        tokio::task::yield_now().await;
        world.pass(1_000);
        world.push_many(1).await;
    });
    assert!(matches!(started, Err(Error::Unauthenticated)), "{started:?}");
    assert_eq!(world.state(world.key(1)).await, State::Pending);
}

#[tokio::test(start_paused = true)]
async fn waits_end_soon_after_a_revocation_though_no_job_comes() {
    let world = World::new();
    // The second one of the group stands in line; the third waits for a spider that is not there.
    let (id, credentials) = key(&world, None).await;
    let unknown = vec![SpiderId::new(7).unwrap()];
    let unknown = StartJob { spiders: unknown, ..wait(&world, credentials.clone()) };
    let began = Instant::now();
    let (first, second, third, ()) = tokio::join!(
        start(&world, wait(&world, credentials.clone())),
        start(&world, wait(&world, credentials)),
        start(&world, unknown),
        async {
            tokio::task::yield_now().await;
            world.domain.revoke_key(&caller(Role::Admin), &id).await.unwrap();
        }
    );
    for ended in [first, second, third] {
        assert!(matches!(ended, Err(Error::Unauthenticated)), "{ended:?}");
    }
    assert!(began.elapsed() <= Duration::from_millis(1_100), "{:?}", began.elapsed());
}

#[tokio::test(start_paused = true)]
async fn waits_end_after_another_process_has_revoked_their_key() {
    let world = World::new();
    let (id, credentials) = key(&world, None).await;
    let other = world.restarted();
    let began = Instant::now();
    let (ended, ()) = tokio::join!(start(&world, wait(&world, credentials)), async {
        tokio::task::yield_now().await;
        other.domain.revoke_key(&caller(Role::Admin), &id).await.unwrap();
        world.pass(API_KEY_TTL_MS);
    });
    assert!(matches!(ended, Err(Error::Unauthenticated)), "{ended:?}");
    assert!(began.elapsed() <= RECHECK_INTERVAL, "{:?}", began.elapsed());
}

#[tokio::test]
async fn a_wait_out_of_range_and_a_reader_are_refused() {
    let world = World::new();
    for wait_ms in [-1, 60_001] {
        let call = StartJob { wait_ms, ..start_job(world.project) };
        let refusal = "wait: must be from 0 to 60000 ms";
        assert_eq!(message(start(&world, call).await), refusal);
    }
    let reader = caller(Role::Read);
    let refused = world.domain.start_job(&reader, start_job(world.project), None).await;
    assert!(message(refused).contains("role worker or above"));
}
