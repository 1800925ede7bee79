use super::*;
use crate::{
    auth::CallerQuotas,
    domain::{QueueUpdate, test_world::*},
};
use spiderq_core::model::{Quotas, State};

fn permit(world: &World, given: &[(&str, u64)]) -> Permit {
    let quotas = CallerQuotas::new("ann".to_owned(), Quotas::named(given.iter().copied()));
    world.domain.auth().begin(quotas, Quota::Calls).unwrap()
}

async fn admit(world: &World, permit: &Permit, number: i64, jobs: usize) -> String {
    message(world.domain.may_add_jobs(&caller(Role::User), permit, project(number), jobs).await)
}

const FULL: &str = "at most 3 pending and running jobs a project; try again later";

#[tokio::test(start_paused = true)]
async fn a_project_takes_as_many_jobs_as_the_key_may_have_there() {
    let world = World::new();
    let permit = permit(&world, &[("jobs", 3)]);
    world.push_in(State::Finished).await;
    world.push_many(2).await;
    assert_eq!(admit(&world, &permit, 53, 2).await, FULL);
    assert_eq!(admit(&world, &permit, 53, 1).await, "no error");
    // What was let in counts before it is there, until somebody looks again.
    assert_eq!(admit(&world, &permit, 53, 1).await, "no error", "it was refused, so it looked");
    world.push_many(1).await;
    assert_eq!(admit(&world, &permit, 53, 1).await, FULL);
    let finish = QueueUpdate { state: Some(State::Finished), ..queue_update(world.key(2)) };
    let user = caller(Role::User);
    world.domain.update_queue(&user, world.project, vec![Ok(finish)], None).await.unwrap();
    assert_eq!(admit(&world, &permit, 53, 1).await, "no error", "an end makes room at once");
}

#[tokio::test(start_paused = true)]
async fn a_project_may_allow_less_than_the_key_and_not_more() {
    let world = World::new();
    let (some, none) = (permit(&world, &[("jobs", 3)]), permit(&world, &[("jobs", 0)]));
    world.push_many(3).await;
    assert_eq!(admit(&world, &none, 53, 1_000_000).await, "no error");
    for (setting, by_some, by_none) in [("3", FULL, FULL), ("9", FULL, "no error")] {
        world.set("max_jobs", setting).await;
        tokio::time::advance(ROOM_TTL).await;
        assert_eq!(admit(&world, &some, 53, 1).await, by_some, "{setting}");
        assert_eq!(admit(&world, &none, 53, 1).await, by_none, "{setting}");
    }
}

#[tokio::test(start_paused = true)]
async fn only_projects_that_do_not_exist_count_as_new() {
    let world = World::new();
    world.push_many(1).await;
    let permit = permit(&world, &[("projects", 1)]);
    for number in [53, 54, 54, 53] {
        assert_eq!(admit(&world, &permit, number, 1).await, "no error", "{number}");
    }
    let refused = "at most 1 new projects a day; try again later";
    assert_eq!(admit(&world, &permit, 55, 1).await, refused);
}

#[tokio::test]
async fn who_may_not_schedule_is_refused_for_that() {
    let world = World::new();
    let permit = permit(&world, &[("jobs", 1)]);
    let worker = caller(Role::Worker);
    let refused = world.domain.may_add_jobs(&worker, &permit, world.project, 9).await;
    assert!(message(refused).contains("role user or above"));
}
