//! Lists: their order, their pages and their bounds.

use spiderq_core::{
    model::FieldSelection,
    model::{Filter, JobKey, Position, State},
    store::NewJob,
};

use super::world::*;

fn keys(world: &World, jobs: &[i64]) -> Vec<JobKey> {
    jobs.iter().map(|job| world.key(1, *job)).collect()
}

/// The highest position comes first, whatever the states.
pub async fn a_list_shows_the_latest_entry_first(world: World) {
    world.push(T, vec![pending("s"); 6]).await;
    world.apply(T + 1, finish(world.key(1, 2))).await;
    world.apply(T + 2, always(world.key(1, 5), starting())).await;
    world.apply(T + 3, delete(world.key(1, 1))).await;
    let listed = async |states: &[State]| world.list(&those(states)).await;
    assert_eq!(listed(&State::ALL).await, keys(&world, &[1, 5, 2, 6, 4, 3]));
    assert_eq!(listed(&[State::Finished, State::Pending]).await, keys(&world, &[2, 6, 4, 3]));
    assert_eq!(listed(&[State::Deleted, State::Running]).await, keys(&world, &[1, 5]));
    assert_eq!(listed(&[]).await, []);
}

/// Its `next` is the `until` of the next page; the last page has none.
pub async fn a_page_says_where_the_next_begins(world: World) {
    world.push(T, vec![pending("s"); 5]).await;
    let mut filter = those(&[State::Pending]);
    let page = async |filter: &Filter, limit| {
        let page =
            world.store.page(world.project, filter, limit, &FieldSelection::Row).await.unwrap();
        let jobs: Vec<JobKey> = page.jobs.iter().map(|job| job.key).collect();
        (jobs, page.next)
    };
    let (first, next) = page(&filter, 2).await;
    assert_eq!(first, keys(&world, &[5, 4]));
    assert!(next.is_some());
    filter.until = next;
    let (second, next) = page(&filter, 2).await;
    assert_eq!(second, keys(&world, &[3, 2]));
    filter.until = next;
    let (third, next) = page(&filter, 2).await;
    assert_eq!((third, next), (keys(&world, &[1]), None));
    filter.until = None;
    assert_eq!(page(&filter, 9).await.1, None);
}

/// `from` is part of the list, `until` is not.
pub async fn position_bounds_are_exact(world: World) {
    world.push(T, vec![pending("s"); 5]).await;
    let bounded = async |from: Option<Position>, until: Option<Position>| {
        let mut filter = those(&State::ALL);
        (filter.from, filter.until) = (from, until);
        let listed = world.list(&filter).await;
        assert_eq!(world.count(&filter).await, listed.len() as u64);
        listed
    };
    let at = |n| Some(place(T, n));
    assert_eq!(bounded(at(1), at(3)).await, keys(&world, &[3, 2]));
    assert_eq!(bounded(at(4), None).await, keys(&world, &[5]));
    assert_eq!(bounded(None, at(1)).await, keys(&world, &[1]));
    assert_eq!(bounded(at(5), None).await, []);
    assert_eq!(bounded(at(2), at(2)).await, []);
    assert_eq!(bounded(at(3), at(1)).await, []);
    let all = bounded(Some(Position(0)), Some(Position((1 << 53) - 1))).await;
    assert_eq!(all.len(), 5);
}

/// For pages of several sizes and filters that hide most jobs.
pub async fn paging_shows_each_job_once(world: World) {
    let mut all = Vec::new();
    for round in 0..12_u64 {
        let jobs = (0..100).map(|n| {
            let spider = ["a", "b", "c"][n % 3];
            let mut job = in_state(spider, [State::Pending, State::Finished][n % 2]);
            let label = if n == 7 { "rare" } else { "common" };
            job.tags = tags(&[label, &format!("n{}", n % 10)]);
            job
        });
        let pushed = world.push(T + round, jobs.collect()).await;
        all.extend(pushed);
    }
    let mut everything = those(&State::ALL);
    assert_eq!(world.list(&everything).await.len(), 1_200);
    everything.lacks_tags = tag_list(&["common"]);
    let rare = world.list(&everything).await;
    assert_eq!(rare.len(), 12);
    let mut has = those(&State::ALL);
    has.has_tags = tag_list(&["rare"]);
    assert_eq!(world.list(&has).await, rare);
    has.has_tags = tag_list(&["n1", "n3", "common"]);
    has.spiders = vec![name("b"), name("a")];
    has.lacks_tags = tag_list(&["n4"]);
    let listed = world.list(&has).await;
    let mut once = listed.clone();
    once.sort_unstable();
    once.dedup();
    // 67 of a hundred are of those spiders; 7 of them have the tag n4 and one more only `rare`.
    assert_eq!((listed.len(), once.len()), (12 * 59, 12 * 59));
    assert_eq!(world.count(&has).await, 12 * 59);
}

/// A spider with an unknown name has no jobs.
pub async fn a_list_shows_only_jobs_of_its_spiders(world: World) {
    let names = ["a", "b", "a", "c"];
    world.push(T, names.map(pending).to_vec()).await;
    let of = async |texts: &[&str]| {
        let mut filter = those(&State::ALL);
        filter.spiders = texts.iter().map(|text| name(text)).collect();
        let listed = world.list(&filter).await;
        assert_eq!(world.count(&filter).await, listed.len() as u64);
        listed
    };
    assert_eq!(of(&["a"]).await, [world.key(1, 2), world.key(1, 1)]);
    assert_eq!(
        of(&["c", "a", "a", "no"]).await,
        [world.key(3, 1), world.key(1, 2), world.key(1, 1)]
    );
    assert_eq!(of(&["no"]).await, []);
}

/// A reader that lists down to the last position it has seen gets each finished job once, while
/// others finish jobs.
pub async fn an_incremental_reader_sees_each_job_once(world: World) {
    for round in 0..2 {
        world.push(T + round, vec![pending("s"); 100]).await;
    }
    let finishers: Vec<_> = (0..4_i64)
        .map(|finisher| {
            let world = world.clone();
            tokio::spawn(async move {
                for job in 0..50 {
                    // The clocks of writers differ.
                    let now = T + 10 - u64::from(job % 3 == 0);
                    let key = world.key(1, finisher * 50 + job + 1);
                    world.apply(now, finish(key)).await;
                }
            })
        })
        .collect();
    let (mut seen, mut last) = (Vec::new(), Position(0));
    loop {
        let done = finishers.iter().all(tokio::task::JoinHandle::is_finished);
        let new = newer(&world, last).await;
        if let Some((_, position)) = new.first() {
            last = Position(position.0 + 1);
        }
        seen.extend(new.into_iter().map(|(key, _)| key.job.get()));
        if done {
            break;
        }
        tokio::task::yield_now().await;
    }
    for finisher in finishers {
        finisher.await.unwrap();
    }
    seen.sort_unstable();
    assert_eq!(seen, (1..=200).collect::<Vec<u64>>());
}

/// The finished jobs from `from` on, the latest entry first.
async fn newer(world: &World, from: Position) -> Vec<(JobKey, Position)> {
    let mut filter = those(&[State::Finished]);
    filter.from = Some(from);
    let mut found = Vec::new();
    loop {
        let page =
            world.store.page(world.project, &filter, 20, &FieldSelection::Row).await.unwrap();
        found.extend(page.jobs.iter().map(|job| (job.key, job.position)));
        filter.until = page.next;
        if page.next.is_none() {
            return found;
        }
    }
}

/// Conditions on what only the job itself says: lists and counts agree, and nothing that was
/// not asked for is answered.
pub async fn jobs_are_found_by_what_only_they_say(world: World) {
    let finished = |reason: &str, arguments: &str, texts: &[&str], rank: i64| NewJob {
        metadata: metadata(&[("close_reason", reason), ("spider_args", arguments)]),
        tags: tags(texts),
        priority: priority(rank),
        ..in_state("s", State::Finished)
    };
    let jobs = vec![
        finished("\"finished\"", r#"{"a":"1","b":2}"#, &["x", "y"], 2),
        finished("\"lost\"", r#"{"a":"1"}"#, &["x"], 4),
        finished("7", "[]", &["y"], 0),
        pending("s"),
    ];
    world.push(T, jobs).await;
    let found = async |change: &dyn Fn(&mut Filter)| {
        let mut filter = those(&State::ALL);
        change(&mut filter);
        let listed = world.list(&filter).await;
        assert_eq!(world.count(&filter).await, listed.len() as u64, "{filter:?}");
        listed
    };
    let texts =
        |texts: &[&str]| -> Vec<String> { texts.iter().map(|text| (*text).to_owned()).collect() };
    let arguments = |pairs: &[(&str, &str)]| {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    };
    let all_tags = |filter: &mut Filter| filter.has_all_tags = tag_list(&["y", "x"]);
    assert_eq!(found(&all_tags).await, keys(&world, &[1]));
    let one_tag = |filter: &mut Filter| filter.has_all_tags = tag_list(&["y"]);
    assert_eq!(found(&one_tag).await, keys(&world, &[3, 1]));
    let any_reason = |filter: &mut Filter| filter.close_reasons = texts(&["lost", "finished", "7"]);
    assert_eq!(found(&any_reason).await, keys(&world, &[2, 1]));
    let one = |filter: &mut Filter| filter.spider_args = arguments(&[("a", "1")]);
    assert_eq!(found(&one).await, keys(&world, &[2, 1]));
    let both = |filter: &mut Filter| filter.spider_args = arguments(&[("a", "1"), ("b", "2")]);
    assert_eq!(found(&both).await, keys(&world, &[1]));
    let ranks = |filter: &mut Filter| filter.priorities = vec![priority(0), priority(4)];
    assert_eq!(found(&ranks).await, keys(&world, &[3, 2]));
    let filter = Filter { spider_args: arguments(&[("a", "1")]), ..those(&State::ALL) };
    let page = world.store.page(world.project, &filter, 9, &FieldSelection::Row).await.unwrap();
    assert!(page.jobs.iter().all(|job| job.metadata.get("spider_args").is_none()));
}
