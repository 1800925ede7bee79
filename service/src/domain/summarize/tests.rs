use super::*;
use crate::domain::test_world::*;
use spiderq_core::model::SpiderId;

fn query(world: &World) -> SummarizeQuery {
    SummarizeQuery {
        project: world.project,
        spider: None,
        state: None,
        limit: DEFAULT_SUMMARY_ROWS,
        skip: 0,
        fields: FieldSelection::Row,
    }
}

/// State, count, and the numbers of the latest jobs.
async fn summarize(world: &World, query: SummarizeQuery) -> Vec<(State, u64, Vec<u64>)> {
    let read = caller(Role::Read);
    let mut room = world.domain.response_to(&read);
    let summaries = world.domain.summarize_queue(&read, &query, &mut room).await.unwrap();
    let numbers = |jobs: Vec<Job>| jobs.iter().map(|job| job.key.job.get()).collect();
    let summaries = summaries.into_iter();
    summaries.map(|summary| (summary.state, summary.count, numbers(summary.jobs))).collect()
}

#[tokio::test]
async fn states_are_counted_with_their_latest_jobs() {
    let world = World::new();
    world.push_many(7).await;
    world.push_in(State::Finished).await;
    world.push_in(State::Deleted).await;
    let expected = [
        (State::Pending, 7, vec![7, 6, 5, 4, 3]),
        (State::Running, 0, vec![]),
        (State::Finished, 1, vec![8]),
    ];
    assert_eq!(summarize(&world, query(&world)).await, expected);
    let deleted = SummarizeQuery { state: Some(State::Deleted), ..query(&world) };
    assert_eq!(summarize(&world, deleted).await, [(State::Deleted, 1, vec![9])]);
    let pending = Some(State::Pending);
    let part = SummarizeQuery { state: pending, skip: 1, limit: 2, ..query(&world) };
    assert_eq!(summarize(&world, part).await, [(State::Pending, 7, vec![6, 5])]);
}

#[tokio::test]
async fn a_summary_of_one_spider_counts_its_jobs_only() {
    let world = World::new();
    world.push_many(1).await;
    world.push(push_job("news")).await;
    let of = |spider| SummarizeQuery {
        spider: Some(SpiderRef::Number(SpiderId::new(spider).unwrap())),
        state: Some(State::Pending),
        ..query(&world)
    };
    assert_eq!(summarize(&world, of(2)).await, [(State::Pending, 1, vec![1])]);
    assert_eq!(summarize(&world, of(3)).await, [(State::Pending, 0, vec![])], "unknown");
}

#[test]
fn too_many_rows_are_refused() {
    assert_eq!(jobs_per_state(None).unwrap(), DEFAULT_SUMMARY_ROWS);
    assert_eq!(jobs_per_state(Some(0)).unwrap(), 0);
    for number in [-1, MAX_SUMMARY_ROWS as i32 + 1] {
        let refused = message(jobs_per_state(Some(number)));
        assert_eq!(refused, "jobs_per_state: must be from 0 to 1000");
    }
}
