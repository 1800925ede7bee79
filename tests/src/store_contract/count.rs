//! Counts agree with lists, whatever the filter.

use spiderq_core::model::{Filter, Job, State};

use super::world::*;

/// Every combination of states, spiders, tags and bounds.
pub async fn count_and_list_agree_with_the_filter(world: World) {
    let jobs = jobs_of_all_kinds(&world).await;
    for filter in filters() {
        let mut expected: Vec<&Job> = jobs.iter().filter(|job| filter.matches(job)).collect();
        expected.sort_by_key(|job| std::cmp::Reverse(job.position));
        let expected: Vec<_> = expected.iter().map(|job| job.key).collect();
        assert_eq!(world.list(&filter).await, expected, "{filter:?}");
        let count = world.count(&filter).await;
        assert_eq!(count, expected.len() as u64, "{filter:?}");
    }
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
    let lacks: [&[&str]; 4] = [&[], &["x"], &["y", "x"], &["unknown"]];
    let bounds =
        [(None, None), (Some(place(T, 4)), None), (Some(place(T, 9)), Some(place(T + 1, 3)))];
    let mut filters = Vec::new();
    for states in states {
        for spiders in spiders {
            for has in has {
                for lacks in lacks {
                    for (from, until) in bounds {
                        filters.push(Filter {
                            spiders: spiders.iter().map(|text| name(text)).collect(),
                            has_tags: tag_list(has),
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
