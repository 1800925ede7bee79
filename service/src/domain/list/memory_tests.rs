//! Lists of large jobs, and the memory that they reserve.

use super::*;
use crate::domain::{JobPage, LastJobsQuery, SummarizeQuery, test_world::*};
use spiderq_core::{
    error::Error,
    limits::{FREE_MEMORY_BYTES, MAX_PAGE_BYTES, MEMORY_WAIT},
};
use tokio::time::Instant;

const JOBS: u64 = 20;
const MIB: usize = 1 << 20;
/// What a list, and the response with a page of it, may hold: the message and its encoding.
const MAX_HELD: usize = PAGE_MEMORY + 2 * MAX_PAGE_BYTES;

/// Twenty finished jobs of about a MiB each, and the query of them all with all metadata.
async fn world_of_large_jobs(memory: &MemoryBudget) -> (World, ListQuery) {
    let world = World::with_memory(memory.clone());
    for _ in 0..JOBS {
        world.push_large("books", State::Finished, MIB - 1).await;
    }
    let query = query(&world);
    (world, query)
}

fn query(world: &World) -> ListQuery {
    let filter = Filter { states: StateSet::ALL, ..Filter::default() };
    ListQuery { fields: FieldSelection::Full, ..ListQuery::new(world.project, filter) }
}

fn numbers(jobs: &[Job]) -> Vec<u64> {
    jobs.iter().map(|job| job.key.job.get()).collect()
}

#[tokio::test]
async fn a_page_of_large_jobs_ends_early_and_says_where_the_next_begins() {
    let memory = MemoryBudget::new(2 * MAX_HELD);
    let (world, _) = world_of_large_jobs(&memory).await;
    let read = caller(Role::Read);
    let keys = || (1..=JOBS).map(|job| world.key(job)).collect::<Vec<_>>();
    for keys in [Vec::new(), keys()] {
        let (mut listed, mut after, mut sizes) = (Vec::new(), None, Vec::new());
        loop {
            let query = ListQuery { after, limit: 1_001, keys: keys.clone(), ..query(&world) };
            let list = world.domain.list_jobs(&read, query).await.unwrap();
            let mut room = world.domain.response_to(&read);
            let JobPage { jobs, next } = list.page(1_000, &mut room).await.unwrap();
            let bytes: usize = jobs.iter().map(Job::memory).sum();
            assert!(
                bytes <= MAX_PAGE_BYTES && memory.used() == 2 * bytes - FREE_MEMORY_BYTES,
                "{bytes}"
            );
            sizes.push(jobs.len());
            listed.extend(numbers(&jobs));
            after = next;
            if next.is_none() {
                break;
            }
        }
        assert_eq!(memory.used(), 0);
        assert_eq!(sizes, [3, 3, 3, 3, 3, 3, 2]);
        assert_eq!(listed, (1..=JOBS).rev().collect::<Vec<_>>());
    }
}

#[tokio::test]
async fn a_list_holds_one_small_page_however_it_is_asked_for() {
    let memory = MemoryBudget::new(2 * PAGE_MEMORY);
    let (world, _) = world_of_large_jobs(&memory).await;
    let keys = || (1..=JOBS).map(|job| world.key(job)).collect::<Vec<_>>();
    for (keys, order) in [
        (Vec::new(), ListOrder::Latest),
        (keys(), ListOrder::Given),
        (keys(), ListOrder::Latest),
        (keys(), ListOrder::State),
    ] {
        let query = ListQuery { keys, order, ..query(&world) };
        let mut list = world.domain.list_jobs(&caller(Role::Read), query).await.unwrap();
        let mut listed = Vec::new();
        while let Some(job) = list.next().await.unwrap() {
            listed.push(job.key.job.get());
            assert!(list.page.is_empty() && memory.used() <= PAGE_MEMORY);
        }
        listed.sort_unstable();
        assert_eq!(listed, (1..=JOBS).collect::<Vec<_>>());
        drop(list);
        assert_eq!(memory.used(), 0);
    }
}

#[tokio::test(start_paused = true)]
async fn a_caller_whose_lists_use_up_its_share_waits_and_is_refused_and_others_are_not() {
    let memory = MemoryBudget::new(4 * PAGE_MEMORY);
    let (world, _) = world_of_large_jobs(&memory).await;
    let list = async |caller: &Caller| world.domain.list_jobs(caller, query(&world)).await;
    let (read, user) = (caller(Role::Read), caller(Role::User));
    let _first = list(&read).await.unwrap();
    let second = list(&read).await.unwrap();
    let start = Instant::now();
    assert!(matches!(list(&read).await, Err(Error::Overloaded)));
    assert_eq!(start.elapsed(), MEMORY_WAIT);
    list(&user).await.unwrap();
    let (third, ()) = tokio::join!(list(&read), async { drop(second) });
    third.unwrap();
    assert_eq!(start.elapsed(), MEMORY_WAIT);
}

/// A row has no metadata to speak of: once it is read, a short list holds next to nothing.
#[tokio::test]
async fn a_list_that_is_read_to_its_end_holds_what_is_left_of_it() {
    let memory = MemoryBudget::new(2 * PAGE_MEMORY);
    let (world, _) = world_of_large_jobs(&memory).await;
    let query = ListQuery { fields: FieldSelection::Row, ..query(&world) };
    let mut list = world.domain.list_jobs(&caller(Role::Read), query).await.unwrap();
    assert_eq!(memory.used(), PAGE_MEMORY - FREE_MEMORY_BYTES);
    list.next().await.unwrap().unwrap();
    assert!(memory.used() < 20_000, "{}", memory.used());
}

#[tokio::test]
async fn a_summary_gives_each_state_its_part_of_the_response() {
    let memory = MemoryBudget::new(2 * MAX_HELD);
    let world = World::with_memory(memory.clone());
    for state in [State::Pending, State::Running, State::Finished] {
        for _ in 0..10 {
            world.push_large("books", state, 300 << 10).await;
        }
    }
    let query = SummarizeQuery {
        project: world.project,
        spider: None,
        state: None,
        limit: 1_000,
        skip: 0,
        fields: FieldSelection::Full,
    };
    let read = caller(Role::Read);
    let mut room = world.domain.response_to(&read);
    let states = world.domain.summarize_queue(&read, &query, &mut room).await.unwrap();
    let sizes: Vec<_> = states.iter().map(|state| (state.count, state.jobs.len())).collect();
    assert_eq!(sizes, [(10, 4), (10, 4), (10, 5)]);
    assert!(memory.used() <= 2 * MAX_PAGE_BYTES);
    drop(room);
    assert_eq!(memory.used(), 0);
}

#[tokio::test]
async fn last_jobs_that_are_large_come_in_several_pages() {
    let memory = MemoryBudget::new(2 * MAX_HELD);
    let world = World::with_memory(memory.clone());
    for spider in 1..=7 {
        world.push_large(&format!("s{spider}"), State::Finished, MIB - 1).await;
    }
    let read = caller(Role::Read);
    let (mut after, mut pages) = (None, Vec::new());
    loop {
        let (project, fields) = (world.project, FieldSelection::Full);
        let query = LastJobsQuery { project, spider: None, after, skip: 0, limit: 100, fields };
        let mut room = world.domain.response_to(&read);
        let last = world.domain.list_last_jobs(&read, &query, &mut room).await.unwrap();
        let mut spiders = last.jobs.iter().map(|job| job.key.spider);
        pages.push(spiders.clone().map(SpiderId::get).collect::<Vec<_>>());
        after = spiders.next_back();
        if !last.more {
            break;
        }
    }
    assert_eq!(pages, [vec![1, 2, 3], vec![4, 5, 6], vec![7]]);
    assert_eq!(memory.used(), 0);
}
