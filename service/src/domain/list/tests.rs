use super::*;
use crate::domain::test_world::*;
use spiderq_core::model::Millis;

/// A job of each state, pending first; and the query of them all.
async fn one_of_each(world: &World) -> ListQuery {
    for state in State::ALL {
        world.pass(1);
        world.push_in(state).await;
    }
    ListQuery::new(world.project, Filter { states: StateSet::ALL, ..Filter::default() })
}

/// The numbers of the listed jobs.
async fn list(world: &World, query: ListQuery) -> Vec<u64> {
    let jobs = world.domain.list_jobs(&caller(Role::Read), query).await.unwrap();
    jobs.collect().await.unwrap().into_iter().map(|job| job.key.job.get()).collect()
}

#[tokio::test]
async fn the_latest_entry_comes_first() {
    let world = World::new();
    let query = one_of_each(&world).await;
    assert_eq!(list(&world, query).await, [4, 3, 2, 1]);
    world.pass(1);
    let (user, keys) = (caller(Role::User), [world.key(1)]);
    world.domain.stop_keys(&user, world.project, &keys, None).await.unwrap();
    let query = ListQuery::new(
        world.project,
        Filter { states: StateSet::NOT_DELETED, ..Filter::default() },
    );
    assert_eq!(list(&world, query).await, [1, 3, 2]);
}

#[tokio::test]
async fn by_state_the_latest_of_each_come_first() {
    let world = World::new();
    one_of_each(&world).await;
    let query = one_of_each(&world).await;
    let query = ListQuery { order: ListOrder::State, ..query };
    assert_eq!(list(&world, query).await, [5, 1, 6, 2, 7, 3, 8, 4]);
}

#[tokio::test]
async fn keys_are_listed_in_the_given_or_another_order() {
    let world = World::new();
    let with = |query: ListQuery, order| {
        let keys = [3, 9, 4, 1].map(|job| world.key(job)).to_vec();
        ListQuery { keys, order, ..query }
    };
    let query = with(one_of_each(&world).await, ListOrder::Given);
    assert_eq!(list(&world, query).await, [3, 4, 1]);
    let all = Filter { states: StateSet::ALL, ..Filter::default() };
    let query = with(ListQuery::new(world.project, all.clone()), ListOrder::Latest);
    assert_eq!(list(&world, query).await, [4, 3, 1]);
    let query = with(ListQuery::new(world.project, all), ListOrder::State);
    assert_eq!(list(&world, query).await, [1, 3, 4]);
}

#[tokio::test]
async fn skip_and_limit_cut_the_list_across_pages_of_the_store() {
    let world = World::new();
    world.push_many(250).await;
    let states = StateSet::from_iter([State::Pending]);
    let all = ListQuery::new(world.project, Filter { states, ..Filter::default() });
    let query = ListQuery { skip: 5, limit: 230, ..all };
    let expected: Vec<u64> = (16..=245).rev().collect();
    assert_eq!(list(&world, query).await, expected);
}

#[tokio::test]
async fn a_page_begins_after_the_last_job_of_the_one_before() {
    let world = World::new();
    for order in [ListOrder::Latest, ListOrder::State] {
        one_of_each(&world).await;
        let all = || Filter { states: StateSet::ALL, ..Filter::default() };
        let query =
            |after| ListQuery { order, limit: 3, after, ..ListQuery::new(world.project, all()) };
        let whole = list(&world, ListQuery { limit: 99, ..query(None) }).await;
        let (mut pages, mut after) = (Vec::new(), None);
        loop {
            let page = world.domain.list_jobs(&caller(Role::Read), query(after)).await.unwrap();
            let page = page.collect().await.unwrap();
            let Some(last) = page.last() else { break };
            after = Some(PageCursor { state: last.state, position: last.position });
            pages.extend(page.iter().map(|job| job.key.job.get()));
        }
        assert_eq!(pages, whole);
    }
}

#[tokio::test]
async fn a_list_ends_before_the_job_to_stop_at() {
    let world = World::new();
    let all = one_of_each(&world).await;
    let query = ListQuery { stop: Some(world.key(2)), ..all };
    assert_eq!(list(&world, query).await, [4, 3]);
    let all = Filter { states: StateSet::ALL, ..Filter::default() };
    let query = |stop| ListQuery { stop, ..ListQuery::new(world.project, all.clone()) };
    assert_eq!(list(&world, query(Some(world.key(9)))).await.len(), 4, "a job that is not there");
    let elsewhere = JobKey::parse("54/1/1").ok();
    let refused = world.domain.list_jobs(&caller(Role::Read), query(elsewhere)).await;
    assert_eq!(message(refused), "stop: must be a job of project 53, 54/1/1 is not");
}

#[tokio::test]
async fn a_job_that_moves_on_while_its_list_is_read_is_listed_once() {
    let world = World::new();
    world.push_many(2).await;
    let query = ListQuery::new(
        world.project,
        Filter { states: StateSet::NOT_DELETED, ..Filter::default() },
    );
    let query = ListQuery { order: ListOrder::State, ..query };
    let mut jobs = world.domain.list_jobs(&caller(Role::Read), query).await.unwrap();
    assert_eq!(jobs.next().await.unwrap().unwrap().key, world.key(2));
    world.clock.set(Millis(NOW + 1));
    world.domain.stop_keys(&caller(Role::User), world.project, &world.keys(2), None).await.unwrap();
    let rest: Vec<JobKey> = jobs.collect().await.unwrap().iter().map(|job| job.key).collect();
    assert_eq!(rest, [world.key(1)]);
}

#[tokio::test]
async fn a_caller_who_does_not_reach_the_project_is_refused() {
    let world = World::new();
    let query = one_of_each(&world).await;
    let name = spiderq_core::model::Actor::parse("ann").unwrap();
    let elsewhere =
        Caller::Key { id: "k".to_owned(), name, role: Role::Admin, projects: Some(vec![54]) };
    let refused = world.domain.list_jobs(&elsewhere, query).await;
    assert_eq!(message(refused), "this key does not reach project 53");
}
