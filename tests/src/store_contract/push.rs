//! Adding jobs.

use spiderq_core::{
    limits::MAX_TAGS,
    model::{
        ClaimFilter, Counters, Filter, Job, JobKey, Millis, Position, State, StateEntry,
        TagChanges, Tags, Units,
    },
    store::{CheckProgress, CheckScope, NewJob, Pushed, SpiderTagsUpdated},
};

use super::world::*;

/// Every part of a new job comes back, and what the store adds is as promised.
pub async fn a_pushed_job_is_read_back_whole(world: World) {
    let job = NewJob {
        priority: priority(4),
        units: Units::new(6).unwrap(),
        tags: tags(&["b", "a"]),
        counters: Counters {
            items: Some(0),
            pages: Some(u64::from(u32::MAX) * 3),
            logs: None,
            errors: Some(7),
        },
        metadata: metadata(&[("spider_args", r#"{"a": []}"#), ("version", r#""v1""#)]),
        ..pending("books")
    };
    let key = world.add(T, job.clone()).await;
    let expected = Job {
        key: world.key(1, 1),
        spider: name("books"),
        state: State::Pending,
        position: place(T, 0),
        priority: job.priority,
        units: job.units,
        tags: job.tags,
        entries: [
            Some(StateEntry { position: Position::at(Millis(T)), actor: actor("pusher") }),
            None,
            None,
            None,
        ],
        updated: Millis(T),
        attempt: 0,
        lease_expires: None,
        counters: job.counters,
        metadata: job.metadata,
    };
    assert_eq!(world.job(key).await, Some(expected));
}

/// A job begins in the state that its push names.
pub async fn a_job_may_begin_in_any_state(world: World) {
    for (n, state) in State::ALL.into_iter().enumerate() {
        let mut job = in_state("s", state);
        if let Some(start) = &mut job.start {
            start.lease_expires = Some(Millis(T + 30_000));
        }
        let key = world.add(T, job).await;
        let found = world.job(key).await.unwrap();
        let entry = Some(StateEntry { position: place(T, n as u64), actor: actor("pusher") });
        let mut entries = [const { None }; 4];
        entries[state.index()] = entry;
        let running = state == State::Running;
        assert_eq!(found.state, state);
        assert_eq!(found.position, place(T, n as u64));
        assert_eq!(found.entries, entries);
        assert_eq!(found.attempt, u32::from(running));
        assert_eq!(found.lease_expires, running.then_some(Millis(T + 30_000)));
    }
}

/// Spiders and jobs are numbered in the order of their first use.
pub async fn numbers_are_given_in_order(world: World) {
    let names = ["b", "a", "b", "c", "a", "b"];
    let pushed = world.push(T, names.map(pending).to_vec()).await;
    let keys = [(1, 1), (2, 1), (1, 2), (3, 1), (2, 2), (1, 3)];
    let expected = keys.map(|(spider, job)| Pushed::Added(world.key(spider, job)));
    assert_eq!(pushed, expected);
    assert_eq!(world.add(T, pending("a")).await, world.key(2, 3));
}

/// No push at all is no push.
pub async fn nothing_is_pushed_by_an_empty_call(world: World) {
    assert_eq!(world.push(T, Vec::new()).await, []);
    assert_eq!(world.count(&those(&State::ALL)).await, 0);
}

/// One transaction takes a hundred jobs.
pub async fn a_hundred_jobs_are_pushed_at_once(world: World) {
    let pushed = world.push(T, vec![pending("s"); 100]).await;
    let expected: Vec<Pushed> = (1..=100).map(|job| Pushed::Added(world.key(1, job))).collect();
    assert_eq!(pushed, expected);
}

/// Positions rise strictly when the clock stands still and when it goes back.
pub async fn positions_rise_whatever_the_clock_does(world: World) {
    let times = [T, T, T - 5_000, T + 1, T, T + 1, T + 2];
    let mut found = Vec::new();
    for time in times {
        let key = world.add(time, pending("s")).await;
        found.push(world.job(key).await.unwrap());
    }
    let places = [
        place(T, 0),
        place(T, 1),
        place(T, 2),
        place(T + 1, 0),
        place(T + 1, 1),
        place(T + 1, 2),
        place(T + 2, 0),
    ];
    assert_eq!(found.iter().map(|job| job.position).collect::<Vec<_>>(), places);
    let entered = |job: &Job| job.entry(State::Pending).unwrap().position;
    assert_eq!(found.iter().map(entered).collect::<Vec<_>>(), places);
    assert_eq!(found.iter().map(|job| job.updated).collect::<Vec<_>>(), times.map(Millis));
}

/// A second job with a unique value is refused, also within one call, and the answer names the
/// first.
pub async fn a_unique_value_is_held_by_one_active_job(world: World) {
    let jobs =
        vec![unique("a", "u"), unique("b", "u"), unique("b", "v"), pending("b"), unique("a", "v")];
    let pushed = world.push(T, jobs).await;
    assert_eq!(
        pushed,
        [
            Pushed::Added(world.key(1, 1)),
            Pushed::Duplicate(world.key(1, 1)),
            Pushed::Added(world.key(2, 1)),
            Pushed::Added(world.key(2, 2)),
            Pushed::Duplicate(world.key(2, 1)),
        ]
    );
    let again = world.push(T, vec![unique("c", "u")]).await;
    assert_eq!(again, [Pushed::Duplicate(world.key(1, 1))]);
}

/// A refused push takes neither a job's nor a spider's number nor a position.
pub async fn a_refused_push_takes_no_number(world: World) {
    world.add(T, unique("a", "u")).await;
    let refused = world.push(T, vec![unique("a", "u"), unique("new", "u")]).await;
    assert_eq!(refused, [Pushed::Duplicate(world.key(1, 1)); 2]);
    let new = name("new");
    let new = world.store.spider_id(world.project, &new, false);
    assert_eq!(new.await.unwrap(), None);
    let next = world.add(T, pending("a")).await;
    assert_eq!(next, world.key(1, 2));
    assert_eq!(world.job(next).await.unwrap().position, place(T, 1));
    assert_eq!(world.add(T, pending("other")).await, world.key(2, 1));
}

/// Running keeps the unique value; the release at the end of the job frees it.
pub async fn a_unique_value_is_free_after_release(world: World) {
    let first = world.add(T, unique("a", "u")).await;
    world.claim(T).await.unwrap();
    assert_eq!(world.push(T, vec![unique("a", "u")]).await, [Pushed::Duplicate(first)]);
    world.apply(T, finish(first)).await;
    let second = world.add(T, unique("a", "u")).await;
    assert_eq!(second, world.key(1, 2));
    // The first job holds nothing any more: its end frees nothing of the second's.
    world.apply(T, delete(first)).await;
    assert_eq!(world.push(T, vec![unique("a", "u")]).await, [Pushed::Duplicate(second)]);
}

/// A job that begins finished or deleted holds no unique value, but is refused while another
/// holds it; one that begins running holds it.
pub async fn a_job_that_begins_done_holds_no_unique_value(world: World) {
    for state in [State::Finished, State::Deleted] {
        let done = NewJob { state, ..unique("a", "u") };
        world.add(T, done).await;
    }
    let active = world.add(T, unique("a", "u")).await;
    for state in [State::Finished, State::Deleted] {
        let done = NewJob { state, ..unique("a", "u") };
        assert_eq!(world.push(T, vec![done]).await, [Pushed::Duplicate(active)]);
    }
    let running = NewJob { start: Some(start(None)), state: State::Running, ..unique("a", "w") };
    let running = world.add(T, running).await;
    assert_eq!(world.push(T, vec![unique("a", "w")]).await, [Pushed::Duplicate(running)]);
}

/// Two projects share nothing: not numbers, positions, unique values or lists.
pub async fn projects_are_separate(world: World) {
    let other = World::new(world.store.clone());
    world.add(T + 9, unique("a", "u")).await;
    world.add(T + 9, pending("b")).await;
    let key = other.add(T, unique("b", "u")).await;
    assert_eq!(key, other.key(1, 1));
    assert_eq!(other.job(key).await.unwrap().position, place(T, 0));
    assert_eq!(other.list(&those(&State::ALL)).await, [key]);
    assert_eq!(other.claim_of(T, &[name("a")]).await.map(|c| c.job.key), None);
    assert_eq!(other.claim(T).await.map(|c| c.job.key), Some(key));
    assert_eq!(world.count(&those(&[State::Pending])).await, 2);
}

/// Names of spiders never mix, whatever is in them.
pub async fn hostile_spider_names_stay_apart(world: World) {
    let texts = hostile_texts();
    let pushed = world.push(T, texts.iter().map(|text| pending(text)).collect()).await;
    let keys: Vec<JobKey> = (1..=texts.len()).map(|n| world.key(n as i64, 1)).collect();
    let expected: Vec<Pushed> = keys.iter().copied().map(Pushed::Added).collect();
    assert_eq!(pushed, expected);
    for (text, key) in texts.iter().zip(keys) {
        let spider = name(text);
        let number = world.store.spider_id(world.project, &spider, false);
        assert_eq!(number.await.unwrap(), Some(key.spider));
        let found = world.store.spider_name(world.project, key.spider);
        assert_eq!(found.await.unwrap(), Some(spider.clone()));
        assert_eq!(world.job(key).await.unwrap().spider, spider);
        let claimed = world.claim_of(T, &[spider]).await.unwrap();
        assert_eq!(claimed.job.key, key);
    }
}

/// A spider can have a number before its first job.
pub async fn a_spider_can_be_numbered_before_its_jobs(world: World) {
    let id = async |text: &str, create: bool| {
        let spider = name(text);
        let id = world.store.spider_id(world.project, &spider, create);
        id.await.unwrap().map(spiderq_core::model::SpiderId::get)
    };
    assert_eq!(id("a", false).await, None);
    assert_eq!(id("a", true).await, Some(1));
    assert_eq!(id("b", true).await, Some(2));
    assert_eq!(id("a", true).await, Some(1));
    assert_eq!(id("b", false).await, Some(2));
    assert_eq!(world.add(T, pending("c")).await, world.key(3, 1));
    assert_eq!(world.add(T, pending("b")).await, world.key(2, 1));
    let unknown = world.key(4, 1).spider;
    let found = world.store.spider_name(world.project, unknown);
    assert_eq!(found.await.unwrap(), None);
}

/// Gives a spider without tags these.
async fn tag_spider(world: &World, spider: &str, texts: &[&str]) {
    let spider = world.store.spider_id(world.project, &name(spider), true).await.unwrap();
    let edit = TagChanges { add: tags(texts), ..TagChanges::default() };
    let edited = world.store.update_spider_tags(world.project, spider.unwrap(), &edit).await;
    assert_eq!(edited.unwrap(), SpiderTagsUpdated::Done(tags(texts)));
}

/// A job of `spider` that gets its tags, and then its own.
fn with_spider_tags(spider: &str, texts: &[&str]) -> NewJob {
    NewJob { spider_tags: true, ..tagged(spider, texts) }
}

async fn tags_of(world: &World, key: JobKey) -> Tags {
    world.job(key).await.unwrap().tags
}

/// The spider's tags of that moment come first, none of them twice; lists find them.
pub async fn a_new_job_gets_its_spiders_tags_first(world: World) {
    tag_spider(&world, "a", &["x", "y"]).await;
    let first = world.add(T, with_spider_tags("a", &["own", "y"])).await;
    let second = world.add(T, with_spider_tags("a", &[])).await;
    let other = world.add(T, with_spider_tags("b", &["y"])).await;
    let done = NewJob { state: State::Finished, ..with_spider_tags("a", &["own"]) };
    let done = world.add(T, done).await;
    assert_eq!(tags_of(&world, first).await, tags(&["x", "y", "own"]));
    assert_eq!(tags_of(&world, second).await, tags(&["x", "y"]));
    assert_eq!(tags_of(&world, other).await, tags(&["y"]));
    assert_eq!(tags_of(&world, done).await, tags(&["x", "y", "own"]));
    let having = |tag: &str| Filter { has_tags: tag_list(&[tag]), ..those(&State::ALL) };
    assert_eq!(world.list(&having("x")).await, [done, second, first]);
    assert_eq!(world.list(&having("y")).await, [done, other, second, first]);
    assert_eq!(world.list(&having("own")).await, [done, first]);
    let wanted = ClaimFilter { has_tags: tag_list(&["x"]), ..ClaimFilter::default() };
    assert_eq!(world.claim_wanted(T, &wanted).await.unwrap().job.key, first);
    // What a spider gets later is not for jobs that are there.
    tag_spider(&world, "b", &["late"]).await;
    assert_eq!(tags_of(&world, other).await, tags(&["y"]));
    let (check, found) = (CheckScope { projects: vec![world.project] }, &mut Vec::new());
    let mut report = |progress| found.push(progress);
    world.store.check(&check, false, &mut report).await.unwrap();
    assert!(found.iter().all(|one| matches!(one, CheckProgress::Jobs(_))), "{found:?}");
}

/// Nothing is done for a job that would have too many tags: it takes no number, nor does its tag.
/// That it is a duplicate comes before, that a limit is reached comes after.
pub async fn a_new_job_whose_spider_has_too_many_tags_takes_no_number(world: World) {
    let texts: Vec<String> = (0..MAX_TAGS).map(|n| format!("t{n}")).collect();
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    tag_spider(&world, "a", &texts).await;
    world.set(&[("max_running", "0")]).await;
    world.add(T, unique("a", "u")).await;
    let running =
        NewJob { spider_tags: true, tags: tags(&["one more"]), ..in_state("a", State::Running) };
    let duplicate = NewJob { tags: tags(&["one more"]), spider_tags: true, ..unique("a", "u") };
    let jobs = vec![
        with_spider_tags("a", &["one more"]),
        with_spider_tags("a", &["t0", "t63"]),
        running,
        duplicate,
        with_spider_tags("b", &["one more"]),
    ];
    let expected = [
        Pushed::TooManyTags,
        Pushed::Added(world.key(1, 2)),
        Pushed::TooManyTags,
        Pushed::Duplicate(world.key(1, 1)),
        Pushed::Added(world.key(2, 1)),
    ];
    assert_eq!(world.push(T, jobs).await, expected);
    assert_eq!(tags_of(&world, world.key(1, 2)).await, tags(&texts));
    assert_eq!(world.count(&those(&State::ALL)).await, 3);
    assert_eq!(world.add(T, pending("a")).await, world.key(1, 3));
}

/// A job that is not to get its spider's tags has just its own.
pub async fn without_spider_tags_a_new_job_gets_none_of_them(world: World) {
    tag_spider(&world, "a", &["x"]).await;
    let plain = world.add(T, pending("a")).await;
    let own = world.add(T, tagged("a", &["own"])).await;
    assert_eq!(tags_of(&world, plain).await, Tags::default());
    assert_eq!(tags_of(&world, own).await, tags(&["own"]));
    let having = Filter { has_tags: tag_list(&["x"]), ..those(&State::ALL) };
    assert_eq!(world.list(&having).await, []);
}

/// A job with too many tags, those of its spider among them, is judged anew when these have
/// changed.
pub async fn a_repeated_push_adds_a_job_that_had_too_many_tags(world: World) {
    let texts: Vec<String> = (0..MAX_TAGS).map(|n| format!("t{n}")).collect();
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    tag_spider(&world, "a", &texts).await;
    let request = request("id", "push");
    let push = async || {
        let jobs = vec![with_spider_tags("a", &["one more"]), with_spider_tags("a", &[])];
        world.store.push(world.project, jobs, Millis(T), Some(&request)).await.unwrap()
    };
    let expected = [Pushed::TooManyTags, Pushed::Added(world.key(1, 1))];
    assert_eq!(push().await, expected);
    let clear = TagChanges { clear: true, ..TagChanges::default() };
    let spider = world.key(1, 1).spider;
    world.store.update_spider_tags(world.project, spider, &clear).await.unwrap();
    let both = [world.key(1, 2), world.key(1, 1)].map(Pushed::Added);
    assert_eq!(push().await, both);
    assert_eq!(push().await, both);
    assert_eq!(world.count(&those(&State::ALL)).await, 2);
}

/// What was added under a request id is told again as it was then.
pub async fn an_added_job_is_told_as_it_is_kept(world: World) {
    let first = world.add(T, pending("s")).await;
    let changes = TagChanges { add: tags(&["of its spider"]), ..TagChanges::default() };
    let updated = world.store.update_spider_tags(world.project, first.spider, &changes);
    assert_eq!(updated.await.unwrap(), SpiderTagsUpdated::Done(tags(&["of its spider"])));
    let id = request("id", "asked");
    let add = async |now| {
        let tagged = NewJob { spider_tags: true, ..tagged("s", &["own"]) };
        let jobs = vec![tagged, unique("s", "u"), unique("s", "u")];
        let added = world.store.add(world.project, jobs, Millis(now), Some(&id));
        added.await.unwrap()
    };
    let outcomes = add(T + 1).await;
    for (outcome, job) in outcomes[..2].iter().zip([2, 3]) {
        let added = outcome.as_ref().unwrap();
        let kept = world.job(world.key(1, job)).await.unwrap();
        assert_eq!((added.key, added.position), (kept.key, kept.position));
        assert_eq!((added.time, &added.tags), (kept.updated, &kept.tags));
    }
    assert_eq!(outcomes[0].as_ref().unwrap().tags, tags(&["of its spider", "own"]));
    assert_eq!(outcomes[2], Err(Pushed::Duplicate(world.key(1, 3))));
    world.apply(T + 2, delete(world.key(1, 2))).await;
    assert_eq!(add(T + 3).await, outcomes);
}
