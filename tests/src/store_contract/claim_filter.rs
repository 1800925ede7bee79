//! Which job a claim takes: those at the front of the queue, and those that its filter allows.

use spiderq_core::{
    model::{ClaimFilter, JobKey, State, Tag, Units},
    store::{Effect, MAX_BATCH, NewJob},
};

use super::world::*;

/// The keys of all jobs that the filter allows to be claimed, in the order of the claims.
async fn taken(world: &World, now: u64, wanted: &ClaimFilter) -> Vec<JobKey> {
    let mut keys = Vec::new();
    while let Some(claimed) = world.claim_wanted(now, wanted).await {
        keys.push(claimed.job.key);
    }
    keys
}

fn of_spiders(texts: &[&str]) -> ClaimFilter {
    ClaimFilter { spiders: texts.iter().map(|text| name(text)).collect(), ..ClaimFilter::default() }
}

fn with_tags(has: &[&str], lacks: &[&str]) -> ClaimFilter {
    ClaimFilter { has_tags: tag_list(has), lacks_tags: tag_list(lacks), ..ClaimFilter::default() }
}

fn up_to(units: i64) -> ClaimFilter {
    ClaimFilter { max_units: Some(Units::new(units).unwrap()), ..ClaimFilter::default() }
}

/// Among the jobs that were put back, the earliest goes first. Jobs of a higher priority still go
/// before them.
pub async fn jobs_put_back_go_before_all_of_their_priority(world: World) {
    for rank in [2, 2, 3, 2, 3] {
        world.add(T, ranked("s", rank)).await;
    }
    let key = |job| world.key(1, job);
    for job in [3, 5, 1, 2] {
        assert_eq!(world.claim(T + 1).await.unwrap().job.key, key(job));
    }
    world.add(T + 2, ranked("s", 3)).await;
    for job in [2, 5, 1, 3] {
        world.apply(T + 3, requeue(key(job))).await;
    }
    world.add(T + 4, ranked("s", 4)).await;
    world.add(T + 4, ranked("s", 1)).await;
    let order = taken(&world, T + 5, &ClaimFilter::default()).await;
    assert_eq!(order, [7, 5, 3, 6, 2, 1, 4, 8].map(key));
}

/// A later entry into pending puts the job at the end again.
pub async fn a_job_is_at_the_front_for_one_entry_only(world: World) {
    world.push(T, vec![pending("s"), pending("s")]).await;
    let [first, second] = [1, 2].map(|job| world.key(1, job));
    world.claim(T).await.unwrap();
    world.apply(T + 1, requeue(first)).await;
    assert_eq!(world.claim(T + 1).await.unwrap().job.key, first);
    let back = Effect { front: false, ..requeue(first).effects.remove(0) };
    world.apply(T + 2, always(first, back)).await;
    let order = taken(&world, T + 2, &ClaimFilter::default()).await;
    assert_eq!(order, [second, first]);
}

/// It goes before the jobs that its new priority had before.
pub async fn a_job_at_the_front_stays_there_under_a_new_priority(world: World) {
    world.push(T, vec![pending("s"), ranked("s", 3)]).await;
    let [first, second] = [1, 2].map(|job| world.key(1, job));
    assert_eq!(taken(&world, T, &of_spiders(&["s"])).await.len(), 2);
    world.apply(T + 1, requeue(first)).await;
    world.push(T + 2, vec![ranked("s", 3)]).await;
    let higher = Effect { priority: Some(priority(3)), ..Effect::default() };
    world.apply(T + 3, always(first, higher)).await;
    world.apply(T + 4, requeue(second)).await;
    let order = taken(&world, T + 5, &ClaimFilter::default()).await;
    assert_eq!(order, [first, second, world.key(1, 3)]);
}

/// A job needs one of `has_tags` and none of `lacks_tags`.
pub async fn a_claim_takes_only_jobs_with_its_tags(world: World) {
    let jobs = [vec!["x"], vec!["y"], vec!["x", "y"], vec![], vec!["z", "x"]];
    let jobs: Vec<NewJob> = jobs.iter().map(|texts| tagged("s", texts)).collect();
    let filters = [
        (with_tags(&["x"], &[]), vec![1, 3, 5]),
        (with_tags(&["y", "z"], &[]), vec![2, 3, 5]),
        (with_tags(&[], &["x"]), vec![2, 4]),
        (with_tags(&[], &["y", "z", "unknown"]), vec![1, 4]),
        (with_tags(&["x", "unknown"], &["z"]), vec![1, 3]),
        (with_tags(&["x"], &["x"]), vec![]),
        (with_tags(&["unknown"], &[]), vec![]),
    ];
    for (wanted, expected) in filters {
        let world = World::new(world.store.clone());
        world.push(T, jobs.clone()).await;
        let keys = expected.into_iter().map(|job| world.key(1, job));
        assert_eq!(taken(&world, T, &wanted).await, keys.collect::<Vec<_>>());
    }
}

/// The tags of the moment count, not those that the job was pushed with.
pub async fn a_claim_sees_changed_tags(world: World) {
    let key = world.add(T, tagged("s", &["x"])).await;
    let mut effect = Effect::default();
    effect.tags.remove = tag_list(&["x"]);
    effect.tags.add = tags(&["y"]);
    world.apply(T, always(key, effect)).await;
    assert_eq!(taken(&world, T, &with_tags(&["x"], &[])).await, []);
    assert_eq!(taken(&world, T, &with_tags(&[], &["y"])).await, []);
    assert_eq!(taken(&world, T, &with_tags(&["y"], &["x"])).await, [key]);
}

/// The units of the moment count.
pub async fn a_claim_takes_no_job_above_max_units(world: World) {
    for units in [6, 3, 1, 4, 3] {
        world.add(T, weighing("s", State::Pending, units)).await;
    }
    let key = |job| world.key(1, job);
    assert_eq!(taken(&world, T, &up_to(2)).await, [key(3)]);
    let lighter = Effect { units: Some(Units::new(2).unwrap()), ..Effect::default() };
    world.apply(T, always(key(1), lighter)).await;
    assert_eq!(taken(&world, T, &up_to(3)).await, [1, 2, 5].map(key));
    assert_eq!(taken(&world, T, &up_to(6)).await, [key(4)]);
}

/// Spiders, tags and units are all checked, and the order of the queue stays.
pub async fn all_parts_of_a_claim_filter_apply_together(world: World) {
    let job = |spider: &str, rank, units, texts: &[&str]| NewJob {
        priority: priority(rank),
        tags: tags(texts),
        ..weighing(spider, State::Pending, units)
    };
    let jobs = vec![
        job("a", 4, 1, &["x"]),
        job("b", 4, 3, &["x"]),
        job("b", 4, 2, &["x", "no"]),
        job("b", 4, 1, &["y"]),
        job("b", 1, 2, &["x"]),
        job("c", 2, 1, &["z", "x"]),
        job("b", 2, 2, &["z"]),
    ];
    world.push(T, jobs).await;
    let wanted = ClaimFilter {
        spiders: vec![name("c"), name("b"), name("unknown"), name("b")],
        has_tags: tag_list(&["x", "z"]),
        lacks_tags: tag_list(&["no"]),
        max_units: Some(Units::new(2).unwrap()),
    };
    let order = [world.key(3, 1), world.key(2, 5), world.key(2, 4)];
    assert_eq!(taken(&world, T, &wanted).await, order);
}

/// Names and tags with special characters match nothing but themselves.
pub async fn hostile_names_and_tags_are_matched_exactly(world: World) {
    let texts = hostile_texts();
    let jobs = texts.iter().map(|text| tagged(text, &[text]));
    world.push(T, jobs.collect()).await;
    for (text, number) in texts.iter().zip(1..) {
        let key = world.key(number, 1);
        let wanted = ClaimFilter {
            has_tags: tag_list(&[text]),
            lacks_tags: tag_list(&["other"]),
            ..of_spiders(&[text])
        };
        assert_eq!(taken(&world, T, &wanted).await, [key], "{text}");
    }
}

/// That is the most that a claim may have: [`MAX_BATCH`].
pub async fn a_claim_filter_may_have_a_hundred_of_each(world: World) {
    world.push(T, vec![tagged("s99", &["t7"])]).await;
    let texts = |letter: &str| (0..MAX_BATCH).map(|n| format!("{letter}{n}")).collect::<Vec<_>>();
    let tags = |letter| -> Vec<Tag> {
        let texts = texts(letter);
        texts.iter().map(|text| Tag::parse(text).unwrap()).collect()
    };
    let wanted = ClaimFilter {
        spiders: texts("s").iter().map(|text| name(text)).collect(),
        has_tags: tags("t"),
        lacks_tags: tags("u"),
        max_units: None,
    };
    assert_eq!(taken(&world, T, &wanted).await, [world.key(1, 1)]);
}

/// More than a thousand jobs that the filter hides stand before the first that it allows.
pub async fn a_job_is_found_behind_many_others(world: World) {
    for _ in 0..13 {
        let crowd = NewJob {
            priority: priority(3),
            tags: tags(&["crowd"]),
            ..weighing("crowd", State::Pending, 4)
        };
        world.push(T, vec![crowd; MAX_BATCH]).await;
    }
    let few = ["few", "few", "one"].map(|spider| tagged(spider, &["rare", spider]));
    world.push(T + 1, few.to_vec()).await;
    world.push(T + 2, vec![ranked("few", 3)]).await;
    let [low, next, one, high] = [(2, 1), (2, 2), (3, 1), (2, 3)].map(|(s, j)| world.key(s, j));
    let first = async |wanted: &ClaimFilter| {
        let key = world.claim_wanted(T + 3, wanted).await.unwrap().job.key;
        world.apply(T + 3, requeue(key)).await;
        key
    };
    assert_eq!(first(&of_spiders(&["one", "few"])).await, high);
    assert_eq!(first(&with_tags(&["rare", "few"], &[])).await, low);
    assert_eq!(first(&with_tags(&["rare"], &["few"])).await, one);
    assert_eq!(first(&with_tags(&[], &["crowd", "few"])).await, high);
    assert_eq!(first(&with_tags(&[], &["crowd", "one"])).await, high);
    assert_eq!(first(&up_to(3)).await, high);
    let rare = with_tags(&["rare", "crowd"], &["crowd"]);
    assert_eq!(taken(&world, T + 4, &rare).await, [low, one, next]);
    let spider = world.key(1, 1).spider;
    let limited = world.store.limit_spider(world.project, spider, Some(0));
    assert!(limited.await.unwrap());
    assert_eq!(taken(&world, T + 4, &ClaimFilter::default()).await, [high]);
}
