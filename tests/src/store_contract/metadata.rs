//! Metadata comes back byte for byte, and a read answers only the fields that it names.

use spiderq_core::{
    model::{FieldSelection, JobKey, JsonText, Metadata, Millis, State},
    store::{Effect, NewJob},
};

use super::world::*;

fn hostile_values() -> Vec<String> {
    let mut values: Vec<String> = [
        "[]",
        "{}",
        "null",
        "true",
        "0",
        "-0.0",
        "1E5",
        "1566311822568.0",
        "9223372036854775807",
        "18446744073709551616",
        "0.1000000000000000055511151231257827",
        r#""""#,
        r#""\u00e9\/ é \ud83d\ude00""#,
        r#"{"b": [ ],"a":{"a":[{}]}, "__proto__": 1}"#,
        r#"{"a":1,"a":2}"#,
        "\"\u{202e}abc\u{7f}\"",
    ]
    .map(str::to_owned)
    .to_vec();
    values.push(format!("\"{}\"", "x".repeat(63)));
    values.push(format!("\"{}\"", "x".repeat(64)));
    values.push(format!("\"{}\"", "long ".repeat(20_000)));
    values
}

fn set(name: &str, json: &str) -> Effect {
    Effect { set: metadata(&[(name, json)]), ..Effect::default() }
}

/// Values written by a push and by a change.
pub async fn values_keep_their_bytes(world: World) {
    let values = hostile_values();
    let all: Metadata = values
        .iter()
        .enumerate()
        .map(|(n, json)| {
            let json = JsonText::parse(json).unwrap();
            (field_name(&format!("f{n}")), json)
        })
        .collect();
    let pushed = NewJob { metadata: all.clone(), ..pending("s") };
    let pushed = world.add(T, pushed).await;
    assert_eq!(world.job(pushed).await.unwrap().metadata, all);
    let changed = world.add(T, pending("s")).await;
    let effect = Effect { set: all.clone(), ..Effect::default() };
    world.apply(T, always(changed, effect)).await;
    assert_eq!(world.job(changed).await.unwrap().metadata, all);
    let claimed = world.claim(T).await.unwrap();
    assert_eq!(claimed.job.metadata, all);
}

/// No field's name is taken for another's or for a name that the store uses itself.
pub async fn hostile_names_stay_apart(world: World) {
    let mut names = hostile_texts();
    let own = [
        "state", "position", "priority", "tags", "fence", "metadata", "spider", "attempt", "m:a",
        "lease", "updated", "unique", "units", "s", "p", "t",
    ];
    names.extend(own.map(str::to_owned));
    let all: Metadata = names
        .iter()
        .enumerate()
        .map(|(n, text)| (field_name(text), JsonText::integer(n as u64)))
        .collect();
    let job = NewJob { metadata: all.clone(), ..pending("s") };
    let key = world.add(T, job).await;
    let before = world.job(key).await.unwrap();
    assert_eq!(before.metadata, all);
    let mut left = all;
    for text in &names {
        let read = FieldSelection::Named(vec![field_name(text)]);
        let jobs = world.store.get(&[key], &read).await.unwrap();
        let found = jobs[0].as_ref().unwrap();
        assert_eq!(found.metadata.get(text), left.get(text));
        left.remove(text);
        let effect = Effect { remove: vec![field_name(text)], ..Effect::default() };
        world.apply(T, always(key, effect)).await;
    }
    let mut expected = before;
    expected.metadata = Metadata::default();
    expected.updated = Millis(T + names.len() as u64);
    assert_eq!(world.job(key).await, Some(expected));
}

/// A field may grow, shrink, be removed and be set again. Rows of lists show `spider_args`, so a store
/// may treat them in a way of their own.
pub async fn a_field_may_change_its_size(world: World) {
    for name in ["f", "spider_args"] {
        let other = world.add(T, pending("s")).await;
        let key = world.add(T, pending("s")).await;
        let long = format!("\"{}\"", "é".repeat(5_000));
        for json in ["1", &long, "2", &long, "\"\"", "[]", &long] {
            world.apply(T, always(key, set(name, json))).await;
            has_only(&world, key, name, Some(json), other).await;
        }
        let gone = vec![field_name(name), field_name("never there")];
        let remove = Effect { remove: gone, ..Effect::default() };
        world.apply(T, always(key, remove)).await;
        has_only(&world, key, name, None, other).await;
        world.apply(T, always(key, set(name, "3"))).await;
        has_only(&world, key, name, Some("3"), other).await;
    }
}

/// Every kind of read answers this metadata of the latest job, and none of the `other`, the one before.
async fn has_only(world: &World, key: JobKey, name: &str, json: Option<&str>, other: JobKey) {
    let job = world.job(key).await.unwrap();
    let expected: Vec<(&str, &str)> = json.into_iter().map(|json| (name, json)).collect();
    assert_eq!(job.metadata, metadata(&expected));
    let read = FieldSelection::Named(vec![field_name(name)]);
    let jobs = world.store.get(&[key], &read).await.unwrap();
    assert_eq!(jobs, [Some(job.clone())]);
    let page = world.store.page(world.project, &those(&State::ALL), 2, &read).await.unwrap();
    assert_eq!(page.jobs, [job, world.job(other).await.unwrap()]);
}

/// For each kind of read, and for small and large fields.
pub async fn a_read_answers_the_fields_it_names(world: World) {
    let long = format!("\"{}\"", "x".repeat(1_000));
    let all = metadata(&[
        ("close_reason", r#""finished""#),
        ("spider_type", r#""manual""#),
        ("version", &long),
        ("small", "1"),
        ("large", &long),
    ]);
    let job = NewJob { metadata: all.clone(), ..in_state("s", State::Finished) };
    let key = world.add(T, job).await;
    let without = |gone: &[&str]| {
        let mut kept = all.clone();
        kept.retain(|name| !gone.contains(&name));
        kept
    };
    let named =
        |names: &[&str]| FieldSelection::Named(names.iter().map(|n| field_name(n)).collect());
    let reads = [
        (FieldSelection::Full, without(&[])),
        (FieldSelection::Row, without(&["small", "large"])),
        (named(&[]), without(&["small", "large"])),
        (named(&["small", "unknown"]), without(&["large"])),
        (named(&["large", "version"]), without(&["small"])),
        (named(&["large", "small", "small"]), without(&[])),
    ];
    for (fields, expected) in reads {
        let mut job = world.job(key).await.unwrap();
        job.metadata = expected;
        let got = world.store.get(&[key], &fields).await.unwrap();
        assert_eq!(got, [Some(job.clone())]);
        let filter = those(&State::ALL);
        let page = world.store.page(world.project, &filter, 9, &fields).await;
        assert_eq!(page.unwrap().jobs, [job]);
    }
}
