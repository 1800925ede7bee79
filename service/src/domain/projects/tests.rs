use super::*;
use crate::domain::test_world::*;
use spiderq_core::model::State;

#[test]
fn the_narrower_limit_says_how_many_units_are_left() {
    let counts = ProjectCounts { running: 3, running_units: 8, ..ProjectCounts::default() };
    for (max_running, max_units, left) in [
        (None, None, None),
        (Some(4), None, None),
        (Some(3), None, Some(0)),
        (Some(0), Some(20), Some(0)),
        (None, Some(20), Some(12)),
        (Some(4), Some(9), Some(1)),
        (None, Some(8), Some(0)),
        (None, Some(1), Some(0)),
    ] {
        assert_eq!(units_left(&counts, max_running, max_units), left);
    }
}

async fn reached(world: &World, projects: Option<Vec<u64>>) -> Vec<u64> {
    let name = spiderq_core::model::Actor::parse("ann").unwrap();
    let caller = Caller::Key { id: "k".to_owned(), name, role: Role::Read, projects };
    let listed = world.domain.list_projects(&caller).await.unwrap();
    listed.into_iter().map(ProjectId::get).collect()
}

#[tokio::test]
async fn only_projects_that_the_caller_reaches_are_listed() {
    let world = World::new();
    for number in [53, 7, 9] {
        let jobs = vec![Ok(push_job("books"))];
        let user = caller(Role::User);
        world.domain.push_jobs(&user, project(number), jobs, None).await.unwrap();
    }
    assert_eq!(reached(&world, None).await, [7, 9, 53]);
    assert_eq!(reached(&world, Some(vec![53, 7, 8])).await, [7, 53]);
}

#[tokio::test]
async fn a_project_is_summarized_with_the_units_that_its_limits_leave() {
    let world = World::new();
    world.set("max_running_units", "5").await;
    world.push_in(State::Running).await;
    world.push_in(State::Pending).await;
    let (reader, empty) = (caller(Role::Read), project(54));
    let summaries = world.domain.summarize_projects(&reader, vec![empty, world.project]).await;
    let counts =
        ProjectCounts { pending: 1, running: 1, running_units: 1, ..ProjectCounts::default() };
    let expected = [
        ProjectSummary { project: world.project, counts, units_left: Some(4) },
        ProjectSummary { project: empty, counts: ProjectCounts::default(), units_left: None },
    ];
    assert_eq!(summaries.unwrap(), expected);
    // Without names, projects that have no jobs are left out.
    let all = world.domain.summarize_projects(&reader, Vec::new()).await.unwrap();
    assert_eq!(all, expected[..1]);
}
