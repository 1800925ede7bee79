//! Metadata that a store may keep compressed: nobody sees it but by the memory that it takes.

use spiderq_core::{
    model::{FieldSelection, Metadata, State},
    store::{Changed, Effect, NewJob, Retention},
};

use super::{retention::clean, world::*};

/// Statistics of a crawl, of at least so many bytes.
fn stats(bytes: usize) -> String {
    let mut json = String::from(
        r#"{"downloader/request_bytes":5940,"downloader/request_count":20,"finish_reason":"finished""#,
    );
    for depth in 0.. {
        if json.len() + 1 >= bytes {
            break;
        }
        json.push_str(&format!(", \"request_depth_count/{depth}\": {}", depth * 7919 % 1000));
    }
    json + "}"
}

/// A string of exactly so many bytes of which compression leaves three quarters at least.
fn random(bytes: usize) -> String {
    let mut state = 1_u64;
    let text = (2..bytes).map(|_| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        char::from(
            b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
                [(state >> 58) as usize],
        )
    });
    format!("\"{}\"", text.collect::<String>())
}

/// Values around the lengths at which a store may begin to compress, and far beyond.
fn values() -> Metadata {
    let mut all = Vec::new();
    for bytes in [64, 65, 255, 256, 257, 300, 1_000, 4_000, 70_000, 200_000] {
        all.push((format!("stats of {bytes}"), stats(bytes)));
        all.push((format!("random of {bytes}"), random(bytes)));
        all.push((format!("same of {bytes}"), format!("\"{}\"", "é".repeat(bytes / 2 - 1))));
    }
    let all: Vec<(&str, &str)> = all.iter().map(|(a, b)| (a.as_str(), b.as_str())).collect();
    metadata(&all)
}

/// By whatever call they are written and read.
pub async fn large_values_come_back_byte_for_byte(world: World) {
    let all = values();
    let pushed = world.add(T, NewJob { metadata: all.clone(), ..pending("s") }).await;
    let changed = world.add(T, pending("s")).await;
    world.apply(T, always(changed, Effect { set: all.clone(), ..Effect::default() })).await;
    let names = all.iter().map(|(name, _)| name.clone()).collect();
    for fields in [FieldSelection::Full, FieldSelection::Named(names)] {
        for key in [pushed, changed] {
            let read = world.store.get(&[key], &fields).await.unwrap();
            assert_eq!(read[0].as_ref().unwrap().metadata, all);
        }
        let page = world.store.page(world.project, &those(&State::ALL), 9, &fields).await.unwrap();
        assert!(page.jobs.iter().all(|job| job.metadata == all));
        assert!(!page.jobs.is_empty());
    }
    for (name, value) in all.iter() {
        let named = FieldSelection::Named(vec![name.clone()]);
        let read = world.store.get(&[pushed, changed], &named).await.unwrap();
        for job in read {
            let expected = metadata(&[(name.as_str(), value.as_str())]);
            assert_eq!(job.unwrap().metadata, expected);
        }
    }
    assert_eq!(world.claim(T).await.unwrap().job.metadata, all);
    clean(&world).await;
}

/// Whatever a store keeps of them: the limit of a job is one of texts.
pub async fn the_limit_counts_the_bytes_of_texts(world: World) {
    let (first, second) = (stats(5_000), stats(3_000));
    let key = world.add(T, NewJob { metadata: metadata(&[("a", &first)]), ..pending("s") }).await;
    let setting = |fields: &[(&str, &str)], remove: &[&str], most: usize| Effect {
        set: metadata(fields),
        remove: remove.iter().map(|name| field_name(name)).collect(),
        max_bytes: Some(most),
        ..Effect::default()
    };
    let mut at = T;
    let mut fits = async |fields: &[(&str, &str)], remove: &[&str], bytes: usize| {
        at += 1;
        let refused = always(key, setting(fields, remove, bytes - 1));
        assert_eq!(world.change(at, vec![refused]).await, [Changed::TooLarge]);
        world.apply(at, always(key, setting(fields, remove, bytes))).await;
        assert_eq!(world.job(key).await.unwrap().metadata.bytes(), bytes);
        clean(&world).await;
    };
    let both = first.len() + second.len() + 2;
    fits(&[("b", &second)], &[], both).await;
    fits(&[("a", &second), ("b", &first)], &[], both).await;
    fits(&[("a", "1")], &[], first.len() + 3).await;
    fits(&[("a", &first), ("c", "2")], &["b"], first.len() + 3).await;
    fits(&[("a", &second)], &[], second.len() + 3).await;
}

/// Changes of one call see each other's.
pub async fn changes_of_a_call_count_the_bytes_of_texts(world: World) {
    let large = stats(5_000);
    let key = world.add(T, pending("s")).await;
    let set = |name: &str, most| {
        let set = metadata(&[(name, &large)]);
        always(key, Effect { set, max_bytes: Some(most), ..Effect::default() })
    };
    let bytes = large.len() + 1;
    let changes = vec![
        set("a", bytes),
        set("b", 2 * bytes - 1),
        set("a", bytes),
        set("b", 2 * bytes),
        always(key, Effect { remove: vec![field_name("a")], ..Effect::default() }),
        set("c", 2 * bytes),
    ];
    let changed = world.change(T, changes).await;
    let refused: Vec<bool> = changed.iter().map(|one| *one == Changed::TooLarge).collect();
    assert_eq!(refused, [false, true, false, false, false, false]);
    let expected = metadata(&[("b", &large), ("c", &large)]);
    assert_eq!(world.job(key).await.unwrap().metadata, expected);
    clean(&world).await;
}

/// So does retention.
pub async fn retention_counts_the_bytes_of_texts(world: World) {
    let large = metadata(&[("scrapystats", &stats(2_000))]);
    for at in 0..3 {
        let job = NewJob { metadata: large.clone(), ..in_state("s", State::Finished) };
        world.add(T + at, job).await;
    }
    let bytes = large.bytes() as u64;
    for (most, removed) in [(3 * bytes, 0), (3 * bytes - 1, 1), (bytes, 1), (bytes - 1, 1)] {
        let keep = Retention { bytes: Some(most), ..Retention::default() };
        let pruned = world.store.prune(world.project, State::Finished, &keep, 100).await;
        assert_eq!(pruned.unwrap().count, removed, "{most}");
        clean(&world).await;
    }
}

/// Pages end by the bytes of texts: three such jobs take more than a step may read.
pub async fn pages_count_the_bytes_of_texts(world: World) {
    let fields = metadata(&[("large", &stats(700_000)), ("medium", &stats(300)), ("small", "1")]);
    world.push(T, vec![NewJob { metadata: fields, ..pending("s") }; 4]).await;
    let named = |name: &str| FieldSelection::Named(vec![field_name(name)]);
    let all = [
        (FieldSelection::Full, 2),
        (named("large"), 2),
        (named("medium"), 4),
        (named("small"), 4),
        (FieldSelection::Row, 4),
    ];
    for (fields, jobs) in all {
        let filter = those(&[State::Pending]);
        let page = world.store.page(world.project, &filter, 9, &fields).await.unwrap();
        assert_eq!(page.jobs.len(), jobs, "{fields:?}");
    }
}
