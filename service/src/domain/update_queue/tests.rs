use super::*;
use crate::domain::{StartedJob, settings, test_world::*};
use spiderq_core::model::{FenceSecret, SpiderId};

async fn update_by(
    world: &World,
    caller: &Caller,
    updates: Vec<QueueUpdate>,
) -> Result<Vec<UpdatedJob>> {
    let updates = updates.into_iter().map(Ok).collect();
    world.domain.update_queue(caller, world.project, updates, None).await
}

/// The state that each job had before, or why it was refused.
async fn update(world: &World, updates: Vec<QueueUpdate>) -> Vec<(JobKey, Result<State, String>)> {
    let updated = update_by(world, &caller(Role::User), updates).await.unwrap();
    let result =
        |job: UpdatedJob| (job.key.unwrap(), job.result.map_err(|error| error.to_string()));
    updated.into_iter().map(result).collect()
}

fn to(state: State, key: JobKey) -> QueueUpdate {
    QueueUpdate { state: Some(state), ..queue_update(key) }
}

fn spider(number: i64) -> UpdateTarget {
    UpdateTarget::Spider(SpiderRef::Number(SpiderId::new(number).unwrap()))
}

async fn started(world: &World) -> StartedJob {
    world.push_in(State::Pending).await;
    world.start().await
}

#[tokio::test]
async fn jobs_move_forward_only_and_answer_their_state_before() {
    let world = World::new();
    let key = world.push_in(State::Pending).await;
    let moves = [State::Running, State::Running, State::Finished, State::Running];
    let updated = update(&world, moves.map(|state| to(state, key)).into()).await;
    let refused = "job 53/1/1 is finished, it can't become running".to_owned();
    let expected = [Ok(State::Pending), Ok(State::Running), Ok(State::Running), Err(refused)];
    assert_eq!(updated, expected.map(|result| (key, result)));
    let job = world.job(key).await;
    assert_eq!((job.state, job.attempt), (State::Finished, 1));
}

#[tokio::test]
async fn answers_are_in_order() {
    let world = World::new();
    world.push_many(1).await;
    let elsewhere = JobKey::parse("54/1/1").unwrap();
    let keys = [world.key(9), world.key(1), elsewhere, world.key(1)];
    let updated = update_by(&world, &caller(Role::User), keys.map(queue_update).into()).await;
    let answers: Vec<_> = updated
        .unwrap()
        .into_iter()
        .map(|job| (job.update, job.key, message(job.result)))
        .collect();
    let expected = [
        (world.key(9), "there is no job 53/1/9"),
        (world.key(1), "no error"),
        (elsewhere, "key: must be a key of project 53"),
        (world.key(1), "no error"),
    ];
    let expected = (0..).zip(expected).map(|(n, (key, told))| (n, Some(key), told.to_owned()));
    assert_eq!(answers, expected.collect::<Vec<_>>());
}

#[tokio::test]
async fn parameters_of_an_update_take_precedence_over_its_metadata() {
    let world = World::new();
    let key = world.push_in(State::Running).await;
    let fields =
        [("priority", "1"), ("units", "2"), ("tags", "[\"a\"]"), ("close_reason", "\"x\"")];
    let change = QueueUpdate {
        metadata: metadata(&fields),
        priority: Some(Priority::new(4).unwrap()),
        close_reason: Some("finished".to_owned()),
        ..queue_update(key)
    };
    assert_eq!(update(&world, vec![change]).await, [(key, Ok(State::Running))]);
    let job = world.job(key).await;
    assert_eq!((job.priority.get(), job.units.get()), (4, 2));
    assert_eq!(job.tags, tags(&["a"]));
    assert_eq!(field(&job, "close_reason"), Some("\"finished\""));
}

#[tokio::test]
async fn a_malformed_update_is_refused_without_a_job_and_the_others_are_made() {
    let world = World::new();
    world.push_many(2).await;
    let bad =
        QueueUpdate { metadata: metadata(&[("priority", "9")]), ..queue_update(world.key(2)) };
    let updates = vec![
        Ok(to(State::Finished, world.key(1))),
        Ok(bad),
        Err(Error::invalid("key", "is bad")),
        Ok(to(State::Finished, world.key(2))),
    ];
    let user = caller(Role::User);
    let updated = world.domain.update_queue(&user, world.project, updates, None).await.unwrap();
    let told: Vec<_> =
        updated.into_iter().map(|job| (job.update, job.key, message(job.result))).collect();
    let expected = [
        (0, Some(world.key(1)), "no error"),
        (1, None, "priority: must be an integer from 0 (lowest) to 4 (highest)"),
        (2, None, "key: is bad"),
        (3, Some(world.key(2)), "no error"),
    ];
    assert_eq!(told, expected.map(|(update, key, error)| (update, key, error.to_owned())));
    for key in world.keys(2) {
        assert_eq!(world.state(key).await, State::Finished);
    }
}

#[tokio::test]
async fn a_spider_key_means_its_jobs_that_can_enter_the_state() {
    let world = World::new();
    for state in State::ALL {
        world.push_in(state).await;
    }
    let target = spider(1);
    let finish = QueueUpdate { target, ..to(State::Running, world.key(1)) };
    let updated = update(&world, vec![finish]).await;
    let expected = [(world.key(2), Ok(State::Running)), (world.key(1), Ok(State::Pending))];
    assert_eq!(updated, expected, "finished and deleted jobs are not named");
    let unknown = QueueUpdate { target: spider(2), ..queue_update(world.key(1)) };
    assert_eq!(update(&world, vec![unknown]).await, []);
}

#[tokio::test]
async fn a_spider_key_goes_with_no_request_id_and_no_worker() {
    let world = World::new();
    world.push_many(1).await;
    let change = || QueueUpdate { target: spider(1), ..queue_update(world.key(1)) };
    let user = caller(Role::User);
    let id = RequestId::parse("id", user.actor(), "UpdateQueue", b"").unwrap();
    let refused = world.domain.update_queue(&user, world.project, vec![Ok(change())], id).await;
    let refusal = "request_id: can't go with a spider key; name the jobs";
    assert_eq!(message(refused), refusal);
    let refused = update_by(&world, &caller(Role::Worker), vec![change()]).await;
    assert!(message(refused).contains("role user or above"));
}

#[tokio::test]
async fn a_worker_updates_only_jobs_that_it_runs() {
    let world = World::new();
    let own = started(&world).await.job.key;
    let other = world.push_in(State::Running).await;
    let updates = vec![queue_update(own), queue_update(other)];
    let updated = update_by(&world, &caller(Role::Worker), updates).await.unwrap();
    assert_eq!(updated[0].result.as_ref().unwrap(), &State::Running);
    let refused = updated[1].result.as_ref().unwrap_err().to_string();
    assert_eq!(refused, "job 53/1/2 is not run by this key's owner");
}

#[tokio::test]
async fn a_token_updates_only_its_own_job_and_only_while_its_lease_lasts() {
    let world = World::new();
    let started = started(&world).await;
    let (key, token) = (started.job.key, token_of(&started));
    let other = world.push_in(State::Running).await;
    let change = || vec![to(State::Finished, other), queue_update(key)];
    let results = async || {
        let updated = update_by(&world, &token, change()).await.unwrap();
        updated.into_iter().map(|job| message(job.result)).collect::<Vec<_>>()
    };
    let only_own = "a job token reaches only its own job, 53/1/1";
    assert_eq!(results().await, [only_own, "no error"]);
    world.pass(30_000);
    let stale = "job 53/1/1 is no longer held by this worker";
    assert_eq!(results().await, [only_own, stale]);
}

#[tokio::test]
async fn a_stale_fence_refuses_whoever_calls() {
    let world = World::new();
    let started = started(&world).await;
    let fence = Some(Fence::random().unwrap());
    let wrong = QueueUpdate { fence, ..queue_update(started.job.key) };
    let right = QueueUpdate { fence: Some(started.fence.kept()), ..queue_update(started.job.key) };
    let updated = update_by(&world, &caller(Role::Admin), vec![wrong, right]).await.unwrap();
    let results: Vec<_> = updated.into_iter().map(|job| message(job.result)).collect();
    assert_eq!(results, ["job 53/1/1 is no longer held by this worker", "no error"]);
}

/// A short request must not cost as many reads as a thousand spiders.
#[tokio::test]
async fn the_jobs_of_a_spider_are_changed_once_in_a_call() {
    let world = World::new();
    world.push_many(20).await;
    let by_name = UpdateTarget::Spider(SpiderRef::Name(spider_name("books")));
    let targets = std::iter::repeat_with(|| [spider(1), by_name.clone()]).take(500).flatten();
    let note = || metadata(&[("n", "1")]);
    let updates = targets.map(|target| QueueUpdate {
        target,
        metadata: note(),
        ..queue_update(world.key(1))
    });
    let updated = update_by(&world, &caller(Role::User), updates.collect()).await.unwrap();
    assert_eq!(updated.len(), 20 + 999);
    assert!(updated[..20].iter().all(|job| job.update == 0 && job.result.is_ok()));
    let refused = "spider: must be another one in each update of a call";
    for (index, update) in updated[20..].iter().enumerate() {
        assert_eq!((update.update, update.key), (index + 1, None));
        assert_eq!(update.result.as_ref().unwrap_err().to_string(), refused);
    }
}

/// An update that gives the job back.
fn back(job: &StartedJob) -> QueueUpdate {
    QueueUpdate { fence: Some(job.fence.kept()), ..to(State::Pending, job.job.key) }
}

#[tokio::test]
async fn a_worker_gives_its_job_back_before_the_others_however_often() {
    let world = World::new();
    world.set(settings::ON_LOST, "\"finish\"").await;
    let first = started(&world).await;
    let key = first.job.key;
    world.push_in(State::Pending).await;
    let fields = metadata(&[("close_reason", "\"x\""), ("n", "1")]);
    let counters = Counters { items: Some(3), ..Counters::default() };
    update(&world, vec![QueueUpdate { metadata: fields, counters, ..queue_update(key) }]).await;
    let mut held = first;
    for attempt in 1..=4 {
        assert_eq!((held.job.key, held.job.attempt), (key, attempt));
        assert_eq!(update(&world, vec![back(&held)]).await, [(key, Ok(State::Running))]);
        let job = world.job(key).await;
        assert_eq!((job.state, job.counters.items), (State::Pending, Some(0)));
        assert_eq!((field(&job, "close_reason"), field(&job, "n")), (None, Some("1")));
        let refused = update(&world, vec![back(&held)]).await.remove(0).1;
        assert!(refused.is_err(), "its fence is worth nothing any more");
        held = world.start().await;
    }
}

#[tokio::test]
async fn a_job_that_was_asked_to_stop_is_not_given_back_but_ends() {
    let world = World::new();
    let held = started(&world).await;
    let (key, user) = (held.job.key, caller(Role::User));
    world.domain.stop_keys(&user, world.project, &[key], None).await.unwrap();
    assert_eq!(update(&world, vec![back(&held)]).await, [(key, Ok(State::Running))]);
    let job = world.job(key).await;
    assert_eq!(job.state, State::Finished);
    assert_eq!(field(&job, "close_reason"), Some("\"cancelled\""));
}

#[tokio::test]
async fn only_the_holder_gives_a_job_back_and_changes_nothing_else_with_it() {
    let world = World::new();
    let held = started(&world).await;
    let key = held.job.key;
    let refused = |text: &str| vec![(key, Err(text.to_owned()))];
    let without = to(State::Pending, key);
    let wrong = "job 53/1/1 is running, it can't become pending";
    assert_eq!(update(&world, vec![without]).await, refused(wrong));
    let stale = QueueUpdate {
        fence: Some(FenceSecret::random().unwrap().kept()),
        ..to(State::Pending, key)
    };
    assert!(update(&world, vec![stale]).await.remove(0).1.is_err());
    let more = QueueUpdate { units: Some(Units::new(2).unwrap()), ..back(&held) };
    let only = "state: pending, which gives a job back, must be the only change of its update";
    assert_eq!(update(&world, vec![more]).await, refused(only));
    assert_eq!(world.state(key).await, State::Running);
}
