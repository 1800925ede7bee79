//! Tags: what a change makes of them, and that lists find jobs by them in every state.

use spiderq_core::{
    model::{JobKey, State, TagChanges},
    store::{Changed, Effect},
};

use super::world::*;

fn edit(clear: bool, remove: &[&str], add: &[&str]) -> Effect {
    Effect {
        tags: TagChanges { clear, remove: tag_list(remove), add: tags(add) },
        ..Effect::default()
    }
}

async fn having(world: &World, states: &[State], has: &[&str]) -> Vec<JobKey> {
    let mut filter = those(states);
    filter.has_tags = tag_list(has);
    let keys = world.list(&filter).await;
    assert_eq!(world.count(&filter).await, keys.len() as u64);
    keys
}

async fn lacking(world: &World, lacks: &[&str]) -> Vec<JobKey> {
    let mut filter = those(&State::ALL);
    filter.lacks_tags = tag_list(lacks);
    let keys = world.list(&filter).await;
    assert_eq!(world.count(&filter).await, keys.len() as u64);
    keys
}

/// A change removes tags first, then adds the new ones at the end.
pub async fn tags_keep_their_order(world: World) {
    let key = world.add(T, tagged("s", &["b", "a", "c"])).await;
    let after = async |effect| {
        world.apply(T, always(key, effect)).await;
        world.job(key).await.unwrap().tags
    };
    assert_eq!(
        after(edit(false, &["a", "no"], &["c", "d", "a"])).await,
        tags(&["b", "c", "d", "a"])
    );
    assert_eq!(after(edit(true, &[], &["z", "b"])).await, tags(&["z", "b"]));
    assert_eq!(after(edit(false, &[], &[])).await, tags(&["z", "b"]));
    assert_eq!(after(edit(true, &[], &[])).await, tags(&[]));
}

/// The rest of the refused change is not done either.
pub async fn too_many_tags_change_nothing(world: World) {
    let texts: Vec<String> = (0..64).map(|n| format!("t{n}")).collect();
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let key = world.add(T, tagged("s", &texts)).await;
    let before = world.job(key).await;
    let more = Effect { set: metadata(&[("a", "1")]), ..edit(false, &[], &["more"]) };
    let changed = world.change(T + 1, vec![always(key, more)]).await;
    assert_eq!(changed, [Changed::TooManyTags]);
    assert_eq!(world.job(key).await, before);
    let swap = edit(false, &["t0"], &["more"]);
    world.apply(T + 1, always(key, swap)).await;
    assert_eq!(having(&world, &State::ALL, &["more"]).await, [key]);
    assert_eq!(having(&world, &State::ALL, &["t0"]).await, []);
    assert_eq!(having(&world, &State::ALL, &["t63"]).await, [key]);
}

/// The tags of the moment count, in each state of the job.
pub async fn filters_see_tags_in_every_state(world: World) {
    let key = world.add(T, tagged("s", &["old"])).await;
    let other = world.add(T, pending("s")).await;
    let entries = [
        (State::Pending, Effect::default()),
        (State::Running, starting()),
        (State::Finished, entering(State::Finished)),
        (State::Deleted, entering(State::Deleted)),
    ];
    for (n, (state, effect)) in entries.into_iter().enumerate() {
        let (old, new) = (format!("t{n}"), format!("t{}", n + 1));
        world.apply(T, always(key, effect)).await;
        world.apply(T, always(key, edit(false, &["old", &old], &[&new]))).await;
        assert_eq!(having(&world, &[state], &[&new]).await, [key]);
        assert_eq!(having(&world, &State::ALL, &[&new]).await, [key]);
        assert_eq!(having(&world, &State::ALL, &["old", &old]).await, []);
        assert_eq!(lacking(&world, &[&new]).await, [other]);
        assert_eq!(lacking(&world, &["old", &old]).await.len(), 2);
    }
}

/// A filter finds the new tags in the new state.
pub async fn tags_change_along_with_the_state(world: World) {
    let key = world.add(T, tagged("s", &["a", "b"])).await;
    let effect = Effect {
        enter: Some((State::Finished, actor("x"))),
        release: true,
        ..edit(false, &["a"], &["c"])
    };
    world.apply(T + 1, always(key, effect)).await;
    for (text, found) in [("a", vec![]), ("b", vec![key]), ("c", vec![key])] {
        assert_eq!(having(&world, &[State::Finished], &[text]).await, found);
        assert_eq!(having(&world, &[State::Pending], &[text]).await, []);
    }
}

/// A job needs one of `has_tags` and none of `lacks_tags`.
pub async fn has_tags_means_any_and_lacks_tags_means_none(world: World) {
    let jobs =
        vec![tagged("s", &["a"]), tagged("s", &["b"]), tagged("s", &["a", "b"]), pending("s")];
    world.push(T, jobs).await;
    let keys = |jobs: &[i64]| -> Vec<JobKey> { jobs.iter().map(|n| world.key(1, *n)).collect() };
    let all = &State::ALL;
    assert_eq!(having(&world, all, &["a", "b"]).await, keys(&[3, 2, 1]));
    assert_eq!(having(&world, all, &["a", "no", "a"]).await, keys(&[3, 1]));
    assert_eq!(lacking(&world, &["a", "b"]).await, keys(&[4]));
    assert_eq!(lacking(&world, &["b"]).await, keys(&[4, 1]));
    let mut both = those(all);
    both.has_tags = tag_list(&["a"]);
    both.lacks_tags = tag_list(&["b"]);
    assert_eq!(world.list(&both).await, keys(&[1]));
    assert_eq!(world.count(&both).await, 1);
}

/// A tag with special characters finds only the job that has it.
pub async fn hostile_tags_stay_apart(world: World) {
    let texts = hostile_texts();
    let jobs = texts.iter().map(|text| tagged("s", &[text])).collect();
    world.push(T, jobs).await;
    for (n, text) in texts.iter().enumerate() {
        let key = world.key(1, n as i64 + 1);
        assert_eq!(world.job(key).await.unwrap().tags, tags(&[text]));
        assert_eq!(having(&world, &State::ALL, &[text]).await, [key]);
        assert_eq!(lacking(&world, &[text]).await.len(), texts.len() - 1);
    }
}
