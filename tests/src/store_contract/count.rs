//! Counts agree with lists, whatever the filter.

use spiderq_core::{
    model::{FieldSelection, Filter, Job, JobKey, State, StateSet},
    store::{MAX_BATCH, NewJob, Pushed},
};

use super::world::*;

/// Every combination of states, spiders, tags and bounds.
pub async fn count_and_list_agree_with_the_filter(world: World) {
    let jobs = jobs_of_all_kinds(&world).await;
    for filter in filters().into_iter().step_by(5) {
        let mut expected: Vec<&Job> = jobs.iter().filter(|job| filter.matches(job)).collect();
        expected.sort_by_key(|job| std::cmp::Reverse(job.position));
        let expected: Vec<_> = expected.iter().map(|job| job.key).collect();
        assert_eq!(world.list(&filter).await, expected, "{filter:?}");
        let count = world.count(&filter).await;
        assert_eq!(count, expected.len() as u64, "{filter:?}");
    }
}

/// Whatever the filter, the beginning of a list can be passed over: no job of the rest is missing.
pub async fn the_beginning_of_a_list_can_be_left_out(world: World) {
    let jobs = jobs_of_all_kinds(&world).await;
    for filter in filters().into_iter().skip(2).step_by(11) {
        let mut expected: Vec<&Job> = jobs.iter().filter(|job| filter.matches(job)).collect();
        expected.sort_by_key(|job| std::cmp::Reverse(job.position));
        let expected: Vec<_> = expected.iter().map(|job| job.key).collect();
        let all = expected.len();
        for most in [1, all / 2, all.saturating_sub(1), all, all + 1] {
            if most > 0 {
                let left = expected.get(most..).unwrap_or_default().to_vec();
                let passed = most.min(all) as u64;
                let found = world.list_after(&filter, most as u64).await;
                assert_eq!(found, (passed, left), "{most} of {filter:?}");
            }
        }
    }
}

/// A list of thousands is read and counted in several steps, and none is missed between them: of
/// jobs that all have `x`, but for some in a row and some alone, and of which every seventh has `y`.
pub async fn a_long_list_is_read_in_steps(world: World) {
    let mut jobs: Vec<Job> = Vec::new();
    for part in 0..26 {
        let job = |n: usize| {
            let is_bare = (300..420).contains(&n) || n % 601 == 5;
            let set = [("x", !is_bare), ("y", n.is_multiple_of(7))];
            let set: Vec<&str> = set.iter().filter(|(_, has)| *has).map(|(tag, _)| *tag).collect();
            let state = [State::Finished, State::Deleted][n / 90 % 2];
            NewJob { tags: tags(&set), ..in_state(&format!("s{}", n % 90), state) }
        };
        let numbers = part * MAX_BATCH..(part + 1) * MAX_BATCH;
        let pushed = world.push(T, numbers.map(job).collect()).await.into_iter();
        let keys: Vec<_> = pushed.filter_map(added).collect();
        let read = world.store.get(&keys, &FieldSelection::Row).await.unwrap();
        jobs.extend(read.into_iter().flatten());
    }
    jobs.reverse();
    assert_eq!(jobs.len(), 2_600);
    let done = || those(&[State::Finished, State::Deleted]);
    let spiders = |count: usize| (0..count).map(|n| name(&format!("s{n}"))).collect::<Vec<_>>();
    let lacks = || Filter { lacks_tags: tag_list(&["x"]), ..done() };
    for filter in [
        done(),
        lacks(),
        Filter { spiders: spiders(1), ..lacks() },
        Filter { spiders: spiders(30), ..done() },
        Filter { spiders: spiders(100), states: StateSet::ALL, ..done() },
        Filter { has_tags: tag_list(&["y"]), ..lacks() },
        Filter { has_tags: tag_list(&["x", "y"]), ..done() },
    ] {
        let matching = jobs.iter().filter(|job| filter.matches(job));
        let expected: Vec<_> = matching.map(|job| job.key).collect();
        assert_eq!(world.list(&filter).await, expected, "{filter:?}");
        assert_eq!(world.count(&filter).await, expected.len() as u64, "{filter:?}");
        for most in [1, expected.len() / 2 + 1, expected.len(), jobs.len()] {
            let left = expected.get(most..).unwrap_or_default().to_vec();
            let passed = most.min(expected.len()) as u64;
            let found = world.list_after(&filter, most as u64).await;
            assert_eq!(found, (passed, left), "{most} of {filter:?}");
        }
    }
}

fn added(pushed: Pushed) -> Option<JobKey> {
    if let Pushed::Added(key) = pushed { Some(key) } else { None }
}

/// A job of each state, spider and set of tags; some of them have changed their state since.
async fn jobs_of_all_kinds(world: &World) -> Vec<Job> {
    let mut keys = Vec::new();
    for state in State::ALL {
        for spider in ["a", "b", "c"] {
            for set in [&["x", "y"][..], &["y"], &[]] {
                let mut job = in_state(spider, state);
                job.tags = tags(set);
                keys.push(world.add(T, job).await);
            }
        }
    }
    for key in keys.iter().step_by(5) {
        world.apply(T + 1, finish(*key)).await;
    }
    let mut jobs = Vec::new();
    for key in keys {
        jobs.push(world.job(key).await.unwrap());
    }
    jobs
}

fn filters() -> Vec<Filter> {
    let states: [&[State]; 4] =
        [&State::ALL, &[State::Finished], &[State::Pending, State::Deleted], &[]];
    let spiders: [&[&str]; 4] = [&[], &["b"], &["a", "c", "a"], &["unknown"]];
    let has: [&[&str]; 4] = [&[], &["x"], &["x", "y"], &["unknown"]];
    let has_all: [&[&str]; 4] = [&[], &["y"], &["x", "y"], &["y", "unknown"]];
    let lacks: [&[&str]; 4] = [&[], &["x"], &["y", "x"], &["unknown"]];
    let bounds =
        [(None, None), (Some(place(T, 4)), None), (Some(place(T, 9)), Some(place(T + 1, 3)))];
    let mut filters = Vec::new();
    for states in states {
        for spiders in spiders {
            for has in has {
                for (all, lacks) in has_all.iter().flat_map(|all| lacks.map(|lacks| (all, lacks))) {
                    for (from, until) in bounds {
                        filters.push(Filter {
                            spiders: spiders.iter().map(|text| name(text)).collect(),
                            has_tags: tag_list(has),
                            has_all_tags: tag_list(all),
                            lacks_tags: tag_list(lacks),
                            from,
                            until,
                            ..those(states)
                        });
                    }
                }
            }
        }
    }
    filters
}
