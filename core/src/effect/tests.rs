use super::*;
use crate::model::{Counters, FieldName, JsonText, Priority, SpiderName, TagChanges, Units};
use crate::store::NewAttempt;

const NOW: Millis = Millis(1_000);
const NEXT: Position = Position(77);

/// A project with these limits, of which so much runs already.
#[derive(Default)]
struct Project {
    limits: RunningLimits,
    running: (u64, u64),
    spider_is_full: bool,
}

impl ProjectView for Project {
    type Error = Error;

    fn limits(&mut self) -> Result<RunningLimits> {
        Ok(self.limits)
    }

    fn running(&mut self) -> Result<(u64, u64)> {
        Ok(self.running)
    }

    fn is_full(&mut self, _: SpiderId) -> Result<bool> {
        Ok(self.spider_is_full)
    }
}

const CURSOR: EventCursor = EventCursor { number: 9, stamp: 7 };

fn actor() -> Actor {
    Actor::parse("ann").unwrap()
}

fn start(lease: Option<u64>) -> NewAttempt {
    let fence = Fence::parse(&"f".repeat(32)).unwrap();
    NewAttempt { fence, lease_expires: lease.map(Millis) }
}

/// A job as a push leaves it; a running one has a lease until 2,000.
fn job(state: State) -> StoredJob {
    let new = NewJob {
        spider: SpiderName::parse("s").unwrap(),
        state,
        scheduled: false,
        actor: actor(),
        priority: Priority::default(),
        units: Units::default(),
        tags: Tags::default(),
        spider_tags: false,
        unique: Some(UniqueKey::of_value("u")),
        counters: Counters::default(),
        metadata: Metadata::default(),
        start: (state == State::Running).then(|| start(Some(2_000))),
    };
    let key = JobKey::parse("1/2/3").unwrap();
    StoredJob::added(new, Tags::default(), key, Position(5), Millis(500))
}

fn set(name: &str, json: &str) -> Effect {
    let mut effect = Effect::default();
    effect.set.set(name, JsonText::parse(json).unwrap());
    effect
}

fn enter(state: State) -> Effect {
    Effect { enter: Some((state, actor())), ..Effect::default() }
}

fn try_apply(
    before: &StoredJob,
    effect: &Effect,
    project: &mut Project,
) -> Result<Applied, Changed> {
    apply(before, effect, NOW, NEXT, project).unwrap()
}

fn applied(before: &StoredJob, effect: &Effect) -> Applied {
    try_apply(before, effect, &mut Project::default()).unwrap()
}

fn changed(before: &StoredJob, holder: Holder) -> Changed {
    changed_since(before, holder, None)
}

fn changed_since(before: &StoredJob, holder: Holder, unchanged_since: Option<Millis>) -> Changed {
    let asked = Change {
        key: before.job.key,
        holder,
        unchanged_since,
        on: [Step::Refuse, Step::Apply(0), Step::Keep, Step::Keep],
        effects: vec![Effect::default()],
    };
    change(Some(before), &asked, NOW, NEXT, &mut Project::default()).unwrap().0
}

#[test]
fn a_change_of_a_job_that_was_written_since_is_refused_whatever_its_state() {
    for state in State::ALL {
        let job = job(state);
        let since = |time| changed_since(&job, Holder::Anyone, Some(time));
        assert_eq!(since(Millis(job.job.updated.0 + 1)), Changed::WrittenSince, "{state:?}");
        assert_ne!(since(job.job.updated), Changed::WrittenSince, "{state:?}");
        // Who must hold the job and does not gets that answer first.
        let other = Holder::Attempt(job.job.attempt + 1);
        assert_eq!(changed_since(&job, other, Some(Millis(0))), Changed::Stale, "{state:?}");
    }
}

#[test]
fn a_purge_is_no_request_to_stop() {
    let key = job(State::Finished).job.key;
    for state in [State::Finished, State::Deleted] {
        let event = NewEvent::purged(key, state);
        assert!(!event.is_stop() && !event.at(CURSOR).stop, "{state:?}");
    }
}

#[test]
fn a_request_to_stop_is_an_event_of_a_running_job_only() {
    let stop = set("stop_requested", "true");
    for state in [State::Pending, State::Finished, State::Deleted] {
        let Applied { after, event, .. } = applied(&job(state), &stop);
        assert_eq!((after.stop_requested, event), (true, None), "{state:?}");
    }
    let running = job(State::Running);
    let once = applied(&running, &stop);
    let event = once.event.unwrap();
    assert!(event.is_stop() && once.notify);
    let numbered = event.at(CURSOR);
    assert_eq!((numbered.cursor, numbered.state, numbered.stop), (CURSOR, State::Running, true));
    assert_eq!(applied(&once.after, &stop).event, None, "the second request is no news");
    assert_eq!(applied(&running, &set("stop_requested", "false")).event, None);
}

#[test]
fn a_request_to_stop_that_comes_with_an_entry_is_one_event() {
    let effect = Effect { enter: enter(State::Finished).enter, ..set("stop_requested", "true") };
    let event = applied(&job(State::Running), &effect).event.unwrap();
    assert_eq!((event.previous, event.state), (Some(State::Running), State::Finished));
    assert!(!event.is_stop());
}

#[test]
fn an_entry_takes_the_next_position_and_drops_later_entries() {
    let running = job(State::Running);
    let back = Effect { front: true, release: true, ..enter(State::Pending) };
    let Applied { after, event, notify } = applied(&running, &back);
    let pending = after.job.entry(State::Pending).unwrap();
    assert_eq!((pending.position, &pending.actor), (NEXT, &actor()));
    assert_eq!((after.job.position, after.job.entry(State::Running)), (NEXT, None));
    assert!(after.front && notify);
    assert_eq!(event.unwrap().previous, Some(State::Running));
    assert!(!applied(&running, &Effect { front: true, ..enter(State::Finished) }).after.front);
}

#[test]
fn a_release_keeps_the_unique_key_of_a_requeued_job_only() {
    let running = job(State::Running);
    let requeued = applied(&running, &Effect { release: true, ..enter(State::Pending) }).after;
    assert_eq!((requeued.fence, requeued.job.lease_expires), (None, None));
    assert_eq!(requeued.unique, running.unique);
    let finished = applied(&running, &Effect { release: true, ..enter(State::Finished) }).after;
    assert_eq!(finished.unique, None);
}

#[test]
fn a_start_counts_an_attempt_and_is_due_when_its_lease_ends() {
    let effect = Effect { start: Some(start(Some(3_000))), ..enter(State::Running) };
    let started = applied(&job(State::Pending), &effect).after;
    assert_eq!((started.job.attempt, started.due), (1, Some(Millis(3_000))));
    let effect = Effect { stop_by: Some(Millis(2_500)), ..Effect::default() };
    let asked = applied(&started, &effect).after;
    assert_eq!(asked.due, Some(Millis(2_500)));
    let later = Effect { stop_by: Some(Millis(9_000)), ..Effect::default() };
    assert_eq!(applied(&asked, &later).after.stop_by, Some(Millis(2_500)));
    assert_eq!(applied(&job(State::Pending), &later).after.stop_by, None);
}

#[test]
fn a_postponed_job_stays_so_until_a_heartbeat() {
    let mut postponed = job(State::Running);
    postponed.due = Some(Millis(5_000));
    assert_eq!(applied(&postponed, &set("a", "1")).after.due, Some(Millis(5_000)));
    let beat = Effect { lease_expires: Some(Millis(2_200)), ..Effect::default() };
    assert_eq!(applied(&postponed, &beat).after.due, Some(Millis(2_200)));
    assert_eq!(applied(&postponed, &enter(State::Finished)).after.due, None);
}

#[test]
fn a_heartbeat_needs_no_metadata_and_notifies_nobody() {
    let mut before = applied(&job(State::Running), &set("stop_requested", "true")).after;
    before.job.metadata = Metadata::default();
    let beat = Effect {
        lease_expires: Some(Millis(2_200)),
        counters: Counters { items: Some(4), ..Counters::default() },
        max_bytes: Some(3),
        ..Effect::default()
    };
    assert!(!beat.touches_metadata());
    let Applied { after, event, notify } = applied(&before, &beat);
    assert_eq!((after.stop_requested, after.metadata_bytes), (true, before.metadata_bytes));
    // The write before was at this time too.
    let later = Millis(NOW.0 + 1);
    assert_eq!((after.job.counters.items, after.job.updated), (Some(4), later));
    assert_eq!((event, notify), (None, false));
}

#[test]
fn too_much_metadata_is_refused_where_some_is_set() {
    let before = applied(&job(State::Pending), &set("large", "\"123456\"")).after;
    assert_eq!(before.metadata_bytes, 13);
    let limited = |effect| Effect { max_bytes: Some(14), ..effect };
    let mut project = Project::default();
    let refused = try_apply(&before, &limited(set("b", "1")), &mut project);
    assert_eq!(refused, Err(Changed::TooLarge));
    let removed = Effect { remove: vec![FieldName::known("large")], ..limited(Effect::default()) };
    assert_eq!(try_apply(&before, &removed, &mut project).unwrap().after.metadata_bytes, 0);
    let mut many = limited(set("b", "1"));
    many.tags = TagChanges { add: Tags::parse(["t"; 1]).unwrap(), ..TagChanges::default() };
    let mut full = before;
    full.job.tags = Tags::parse((0..crate::limits::MAX_TAGS).map(|n| n.to_string())).unwrap();
    assert_eq!(try_apply(&full, &many, &mut project), Err(Changed::TooManyTags));
}

#[test]
fn limits_are_asked_where_more_would_run() {
    let limits = RunningLimits { jobs: Some(2), units: Some(3) };
    let start = Effect { start: Some(start(None)), ..enter(State::Running) };
    let claims = |running, spider_is_full| {
        let mut project = Project { limits, running, spider_is_full };
        try_apply(&job(State::Pending), &start, &mut project).err()
    };
    assert_eq!(claims((1, 2), false), None);
    assert_eq!(claims((2, 3), true), Some(Changed::AtLimit(RunningLimit::Running)));
    assert_eq!(claims((1, 3), true), Some(Changed::AtLimit(RunningLimit::Units)));
    assert_eq!(claims((1, 2), true), Some(Changed::AtLimit(RunningLimit::Spider)));
    let mut over = Project { limits, running: (9, 9), spider_is_full: true };
    let grow = Effect { units: Some(Units::new(2).unwrap()), ..Effect::default() };
    let refused = try_apply(&job(State::Running), &grow, &mut over);
    assert_eq!(refused, Err(Changed::AtLimit(RunningLimit::Units)));
    assert!(try_apply(&job(State::Running), &Effect::default(), &mut over).is_ok());
    assert!(try_apply(&job(State::Pending), &grow, &mut over).is_ok());
}

#[test]
fn what_lets_a_job_be_claimed_notifies() {
    let lighter = Effect { units: Some(Units::new(1).unwrap()), ..Effect::default() };
    let heavier = Effect { units: Some(Units::new(3).unwrap()), ..Effect::default() };
    let pending = job(State::Pending);
    let running = applied(&job(State::Running), &heavier).after;
    assert!(applied(&pending, &heavier).notify);
    assert!(applied(&running, &lighter).notify);
    assert!(!applied(&job(State::Running), &heavier).notify);
    let urgent = Effect { priority: Some(Priority::new(4).unwrap()), ..Effect::default() };
    assert!(applied(&pending, &urgent).notify);
    assert!(!applied(&running, &urgent).notify);
    assert!(!applied(&pending, &set("a", "1")).notify);
}

#[test]
fn a_change_is_refused_to_whoever_does_not_hold_the_job() {
    let running = job(State::Running);
    let mine = start(None).fence;
    let other = Fence::parse(&"0".repeat(32)).unwrap();
    let done = Changed::Applied {
        previous: State::Running,
        attempt: 1,
        stop_requested: false,
        written: NOW,
    };
    assert_eq!(changed(&running, Holder::Fence(mine.clone())), done);
    assert_eq!(changed(&running, Holder::Fence(other)), Changed::Stale);
    assert_eq!(changed(&running, Holder::Attempt(1)), done);
    assert_eq!(changed(&running, Holder::Attempt(2)), Changed::Stale);
    assert_eq!(changed(&running, Holder::Expired(1)), Changed::Stale);
    assert_eq!(changed(&running, Holder::StartedBy(actor())), done);
    let bob = Actor::parse("bob").unwrap();
    assert_eq!(changed(&running, Holder::StartedBy(bob)), Changed::NotHeld);
    let mut ended = running;
    ended.job.lease_expires = Some(NOW);
    ended.stop_by = Some(NOW);
    assert_eq!(changed(&ended, Holder::Fence(mine)), Changed::Stale);
    assert_eq!(changed(&ended, Holder::Expired(1)), done);
    assert_eq!(changed(&ended, Holder::Overdue(1)), done);
    assert_eq!(changed(&ended, Holder::Overdue(2)), Changed::Stale);
}

#[test]
fn a_change_says_what_to_do_in_each_state() {
    let refused = changed(&job(State::Pending), Holder::Anyone);
    assert_eq!(refused, Changed::Refused(State::Pending));
    assert!(refused.is_refusal());
    let kept = changed(&job(State::Finished), Holder::Anyone);
    assert_eq!(kept, Changed::Kept(State::Finished));
    assert!(!kept.is_refusal());
}

#[test]
fn a_spiders_tags_come_first_and_only_once() {
    let tags = |texts: &[&str]| Tags::parse(texts).unwrap();
    let both = tags_with_spider(&tags(&["a", "b"]), &tags(&["c", "a"]));
    assert_eq!(both, Some(tags(&["a", "b", "c"])));
    let full = Tags::parse((0..crate::limits::MAX_TAGS).map(|n| n.to_string())).unwrap();
    assert_eq!(tags_with_spider(&full, &tags(&["0"])), Some(full.clone()));
    assert_eq!(tags_with_spider(&full, &tags(&["c"])), None);
}

#[test]
fn a_finished_job_is_added_without_a_unique_key() {
    assert_eq!(job(State::Finished).unique, None);
    assert!(job(State::Pending).unique.is_some());
}
