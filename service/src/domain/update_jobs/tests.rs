use super::*;
use crate::domain::{JobSelection, PushJob, QueueUpdate, test_world::*};
use spiderq_core::{
    limits::{MAX_BATCH, MAX_TAGS},
    model::{JobKey, State, Tag, Tags},
};

/// An update of these jobs; with a filter, only of those that match it.
fn update_of(world: &World, keys: Vec<JobKey>, filter: Option<Filter>) -> UpdateJobs {
    let jobs = match filter {
        Some(filter) => JobSelection { keys, ..JobSelection::matching(world.project, filter) },
        None => JobSelection::of_keys(world.project, keys),
    };
    let (tags, metadata) = (TagChanges::default(), Metadata::default());
    UpdateJobs { query: BulkQuery::new(jobs), tags, metadata }
}

fn update(world: &World, keys: Vec<JobKey>) -> UpdateJobs {
    update_of(world, keys, None)
}

async fn make(world: &World, update: UpdateJobs) -> Result<u64> {
    let done = world.domain.update_jobs(&caller(Role::User), update).await;
    done.map(|done| done.count)
}

#[tokio::test]
async fn fields_are_set_and_tags_changed_in_every_job() {
    let world = World::new();
    world.push_many(2).await;
    let add = TagChanges { add: tags(&["new"]), ..TagChanges::default() };
    let fields = metadata(&[("note", "1"), ("state", "\"finished\""), ("priority", "4")]);
    let changes = UpdateJobs { tags: add, metadata: fields, ..update(&world, world.keys(3)) };
    assert_eq!(make(&world, changes).await.unwrap(), 2, "the third does not exist");
    for key in world.keys(2) {
        let job = world.job(key).await;
        assert_eq!((field(&job, "note"), &job.tags), (Some("1"), &tags(&["new"])));
        assert_eq!((job.state, job.priority.get()), (State::Pending, 4));
        assert_eq!(field(&job, "state"), None, "a field that only the service sets");
    }
}

#[tokio::test]
async fn tags_in_the_metadata_replace_those_of_the_job() {
    let world = World::new();
    let key = world.push(PushJob { tags: tags(&["old"]), ..push_job("books") }).await;
    let fields = || metadata(&[("tags", r#"["new"]"#)]);
    let changes = UpdateJobs { metadata: fields(), ..update(&world, vec![key]) };
    make(&world, changes).await.unwrap();
    assert_eq!(world.job(key).await.tags, tags(&["new"]));
    // Changes of tags are made after that.
    let add = TagChanges { add: tags(&["more"]), ..TagChanges::default() };
    let fields = metadata(&[("tags", r#"["newer"]"#)]);
    let changes = UpdateJobs { tags: add, metadata: fields, ..update(&world, vec![key]) };
    make(&world, changes).await.unwrap();
    assert_eq!(world.job(key).await.tags, tags(&["newer", "more"]));
}

fn note() -> Metadata {
    metadata(&[("note", "1")])
}

fn of_spider(states: StateSet) -> Option<Filter> {
    Some(Filter { states, spiders: vec![spider_name("books")], ..Filter::default() })
}

#[tokio::test]
async fn an_update_by_filter_changes_the_jobs_that_match() {
    let world = World::new();
    for state in State::ALL {
        world.push_in(state).await;
    }
    let other = world.push(push_job("news")).await;
    let filter = of_spider(StateSet::NOT_DELETED);
    let changes = UpdateJobs { metadata: note(), ..update_of(&world, Vec::new(), filter) };
    assert_eq!(make(&world, changes).await.unwrap(), 3);
    for key in [world.key(4), other] {
        assert_eq!(field(&world.job(key).await, "note"), None);
    }
}

#[tokio::test]
async fn keys_and_a_filter_select_the_jobs_that_are_both() {
    let world = World::new();
    world.push_many(2).await;
    let other = world.push(push_job("news")).await;
    let (filter, keys) = (of_spider(StateSet::ALL), vec![world.key(2), other, world.key(9)]);
    let changes = UpdateJobs { metadata: note(), ..update_of(&world, keys, filter) };
    assert_eq!(make(&world, changes).await.unwrap(), 1);
    for (key, expected) in [(world.key(1), None), (world.key(2), Some("1")), (other, None)] {
        assert_eq!(field(&world.job(key).await, "note"), expected);
    }
}

#[tokio::test]
async fn an_update_that_changes_what_it_selects_changes_each_job_once() {
    let world = World::new();
    let jobs = 2 * MAX_BATCH + 50;
    for n in 0..jobs {
        let tags = if n % 3 == 0 { tags(&["b"]) } else { tags(&["a"]) };
        world.push(PushJob { tags, ..push_job("books") }).await;
    }
    let with = |has: &str, changes| {
        let filter = Filter {
            states: StateSet::NOT_DELETED,
            has_tags: vec![Tag::parse(has).unwrap()],
            ..Filter::default()
        };
        UpdateJobs { tags: changes, ..update_of(&world, Vec::new(), Some(filter)) }
    };
    let change = |remove: &str, add| TagChanges {
        remove: vec![Tag::parse(remove).unwrap()],
        add,
        ..TagChanges::default()
    };
    let (of_b, of_a) = (jobs.div_ceil(3) as u64, (jobs - jobs.div_ceil(3)) as u64);
    // Those that lose the tag leave the selection, those that get it enter it.
    let away = with("a", change("a", tags(&["c"])));
    assert_eq!(make(&world, away).await.unwrap(), of_a);
    let again = with("a", change("a", Tags::default()));
    assert_eq!(make(&world, again).await.unwrap(), 0);
    let more = with("b", change("c", tags(&["b", "d"])));
    assert_eq!(make(&world, more).await.unwrap(), of_b);
}

#[tokio::test]
async fn a_job_token_updates_its_own_job_by_key_and_nothing_else() {
    let world = World::new();
    world.push_many(2).await;
    let started = world.start().await;
    let (job, token) = (&started.job, token_of(&started));
    let change = async |keys, filter| {
        let changes = UpdateJobs { metadata: note(), ..update_of(&world, keys, filter) };
        world.domain.update_jobs(&token, changes).await.map(|done| done.count)
    };
    assert_eq!(change(vec![job.key], None).await.unwrap(), 1);
    let refusal = format!("a job token reaches only its own job, {}", job.key);
    let other = if job.key == world.key(1) { world.key(2) } else { world.key(1) };
    for (keys, filter) in [
        (vec![other], None),
        (vec![job.key, other], None),
        (vec![], None),
        (vec![], of_spider(StateSet::ALL)),
        (vec![job.key], of_spider(StateSet::ALL)),
    ] {
        assert_eq!(message(change(keys, filter).await), refusal);
    }
    // The fence of an attempt that is over.
    let finish = queue_update(job.key);
    let finish = QueueUpdate { state: Some(State::Finished), ..finish };
    let user = caller(Role::User);
    world.domain.update_queue(&user, world.project, vec![Ok(finish)], None).await.unwrap();
    let lost = format!("job {} is no longer held by this worker", job.key);
    assert_eq!(message(change(vec![job.key], None).await), lost);
}

#[tokio::test]
async fn one_job_with_too_many_tags_refuses_the_step() {
    let world = World::new();
    world.push_many(1).await;
    let full = Tags::parse((0..MAX_TAGS).map(|n| n.to_string())).unwrap();
    let full = world.push(PushJob { tags: full, ..push_job("books") }).await;
    let add = TagChanges { add: tags(&["one more"]), ..TagChanges::default() };
    let changes = UpdateJobs { tags: add, ..update(&world, vec![world.key(1), full]) };
    assert_eq!(message(make(&world, changes).await), "tags: a job may have at most 64");
    assert_eq!(world.job(world.key(1)).await.tags, Tags::default());
}

#[tokio::test]
async fn no_jobs_no_changes_and_lower_roles_are_refused() {
    let world = World::new();
    world.push_many(1).await;
    let none = UpdateJobs { metadata: note(), ..update(&world, Vec::new()) };
    assert_eq!(
        message(make(&world, none).await),
        "filter: is required, with keys or another condition"
    );
    let nothing = update(&world, world.keys(1));
    assert_eq!(message(make(&world, nothing).await), "metadata: is required, or changes of tags");
    let (worker, changes) = (caller(Role::Worker), update(&world, world.keys(1)));
    let refused = world.domain.update_jobs(&worker, changes).await;
    assert!(message(refused).contains("role user or above"));
}
