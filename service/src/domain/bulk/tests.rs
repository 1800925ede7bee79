use super::*;
use crate::domain::{PushJob, test_world::*};
use spiderq_core::model::{Filter, Role, State, Tag};
use spiderq_core::store::{Effect, Holder};

fn tagged(world: &World, tag: &str, states: StateSet) -> BulkQuery {
    let has_tags = vec![Tag::parse(tag).unwrap()];
    let filter = Filter { states, has_tags, ..Filter::default() };
    BulkQuery::new(JobSelection::matching(world.project, filter))
}

fn by_key(world: &World, keys: &[JobKey]) -> BulkQuery {
    BulkQuery::new(JobSelection::of_keys(world.project, keys.to_vec()))
}

async fn push_tagged(world: &World, state: State, tag: &str) -> JobKey {
    world.push(PushJob { state, tags: tags(&[tag]), ..push_job("books") }).await
}

#[tokio::test]
async fn jobs_that_match_are_stopped_and_those_that_have_ended_not_counted() {
    let world = World::new();
    for state in State::ALL {
        push_tagged(&world, state, "a").await;
    }
    let other = push_tagged(&world, State::Pending, "b").await;
    let user = caller(Role::User);
    let asked = BulkQuery { validate_only: true, ..tagged(&world, "a", StateSet::NOT_DELETED) };
    assert_eq!(world.domain.stop_jobs(&user, asked).await.unwrap(), BulkDone::all(2));
    assert_eq!(world.state(world.key(1)).await, State::Pending);
    let query = tagged(&world, "a", StateSet::NOT_DELETED);
    assert_eq!(world.domain.stop_jobs(&user, query).await.unwrap(), BulkDone::all(2));
    assert_eq!(world.state(world.key(1)).await, State::Finished);
    assert_eq!(world.state(other).await, State::Pending);
}

#[tokio::test]
async fn a_filter_passes_over_running_jobs_where_a_key_is_refused() {
    let world = World::new();
    for state in State::ALL {
        push_tagged(&world, state, "a").await;
    }
    let (user, running) = (caller(Role::User), world.key(2));
    for validate_only in [true, false] {
        let named = BulkQuery { validate_only, ..by_key(&world, &[running]) };
        let refused = world.domain.delete_jobs(&user, named).await;
        assert_eq!(message(refused), "job 53/1/2 is running: stop it first");
    }
    let query = tagged(&world, "a", StateSet::NOT_DELETED);
    assert_eq!(world.domain.delete_jobs(&user, query).await.unwrap(), BulkDone::all(2));
    assert_eq!(world.state(running).await, State::Running);
}

/// A condition beside the keys makes them a filter.
#[tokio::test]
async fn keys_with_a_condition_pass_over_running_jobs() {
    let world = World::new();
    for state in State::ALL {
        push_tagged(&world, state, "a").await;
    }
    let user = caller(Role::User);
    for validate_only in [true, false] {
        let mut query = tagged(&world, "a", StateSet::ALL);
        query.jobs.keys = world.keys(4);
        let query = BulkQuery { validate_only, ..query };
        let done = world.domain.delete_jobs(&user, query).await.unwrap();
        assert_eq!(done, BulkDone::all(3));
    }
    assert_eq!(world.state(world.key(2)).await, State::Running);
}

#[tokio::test]
async fn a_job_that_has_left_the_states_of_the_filter_is_not_changed() {
    let world = World::new();
    let key = world.push_in(State::Running).await;
    let (user, pending) = (caller(Role::User), StateSet::from_iter([State::Pending]));
    let (project, actor) = (world.project, user.actor());
    let stopped = world.domain.stop_batch(actor, project, &[key], pending, None).await;
    assert_eq!(stopped.unwrap(), Some(0));
    assert_eq!(field(&world.job(key).await, "stop_requested"), None);
    let note = Effect { set: metadata(&[("note", "1")]), ..Effect::default() };
    let steps = crate::domain::transition::towards(None, note, actor).unwrap();
    let (holder, domain) = (Holder::Anyone, &world.domain);
    let changed = domain.change_all(project, &[key], &holder, &steps, None, pending).await;
    assert_eq!(changed.unwrap(), 0);
    assert_eq!(field(&world.job(key).await, "note"), None);
    let changed = domain.change_all(project, &[key], &holder, &steps, None, StateSet::ALL).await;
    assert_eq!(changed.unwrap(), 1);
}

#[tokio::test]
async fn deleted_jobs_that_match_are_restored() {
    let world = World::new();
    let deleted = push_tagged(&world, State::Deleted, "a").await;
    push_tagged(&world, State::Deleted, "b").await;
    let user = caller(Role::User);
    let query = tagged(&world, "a", StateSet::ALL);
    assert_eq!(world.domain.restore_jobs(&user, query).await.unwrap(), BulkDone::all(1));
    assert_eq!(world.state(deleted).await, State::Finished);
}

#[tokio::test]
async fn keys_and_conditions_select_the_jobs_that_are_both() {
    let world = World::new();
    let (a, b) = (
        push_tagged(&world, State::Pending, "a").await,
        push_tagged(&world, State::Pending, "b").await,
    );
    let mut query = tagged(&world, "a", StateSet::ALL);
    query.jobs.keys = vec![a, b];
    assert_eq!(world.domain.stop_jobs(&caller(Role::User), query).await.unwrap(), BulkDone::all(1));
    assert_eq!(world.state(b).await, State::Pending);
}

#[tokio::test]
async fn a_call_changes_a_bounded_number_of_jobs_and_the_next_goes_on() {
    let world = World::new();
    let jobs = MAX_BULK_JOBS as usize + 5;
    for _ in 0..jobs.div_ceil(1_000) {
        world.push_many(1_000).await;
    }
    let filter = Filter { states: StateSet::NOT_DELETED, ..Filter::default() };
    let query = |after| {
        let jobs = JobSelection::matching(world.project, filter.clone());
        BulkQuery { after, ..BulkQuery::new(jobs) }
    };
    let user = caller(Role::User);
    let first = world.domain.stop_jobs(&user, query(None)).await.unwrap();
    assert_eq!(first.count, MAX_BULK_JOBS);
    assert!(first.next.is_some());
    // Those that were stopped match still, at later positions.
    let second = world.domain.stop_jobs(&user, query(first.next)).await.unwrap();
    assert_eq!(second, BulkDone::all(1_000));
}

#[tokio::test]
async fn nothing_in_particular_and_a_request_id_beside_a_filter_are_refused() {
    let world = World::new();
    let user = caller(Role::User);
    let none = world.domain.stop_jobs(&user, by_key(&world, &[])).await;
    assert_eq!(message(none), "filter: is required, with keys or another condition");
    let request_id = RequestId::parse("id", user.actor(), "StopJobs", b"").unwrap();
    let query = BulkQuery { request_id, ..tagged(&world, "a", StateSet::ALL) };
    let refusal = "request_id: goes with keys alone; a filter finds other jobs the second time";
    assert_eq!(message(world.domain.restore_jobs(&user, query).await), refusal);
}
