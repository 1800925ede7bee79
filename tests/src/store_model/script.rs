//! Random calls of the store traits. There are few names, tags, fences and times, so that calls
//! concern the same jobs; calls that the domain never makes are left out.

use proptest::{
    collection::vec, option, prelude::Strategy, prop_oneof, sample::select, strategy::Just,
};
use spiderq_core::{
    model::{
        Actor, ClaimFilter, Counters, Fence, FieldName, FieldSelection, Filter, JobId, JobKey,
        Metadata, Millis, Position, ProjectId, SpiderId, SpiderName, State, Tag, TagChanges, Tags,
        UniqueKey, Units,
    },
    store::{
        Change, Effect, Holder, MAX_RUNNING, MAX_RUNNING_UNITS, NewAttempt, NewJob, Retention,
        SettingsChange, Step,
    },
};

use crate::store_contract::world::{
    T, actor, field_name, metadata, name, place, priority, tag_list, tags,
};

/// A call of the store traits. Keys are of `any_project` until [`Call::of`] names another.
#[derive(Clone, Debug)]
pub enum Call {
    /// Adds these jobs.
    Push(Vec<NewJob>),
    /// Claims a job that the filter allows.
    Claim(ClaimFilter, Box<Effect>),
    /// Changes these jobs; `true`: all or nothing.
    Change(Vec<Change>, bool),
    /// Removes a deleted job.
    Purge(JobKey),
    /// Removes up to so many old jobs of a state.
    Prune(State, Retention, usize),
    /// Reads these jobs.
    Get(Vec<JobKey>, FieldSelection),
    /// Lists in pages of this length, also without so many jobs at the beginning, and counts.
    List(Filter, usize, FieldSelection),
    /// Reads so many of the oldest pending jobs.
    Oldest(usize),
    /// Reads what is due, and may postpone the first of it by so many milliseconds.
    Due(Option<u64>),
    /// Changes settings, mostly those that limit what runs.
    Settings(SettingsChange),
    /// Sets how many jobs of a spider may run at a time.
    LimitSpider(SpiderId, Option<u32>),
    /// Changes the tags that a spider gives to its jobs.
    TagSpider(SpiderId, TagChanges),
}

impl Call {
    /// The same call in this project.
    #[must_use]
    pub fn of(mut self, project: ProjectId) -> Self {
        match &mut self {
            Self::Change(changes, _) => {
                changes.iter_mut().for_each(|change| change.key.project = project);
            }
            Self::Purge(key) => key.project = project,
            Self::Get(keys, _) => keys.iter_mut().for_each(|key| key.project = project),
            Self::Push(_)
            | Self::Claim(..)
            | Self::Prune(..)
            | Self::List(..)
            | Self::Oldest(_)
            | Self::Due(_)
            | Self::Settings(_)
            | Self::LimitSpider(..)
            | Self::TagSpider(..) => {}
        }
        self
    }
}

/// Calls, each with its time after the beginning and whether it is made twice under one
/// request id.
pub type Script = Vec<(u64, bool, Call)>;

/// Scripts of up to 40 calls.
pub fn scripts() -> impl Strategy<Value = Script> {
    vec((0..20_u64, proptest::bool::weighted(0.3), calls()), 1..40)
}

fn calls() -> impl Strategy<Value = Call> {
    prop_oneof![
        4 => vec(jobs(), 1..5).prop_map(Call::Push),
        4 => (wanted(), starts()).prop_map(|(wanted, effect)| Call::Claim(wanted, Box::new(effect))),
        6 => (vec(changes(), 1..5), proptest::bool::ANY).prop_map(|(changes, all)| change(changes, all)),
        2 => restores().prop_map(|changes| Call::Change(changes, false)),
        2 => keys().prop_map(Call::Purge),
        2 => (vec(keys(), 0..6), fields()).prop_map(|(keys, fields)| Call::Get(keys, fields)),
        4 => (filters(), 1..6_usize, fields()).prop_map(|(filter, limit, fields)| Call::List(filter, limit, fields)),
        1 => (1..6_usize).prop_map(Call::Oldest),
        2 => option::of(0..10_u64).prop_map(Call::Due),
        1 => settings().prop_map(Call::Settings),
        1 => (keys(), option::of(0..3_u32)).prop_map(|(key, most)| Call::LimitSpider(key.spider, most)),
        1 => (keys(), tag_edits()).prop_map(|(key, edit)| Call::TagSpider(key.spider, edit)),
        1 => (select(vec![State::Finished, State::Deleted]), retention(), 1..4_usize)
            .prop_map(|(state, keep, limit)| Call::Prune(state, keep, limit)),
    ]
}

fn settings() -> impl Strategy<Value = SettingsChange> {
    let name = || select(vec![MAX_RUNNING, MAX_RUNNING_UNITS, "other"]);
    let value = select(vec!["0", "1", "2", "3", "5", "8", "\"1\"", "1.0", "null"]);
    let merge = vec((name(), value), 0..3);
    prop_oneof![
        6 => merge.prop_map(|settings| SettingsChange::Merge(metadata(&settings))),
        3 => vec(name().prop_map(field_name), 0..3).prop_map(SettingsChange::Remove),
        1 => Just(SettingsChange::Clear),
    ]
}

fn retention() -> impl Strategy<Value = Retention> {
    (option::of(places()), option::of(0..4_u64), option::of(0..200_u64))
        .prop_map(|(from, jobs, bytes)| Retention { from, jobs, bytes })
}

/// Most filters allow nearly every job: few jobs are of one kind.
fn wanted() -> impl Strategy<Value = ClaimFilter> {
    let tag = || select(tag_list(&["a", "b", ":*"]));
    let tags = (vec(tag(), 0..2), vec(tag(), 0..2));
    let units = option::weighted(0.3, 1..7_i64);
    (vec(spiders(), 0..3), tags, units).prop_map(|(spiders, (has_tags, lacks_tags), units)| {
        ClaimFilter {
            spiders,
            has_tags,
            lacks_tags,
            max_units: units.map(|units| Units::new(units).unwrap()),
        }
    })
}

/// No job comes twice in an all-or-nothing call: no rule says what its second change would have
/// done.
fn change(mut changes: Vec<Change>, all_or_nothing: bool) -> Call {
    if all_or_nothing {
        changes.sort_by_key(|change| change.key);
        changes.dedup_by_key(|change| change.key);
    }
    Call::Change(changes, all_or_nothing)
}

fn jobs() -> impl Strategy<Value = NewJob> {
    let unique = option::of(select(vec!["u", "v"]).prop_map(UniqueKey::of_value));
    let rank = (0..5_i64, 1..7_i64);
    let parts = (spiders(), states(), actors(), rank, tag_sets(), unique);
    (parts, counters(), values(), begins()).prop_map(|(parts, counters, metadata, start)| {
        let (spider, state, actor, (rank, units), tags, unique) = parts;
        NewJob {
            spider,
            state,
            scheduled: units % 2 == 0,
            spider_tags: rank % 2 == 0,
            actor,
            priority: priority(rank),
            units: Units::new(units).unwrap(),
            tags,
            unique,
            counters,
            metadata,
            start: (state == State::Running).then_some(start),
        }
    })
}

fn changes() -> impl Strategy<Value = Change> {
    let steps = vec(0..4_usize, 4);
    (keys(), holders(), steps, vec(effects(), 2)).prop_map(|(key, holder, steps, effects)| {
        let step = |state: State| {
            let enters = |at: usize| effects[at].enter.as_ref().map(|(state, _)| *state);
            let stops = |at: usize, state| effects[at].stop_by.is_none() || state == State::Running;
            match steps[state.index()] {
                0 => Step::Refuse,
                // No effect enters the state that the job is in, and only a running job gets
                // a time to stop.
                at @ (2 | 3) if enters(at - 2) != Some(state) && stops(at - 2, state) => {
                    Step::Apply(at - 2)
                }
                _ => Step::Keep,
            }
        };
        Change { key, holder, unchanged_since: None, on: State::ALL.map(step), effects }
    })
}

/// Ends a job, deletes it and restores it; the first of these may have been done before.
fn restores() -> impl Strategy<Value = Vec<Change>> {
    (keys(), actors(), values(), 0..3_usize).prop_map(|(key, actor, set, done)| {
        let enter = |state, restore| {
            let (enter, set) = (Some((state, actor.clone())), set.clone());
            Effect { enter, restore, release: true, set, ..Effect::default() }
        };
        let change = |on, effects| Change {
            key,
            holder: Holder::Anyone,
            unchanged_since: None,
            on,
            effects,
        };
        let (apply, keep) = (Step::Apply(0), Step::Keep);
        let restore = Step::Restore { ended: 0, never_ended: 1 };
        let ends = vec![enter(State::Finished, true), enter(State::Finished, false)];
        let mut changes = vec![
            change([apply, apply, keep, keep], vec![enter(State::Finished, false)]),
            change([apply, apply, apply, keep], vec![enter(State::Deleted, false)]),
            change([keep, keep, keep, restore], ends),
        ];
        changes.split_off(done)
    })
}

fn effects() -> impl Strategy<Value = Effect> {
    let heartbeat =
        times().prop_map(|time| Effect { lease_expires: Some(time), ..Effect::default() });
    let stop = times().prop_map(|time| Effect { stop_by: Some(time), ..Effect::default() });
    let entry = (
        select(vec![State::Pending, State::Finished, State::Deleted]),
        actors(),
        proptest::bool::ANY,
    );
    let end = entry.prop_map(|(state, actor, front)| Effect {
        front: front && state == State::Pending,
        enter: Some((state, actor)),
        release: true,
        ..Effect::default()
    });
    let base = prop_oneof![Just(Effect::default()), heartbeat, stop, end, starts()];
    let rank = (option::of(0..5_i64), option::of(1..7_i64));
    let limit = option::of(0..60_usize);
    let rest = (values(), vec(names(), 0..3), tag_edits(), rank, (counters(), limit));
    (base, rest).prop_map(
        |(base, (set, mut remove, tags, (rank, units), (counters, max_bytes)))| {
            remove.retain(|name| set.get(name.as_str()).is_none());
            Effect {
                set,
                remove,
                tags,
                priority: rank.map(priority),
                units: units.map(|units| Units::new(units).unwrap()),
                counters,
                max_bytes,
                ..base
            }
        },
    )
}

fn starts() -> impl Strategy<Value = Effect> {
    (actors(), begins(), values()).prop_map(|(actor, start, set)| Effect {
        enter: Some((State::Running, actor)),
        start: Some(start),
        release: false,
        set,
        ..Effect::default()
    })
}

fn holders() -> impl Strategy<Value = Holder> {
    prop_oneof![
        4 => Just(Holder::Anyone),
        2 => fences().prop_map(Holder::Fence),
        1 => (0..3_u32).prop_map(Holder::Attempt),
        1 => (0..3_u32).prop_map(Holder::Expired),
        1 => (0..3_u32).prop_map(Holder::Overdue),
        1 => actors().prop_map(Holder::StartedBy),
    ]
}

fn filters() -> impl Strategy<Value = Filter> {
    let tag = || select(tag_list(&["a", "b", ":*"]));
    let states = vec(states(), 0..5).prop_map(|states| states.into_iter().collect());
    let bounds = (option::of(places()), option::of(places()));
    let tags = (vec(tag(), 0..3), vec(tag(), 0..2), vec(tag(), 0..3));
    (states, vec(spiders(), 0..3), tags, bounds).prop_map(
        |(states, spiders, (has_tags, has_all_tags, lacks_tags), (from, until))| Filter {
            states,
            spiders,
            has_tags,
            has_all_tags,
            lacks_tags,
            from,
            until,
            ..Filter::default()
        },
    )
}

fn begins() -> impl Strategy<Value = NewAttempt> {
    (fences(), option::of(times()))
        .prop_map(|(fence, lease_expires)| NewAttempt { fence, lease_expires })
}

fn tag_edits() -> impl Strategy<Value = TagChanges> {
    let remove = vec(select(tag_list(&["a", "b", ":*"])), 0..3);
    (proptest::bool::weighted(0.1), remove, tag_sets())
        .prop_map(|(clear, remove, add)| TagChanges { clear, remove, add })
}

/// Seldom as many as a job may have, so that any more are too many.
fn tag_sets() -> impl Strategy<Value = Tags> {
    let many: Vec<Tag> = (0..64).map(|n| Tag::parse(&format!("t{n}")).unwrap()).collect();
    prop_oneof![
        20 => vec(select(vec!["a", "b", ":*"]), 0..3).prop_map(|texts| tags(&texts)),
        1 => Just(Tags::new(many).unwrap()),
    ]
}

fn values() -> impl Strategy<Value = Metadata> {
    let long = format!("\"{}\"", "x".repeat(100));
    let json = select(vec!["[]".to_owned(), "1566311822568.0".to_owned(), "true".to_owned(), long]);
    let fields = vec((names(), json), 0..3);
    fields.prop_map(|fields| {
        let pairs: Vec<(&str, &str)> =
            fields.iter().map(|(name, json)| (name.as_str(), json.as_str())).collect();
        metadata(&pairs)
    })
}

fn names() -> impl Strategy<Value = FieldName> {
    select(vec!["version", "stop_requested", "__proto__", "state"]).prop_map(field_name)
}

fn fields() -> impl Strategy<Value = FieldSelection> {
    prop_oneof![
        Just(FieldSelection::Full),
        Just(FieldSelection::Row),
        vec(names(), 0..3).prop_map(FieldSelection::Named),
    ]
}

fn counters() -> impl Strategy<Value = Counters> {
    let number = || option::weighted(0.3, select(vec![0, 1, (1_u64 << 53) + 1]));
    (number(), number(), number(), number()).prop_map(|(items, pages, logs, errors)| Counters {
        items,
        pages,
        logs,
        errors,
    })
}

fn keys() -> impl Strategy<Value = JobKey> {
    (1..4_i64, 1..6_i64).prop_map(|(spider, job)| JobKey {
        project: any_project(),
        spider: SpiderId::new(spider).unwrap(),
        job: JobId::new(job).unwrap(),
    })
}

fn any_project() -> ProjectId {
    ProjectId::new(1).unwrap()
}

fn states() -> impl Strategy<Value = State> {
    select(vec![State::Pending, State::Pending, State::Running, State::Finished, State::Deleted])
}

fn spiders() -> impl Strategy<Value = SpiderName> {
    select(vec!["a", "b:{*}", "c/%2F"]).prop_map(name)
}

fn actors() -> impl Strategy<Value = Actor> {
    select(vec!["ann", "bob"]).prop_map(actor)
}

fn fences() -> impl Strategy<Value = Fence> {
    (0..3_u8).prop_map(|n| Fence::parse(&format!("{n:032x}")).unwrap())
}

fn times() -> impl Strategy<Value = Millis> {
    (0..30_u64).prop_map(|time| Millis(T + time))
}

fn places() -> impl Strategy<Value = Position> {
    (0..20_u64, 0..20_u64).prop_map(|(time, n)| place(T + time, n))
}
