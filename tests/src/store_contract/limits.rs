//! How many jobs and units of a project, and jobs of a spider, a claim lets run at a time.

use spiderq_core::{
    model::{ClaimFilter, JobKey, Millis, State, Units},
    store::{Changed, MAX_BATCH, ProjectCounts, Pushed, RunningLimit, SettingsChange},
};

use super::world::*;

/// The state that limits count.
pub(super) const RUNNING: State = State::Running;

/// Sets the limit of a spider; answers whether the spider exists.
pub(super) async fn limit_spider(world: &World, spider: i64, most: Option<u32>) -> bool {
    let spider = world.key(spider, 1).spider;
    let done = world.store.limit_spider(world.project, spider, most);
    done.await.unwrap()
}

async fn claimed(world: &World) -> Option<JobKey> {
    Some(world.claim(T).await?.job.key)
}

/// Jobs by state, and the units of those that run.
pub(super) async fn counts(world: &World) -> ProjectCounts {
    world.store.project_counts(world.project).await.unwrap()
}

/// A job that ends makes room for the next.
pub async fn a_claim_keeps_to_max_running(world: World) {
    world.set(&[("max_running", "2")]).await;
    world.push(T, vec![pending("s"); 4]).await;
    let [first, second, third, fourth] = [1, 2, 3, 4].map(|job| world.key(1, job));
    assert_eq!(claimed(&world).await, Some(first));
    assert_eq!(claimed(&world).await, Some(second));
    assert_eq!(claimed(&world).await, None);
    world.apply(T, finish(first)).await;
    assert_eq!(claimed(&world).await, Some(third));
    assert_eq!(claimed(&world).await, None);
    world.apply(T, requeue(second)).await;
    assert_eq!(claimed(&world).await, Some(second));
    world.set(&[("max_running", "3")]).await;
    assert_eq!(claimed(&world).await, Some(fourth));
}

/// The first job in the queue waits for room; no smaller one is claimed in its stead.
pub async fn a_claim_keeps_to_max_running_units(world: World) {
    world.set(&[("max_running_units", "6")]).await;
    for units in [3, 2, 4, 1] {
        world.add(T, weighing("s", State::Pending, units)).await;
    }
    let [first, second, third, fourth] = [1, 2, 3, 4].map(|job| world.key(1, job));
    assert_eq!(claimed(&world).await, Some(first));
    assert_eq!(claimed(&world).await, Some(second));
    assert_eq!(claimed(&world).await, None);
    let small = ClaimFilter { max_units: Some(Units::new(1).unwrap()), ..ClaimFilter::default() };
    let other = world.claim_wanted(T, &small).await.unwrap();
    assert_eq!(other.job.key, fourth);
    world.apply(T, finish(first)).await;
    assert_eq!(claimed(&world).await, None);
    world.apply(T, finish(fourth)).await;
    assert_eq!(claimed(&world).await, Some(third));
    assert_eq!(counts(&world).await.running_units, 6);
}

/// It could never run, and must not keep others from running.
pub async fn a_job_bigger_than_the_limit_is_passed_over(world: World) {
    for units in [5, 4, 6, 3] {
        world.add(T, weighing("s", State::Pending, units)).await;
    }
    world.set(&[("max_running_units", "4")]).await;
    assert_eq!(claimed(&world).await, Some(world.key(1, 2)));
    world.apply(T, finish(world.key(1, 2))).await;
    assert_eq!(claimed(&world).await, Some(world.key(1, 4)));
    world.apply(T, finish(world.key(1, 4))).await;
    assert_eq!(claimed(&world).await, None);
    world.set(&[("max_running_units", "5")]).await;
    assert_eq!(claimed(&world).await, Some(world.key(1, 1)));
}

/// Jobs of other spiders are claimed.
pub async fn a_spider_at_its_limit_is_passed_over(world: World) {
    assert!(!limit_spider(&world, 1, Some(1)).await);
    for spider in ["a", "a", "b", "a"] {
        world.add(T, pending(spider)).await;
    }
    assert!(limit_spider(&world, 1, Some(1)).await);
    assert!(!limit_spider(&world, 3, Some(1)).await);
    let spiders = world.store.spiders(world.project, None, MAX_BATCH).await;
    let limits = spiders.unwrap().into_iter().map(|spider| spider.max_running);
    assert_eq!(limits.collect::<Vec<_>>(), [Some(1), None]);
    assert_eq!(claimed(&world).await, Some(world.key(1, 1)));
    assert_eq!(claimed(&world).await, Some(world.key(2, 1)));
    assert_eq!(claimed(&world).await, None);
    let mine = world.claim_of(T, &[name("a")]).await;
    assert_eq!(mine, None);
    assert!(limit_spider(&world, 1, Some(2)).await);
    assert_eq!(claimed(&world).await, Some(world.key(1, 2)));
    assert_eq!(claimed(&world).await, None);
    world.apply(T, finish(world.key(1, 1))).await;
    assert_eq!(claimed(&world).await, Some(world.key(1, 3)));
    world.add(T, pending("a")).await;
    assert_eq!(claimed(&world).await, None);
    assert!(limit_spider(&world, 1, None).await);
    assert_eq!(claimed(&world).await, Some(world.key(1, 4)));
    let limit = &world.store.spiders(world.project, None, 1).await.unwrap()[0];
    assert_eq!(limit.max_running, None);
}

/// For the project's jobs, its units and a spider.
pub async fn a_limit_of_zero_prevents_all_starts(world: World) {
    world.add(T, pending("s")).await;
    for setting in ["max_running", "max_running_units"] {
        world.set(&[(setting, "0")]).await;
        assert_eq!(claimed(&world).await, None);
        let clear = SettingsChange::Remove(vec![field_name(setting)]);
        assert!(world.store.change_settings(world.project, clear).await.unwrap());
    }
    assert!(limit_spider(&world, 1, Some(0)).await);
    assert_eq!(claimed(&world).await, None);
    let pushed = world.push(T, vec![in_state("s", RUNNING)]).await;
    assert_eq!(pushed, [Pushed::AtLimit(RunningLimit::Spider)]);
    assert!(limit_spider(&world, 1, Some(u32::MAX)).await);
    assert_eq!(claimed(&world).await, Some(world.key(1, 1)));
}

/// Fractions, strings, signs and leading zeros are no limits.
pub async fn a_setting_that_is_no_number_limits_nothing(world: World) {
    for value in
        ["null", "true", "\"0\"", "[0]", "{}", "0.0", "0e0", "-0", "-1", "18446744073709551616"]
    {
        world.set(&[("max_running", value), ("max_running_units", value)]).await;
        let key = world.add(T, pending("s")).await;
        assert_eq!(claimed(&world).await, Some(key), "{value}");
    }
    world.add(T, pending("s")).await;
    world.set(&[("max_running", "10")]).await;
    assert_eq!(claimed(&world).await, None);
}

/// Nothing starts until enough of them have ended.
pub async fn running_jobs_stay_when_the_limit_is_lowered(world: World) {
    let running = vec![weighing("s", RUNNING, 2); 3];
    for job in running {
        world.add(T, job).await;
    }
    let waits = world.add(T, weighing("s", State::Pending, 2)).await;
    world.set(&[("max_running_units", "4")]).await;
    for job in [1, 2] {
        assert_eq!(claimed(&world).await, None);
        world.apply(T, finish(world.key(1, job))).await;
    }
    assert_eq!(counts(&world).await.running, 1);
    assert_eq!(claimed(&world).await, Some(waits));
    let back = always(world.key(1, 1), starting());
    assert_eq!(world.change(T, vec![back]).await, [Changed::AtLimit(RunningLimit::Units)]);
}

/// A full project does not limit another.
pub async fn limits_count_the_jobs_of_one_project(world: World) {
    let other = World::new(world.store.clone());
    for world in [&world, &other] {
        world.push(T, vec![pending("s"); 2]).await;
    }
    world.set(&[("max_running", "1")]).await;
    assert!(limit_spider(&world, 1, Some(1)).await);
    assert!(claimed(&world).await.is_some());
    assert_eq!(claimed(&world).await, None);
    assert!(claimed(&other).await.is_some());
    assert!(claimed(&other).await.is_some());
}

/// What a limit refused is judged anew under the same request id: each job, change and claim.
pub async fn a_request_that_was_at_the_limit_is_judged_anew(world: World) {
    world.set(&[("max_running", "0")]).await;
    let key = world.add(T, pending("s")).await;
    let (store, project) = (&world.store, world.project);
    let ask = async || {
        let (push, change, claim) = ["push", "change", "claim"].map(|id| request(id, id)).into();
        let jobs = vec![in_state("s", RUNNING), pending("s")];
        let pushed = store.push(project, jobs, Millis(T), Some(&push)).await;
        let changes = vec![always(key, starting())];
        let changed = store.change(project, changes, false, Millis(T), Some(&change)).await;
        let (wanted, effect) = (ClaimFilter::default(), starting());
        let claimed = store.claim(project, &wanted, &effect, Millis(T), Some(&claim));
        let claimed = claimed.await.unwrap().map(|claimed| claimed.job.key);
        (pushed.unwrap(), untimed(changed.unwrap()), claimed)
    };
    let pushed = vec![Pushed::AtLimit(RunningLimit::Running), Pushed::Added(world.key(1, 2))];
    let changed = vec![Changed::AtLimit(RunningLimit::Running)];
    assert_eq!(ask().await, (pushed.clone(), changed.clone(), None));
    world.set(&[("max_running", "1")]).await;
    // The push comes first and gets the one place.
    let pushed = [world.key(1, 3), world.key(1, 2)].map(Pushed::Added).to_vec();
    let first = (pushed.clone(), changed, None);
    assert_eq!(ask().await, first);
    assert_eq!(ask().await, first);
    assert_eq!(counts(&world).await.running, 1);
    world.set(&[("max_running", "3")]).await;
    let done = applied(State::Pending, 1);
    let all = (pushed, vec![done], Some(world.key(1, 2)));
    assert_eq!(ask().await, all);
    assert_eq!(ask().await, all);
    assert_eq!(counts(&world).await.running, 3);
}

/// 32 starts, half of them claims and half pushes, under a limit of 20 units: it is never
/// exceeded, and in the end it is used as far as possible.
pub async fn concurrent_starts_keep_to_the_limit(world: World) {
    world.set(&[("max_running_units", "20")]).await;
    // More than the 96 claims can take, so that there are some left in the end.
    for _ in 0..2 {
        let jobs = (0..60).map(|n| weighing("s", State::Pending, n % 6 + 1));
        world.push(T, jobs.collect()).await;
    }
    let starters = (0..32).map(|n| {
        let world = world.clone();
        tokio::spawn(async move {
            for units in 1..=6 {
                let key = if n % 2 == 0 {
                    claimed(&world).await
                } else {
                    match world.push(T, vec![weighing("t", RUNNING, units)]).await[0] {
                        Pushed::Added(key) => Some(key),
                        Pushed::AtLimit(RunningLimit::Units) => None,
                        other @ (Pushed::AtLimit(_)
                        | Pushed::Duplicate(_)
                        | Pushed::TooManyTags) => panic!("{other:?}"),
                    }
                };
                assert!(counts(&world).await.running_units <= 20);
                if let Some(key) = key {
                    world.apply(T, finish(key)).await;
                }
            }
        })
    });
    for starter in starters.collect::<Vec<_>>() {
        starter.await.unwrap();
    }
    assert_eq!(counts(&world).await.running, 0);
    while claimed(&world).await.is_some() {}
    let left = counts(&world).await;
    assert!((15..=20).contains(&left.running_units), "{left:?}");
}
