use super::*;
use crate::domain::{PushJob, test_world::*};
use spiderq_core::model::State;

fn query(world: &World) -> LastJobsQuery {
    let fields = FieldSelection::Row;
    LastJobsQuery {
        project: world.project,
        spider: None,
        after: None,
        skip: 0,
        limit: 1_000,
        fields,
    }
}

/// Pushes a job of `spider` that is finished.
async fn finished(world: &World, spider: &str) {
    world.push(PushJob { state: State::Finished, ..push_job(spider) }).await;
}

/// The keys of the listed jobs without their project.
async fn list(world: &World, query: &LastJobsQuery) -> Vec<(u64, u64)> {
    let read = caller(Role::Read);
    let mut room = world.domain.response_to(&read);
    let last = world.domain.list_last_jobs(&read, query, &mut room).await.unwrap();
    last.jobs.iter().map(|job| (job.key.spider.get(), job.key.job.get())).collect()
}

#[tokio::test]
async fn each_spider_has_its_last_finished_job_by_spider_number() {
    let world = World::new();
    for spider in ["a", "b", "a"] {
        finished(&world, spider).await;
    }
    world.push(push_job("c")).await;
    world.push(push_job("a")).await;
    assert_eq!(list(&world, &query(&world)).await, [(1, 2), (2, 1)]);
}

#[tokio::test]
async fn skip_limit_and_after_count_listed_spiders_across_steps_of_the_store() {
    let world = World::new();
    for spider in 1..=MAX_BATCH + 20 {
        finished(&world, &format!("s{spider}")).await;
    }
    let after = SpiderId::new(10).ok();
    let part = LastJobsQuery { after, skip: 5, limit: 100, ..query(&world) };
    let expected: Vec<(u64, u64)> = (16..=115).map(|spider| (spider, 1)).collect();
    assert_eq!(list(&world, &part).await, expected);
    for spider in [SpiderRef::Number(SpiderId::new(7).unwrap()), SpiderRef::Name(spider_name("s7"))]
    {
        let one = LastJobsQuery { spider: Some(spider), ..query(&world) };
        assert_eq!(list(&world, &one).await, [(7, 1)]);
    }
    let unknown = Some(SpiderRef::Name(spider_name("unknown")));
    let none = LastJobsQuery { spider: unknown, ..query(&world) };
    assert_eq!(list(&world, &none).await, []);
}
