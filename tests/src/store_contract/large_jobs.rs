//! Jobs with much metadata: a step reads a few at a time.

use spiderq_core::{
    limits::MAX_STORE_PAGE_BYTES,
    model::{FieldSelection, Filter, Job, JobKey, State},
    store::NewJob,
};

use super::world::*;

/// Of three of these one step reads the first two.
const LARGE: usize = MAX_STORE_PAGE_BYTES * 2 / 3;

fn large(spider: &str, name: &str) -> NewJob {
    let text = format!("\"{}\"", "x".repeat(LARGE));
    NewJob { metadata: metadata(&[(name, &text), ("small", "1")]), ..pending(spider) }
}

fn keys(jobs: Vec<Option<Job>>) -> Vec<JobKey> {
    jobs.into_iter().flatten().map(|job| job.key).collect()
}

fn named(name: &str) -> FieldSelection {
    FieldSelection::Named(vec![field_name(name)])
}

/// The last job of a page is the one that fills it; no job is missing or comes twice.
pub async fn a_page_of_large_jobs_ends_early(world: World) {
    let jobs = vec![large("s", "x"); 5];
    world.push(T, jobs).await;
    let page = async |filter: &Filter, fields: &FieldSelection| {
        let page = world.store.page(world.project, filter, 9, fields).await.unwrap();
        (page.jobs.iter().map(|job| job.key.job.get()).collect::<Vec<_>>(), page.next)
    };
    for fields in [FieldSelection::Full, named("x")] {
        let mut filter = those(&[State::Pending]);
        for expected in [[5, 4], [3, 2]] {
            let (jobs, next) = page(&filter, &fields).await;
            assert_eq!(jobs, expected);
            filter.until = Some(next.unwrap());
        }
        assert_eq!(page(&filter, &fields).await, (vec![1], None));
    }
    for fields in [FieldSelection::Row, named("small"), named("y")] {
        let whole = (vec![5, 4, 3, 2, 1], None);
        assert_eq!(page(&those(&[State::Pending]), &fields).await, whole);
    }
}

/// As do jobs by key, of which there is always one.
pub async fn a_read_of_large_jobs_ends_early(world: World) {
    let other = World::new(world.store.clone());
    let mut pushed = vec![world.key(9, 9)];
    pushed.push(world.add(T, large("s", "x")).await);
    pushed.push(other.add(T, large("s", "x")).await);
    pushed.push(world.add(T, large("s", "x")).await);
    let first = async |pushed: &[JobKey], fields: &FieldSelection| {
        world.store.get_first(pushed, fields).await.unwrap()
    };
    for fields in [FieldSelection::Full, named("x")] {
        let read = first(&pushed, &fields).await;
        assert_eq!(read.len(), 3);
        assert_eq!(keys(read), pushed[1..3]);
        assert_eq!(keys(first(&pushed[3..], &fields).await), pushed[3..]);
        assert_eq!(keys(world.store.get(&pushed, &fields).await.unwrap()), pushed[1..]);
    }
    for fields in [FieldSelection::Row, named("small")] {
        assert_eq!(keys(first(&pushed, &fields).await), pushed[1..]);
    }
    assert_eq!(first(&[], &FieldSelection::Full).await, []);
}

/// A field that every row has may be large too.
pub async fn a_page_of_rows_with_large_fields_ends_early(world: World) {
    world.push(T, vec![large("s", "version"); 3]).await;
    let filter = those(&[State::Pending]);
    let page = world.store.page(world.project, &filter, 9, &FieldSelection::Row).await.unwrap();
    assert_eq!((page.jobs.len(), page.next.is_some()), (2, true));
}

/// Many small fields take much more memory than their text.
pub async fn a_page_of_jobs_with_many_fields_ends_early(world: World) {
    let fields: Vec<String> = (0..6_000).map(|number| number.to_string()).collect();
    let fields: Vec<(&str, &str)> = fields.iter().map(|name| (name.as_str(), "1")).collect();
    world.push(T, vec![NewJob { metadata: metadata(&fields), ..pending("s") }; 3]).await;
    let filter = those(&[State::Pending]);
    let page = world.store.page(world.project, &filter, 9, &FieldSelection::Full).await.unwrap();
    assert_eq!((page.jobs.len(), page.next.is_some()), (2, true));
}

/// As do the last jobs of spiders.
pub async fn last_finished_ends_early_with_large_jobs(world: World) {
    for spider in ["a", "b", "c"] {
        let job = NewJob { state: State::Finished, ..large(spider, "x") };
        world.add(T, job).await;
    }
    let ids = [9, 1, 2, 3].map(|spider| world.key(spider, 1).spider);
    let last = world.store.last_finished(world.project, &ids, &FieldSelection::Full).await.unwrap();
    assert_eq!(last.len(), 3);
    assert_eq!(keys(last), [world.key(1, 1), world.key(2, 1)]);
    let last = world.store.last_finished(world.project, &ids, &FieldSelection::Row).await.unwrap();
    assert_eq!(last.len(), 4);
}
