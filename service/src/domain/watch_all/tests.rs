use super::*;
use crate::domain::test_world::*;
use spiderq_core::model::{Actor, Role, State};

async fn push(world: &World, project: ProjectId) {
    let jobs = vec![Ok(push_job("books"))];
    let pushed = world.domain.push_jobs(&caller(Role::User), project, jobs, None).await;
    assert!(pushed.unwrap()[0].is_ok());
}

async fn watch(world: &World, caller: &Caller, after: &[(ProjectId, EventCursor)]) -> WatchAll {
    let after = after.iter().copied().collect();
    let query = WatchAllQuery { after, progress: false };
    world.domain.watch_all(caller, query).await.unwrap()
}

/// Of the next message: the project, and how many events it has.
async fn next(watch: &mut WatchAll) -> (u64, usize) {
    let (project, _, items) = watch.next().await.unwrap();
    let events = items.iter().filter(|item| matches!(item, WatchItem::Event(..))).count();
    (project.get(), events)
}

#[tokio::test(start_paused = true)]
async fn events_of_all_projects_come_and_a_new_one_is_told() {
    let world = World::new();
    let [one, two, new] = [1, 2, 3].map(project);
    push(&world, one).await;
    push(&world, two).await;
    let mut watch = watch(&world, &caller(Role::Read), &[]).await;
    assert_eq!([next(&mut watch).await, next(&mut watch).await], [(1, 0), (2, 0)]);
    push(&world, two).await;
    assert_eq!(next(&mut watch).await, (2, 1));
    push(&world, one).await;
    assert_eq!(next(&mut watch).await, (1, 1));
    push(&world, new).await;
    let begun = Instant::now();
    assert_eq!(next(&mut watch).await, (3, 0));
    assert!(begun.elapsed() <= PROJECTS_INTERVAL);
    push(&world, new).await;
    assert_eq!(next(&mut watch).await, (3, 1));
}

#[tokio::test(start_paused = true)]
async fn each_project_goes_on_at_its_own_place() {
    let world = World::new();
    let [one, two] = [1, 2].map(project);
    push(&world, one).await;
    push(&world, two).await;
    let mut first = watch(&world, &caller(Role::Read), &[]).await;
    let (_, of_one, _) = first.next().await.unwrap();
    drop(first);
    push(&world, one).await;
    push(&world, two).await;
    let mut second = watch(&world, &caller(Role::Read), &[(one, of_one)]).await;
    assert_eq!([next(&mut second).await, next(&mut second).await], [(1, 0), (2, 0)]);
    assert_eq!(next(&mut second).await, (1, 1));
    let gone = EventCursor { stamp: of_one.stamp ^ 1, ..of_one };
    let query = WatchAllQuery { after: [(one, gone)].into(), progress: false };
    let refused = world.domain.watch_all(&caller(Role::Read), query).await;
    assert!(matches!(refused, Err(Error::CursorGone)));
}

#[tokio::test(start_paused = true)]
async fn a_key_watches_its_projects_and_a_token_none() {
    let world = World::new();
    let [one, two] = [1, 2].map(project);
    let name = Actor::parse("ann").unwrap();
    let key = Caller::Key { id: "k".to_owned(), name, role: Role::Read, projects: Some(vec![2]) };
    let mut watch = watch(&world, &key, &[]).await;
    assert_eq!(next(&mut watch).await, (2, 0));
    push(&world, one).await;
    push(&world, two).await;
    assert_eq!(next(&mut watch).await, (2, 1));
    world.push_in(State::Pending).await;
    let token = token_of(&world.start().await);
    let refused = world.domain.watch_all(&token, WatchAllQuery::default()).await;
    assert_eq!(message(refused), "a job token reaches only its own job, 53/1/1");
}

#[tokio::test(start_paused = true)]
async fn who_reaches_less_than_when_it_began_may_not_go_on() {
    let world = World::new();
    let reaching = |projects: Option<&[u64]>| {
        let (id, name) = ("k".to_owned(), Actor::parse("ann").unwrap());
        Caller::Key { id, name, role: Role::Read, projects: projects.map(<[u64]>::to_vec) }
    };
    for (begun, now, allowed) in [
        (None, None, true),
        (None, Some(&[1, 2][..]), false),
        (Some(&[1, 2][..]), None, true),
        (Some(&[1, 2]), Some(&[3, 2, 1]), true),
        (Some(&[1, 2]), Some(&[1]), false),
    ] {
        let reach = watch(&world, &reaching(begun), &[]).await.reach();
        assert_eq!(reach.allows(&reaching(now)).is_ok(), allowed, "{begun:?} {now:?}");
    }
}

#[tokio::test]
async fn more_projects_than_a_watch_may_have_are_refused() {
    let world = World::new();
    for number in 1..=MAX_WATCHED_PROJECTS + 1 {
        push(&world, project(number.try_into().unwrap())).await;
    }
    let refused = world.domain.watch_all(&caller(Role::Read), WatchAllQuery::default()).await;
    let expected = "all_projects: must be false: the key reaches more than 1000 projects";
    assert_eq!(message(refused), expected);
}
