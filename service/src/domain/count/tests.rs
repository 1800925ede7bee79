use super::*;
use crate::domain::test_world::*;
use spiderq_core::model::{Filter, JobKey, State, StateSet};

#[tokio::test]
async fn jobs_are_counted_by_filter_and_by_key() {
    let world = World::new();
    for state in State::ALL {
        world.push_in(state).await;
    }
    let live = Filter { states: StateSet::NOT_DELETED, ..Filter::default() };
    let count = async |keys: &[JobKey]| {
        let jobs = JobSelection::matching(world.project, live.clone());
        let jobs = JobSelection { keys: keys.to_vec(), ..jobs };
        world.domain.count_jobs(&caller(Role::Read), &jobs).await
    };
    assert_eq!(count(&[]).await.unwrap(), 3);
    let keys = [4, 9, 2, 1].map(|job| world.key(job));
    assert_eq!(count(&keys).await.unwrap(), 2, "a deleted and a missing job do not match");
    let elsewhere = [JobKey::parse("54/1/1").unwrap()];
    let refusal = "key: must be a job of project 53, 54/1/1 is not";
    assert_eq!(message(count(&elsewhere).await), refusal);
}
