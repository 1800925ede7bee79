//! Reading.

use std::collections::BTreeMap;

use spiderq_output::{LineFilter, OutputId, OutputKind, Outputs, Summary};

use crate::world::*;

/// Appends in batches of a thousand lines.
async fn append_all(outputs: &Outputs, texts: &[String]) {
    for (number, chunk) in texts.chunks(1_000).enumerate() {
        append(outputs, logs(), 1_000 * number as u64, chunk).await.unwrap();
    }
}

fn offsets(read: &[(u64, String)]) -> Vec<u64> {
    read.iter().map(|(offset, _)| *offset).collect()
}

fn levels(min_level: i64) -> LineFilter {
    LineFilter::new(OutputKind::Logs, min_level, "", "").unwrap()
}

pub(crate) async fn a_reader_begins_anywhere_and_ends_after_its_limit(place: &impl Place) {
    let outputs = place.outputs();
    let texts = log_lines(0, 25_000, 20);
    append_all(&outputs, &texts).await;
    let all = numbered(&texts);
    for (start, limit) in
        [(0, 1), (0, 10_001), (9_999, 3), (11_111, 0), (24_999, 5), (25_000, 1), (30_000, 2)]
    {
        let mut reader = outputs.read(logs(), start, LineFilter::default()).limit(limit);
        let expected: Vec<_> =
            all.iter().skip(start as usize).take(limit as usize).cloned().collect();
        assert_eq!(read_out(&mut reader).await, expected, "{start} {limit}");
    }
}

pub(crate) async fn a_reader_follows_another_process(place: &impl Place) {
    let (writer, texts) = (place.outputs(), log_lines(0, 30_000, 20));
    let mut readers = [0, 15_000].map(|start| {
        let reader = place.outputs().read(logs(), start, LineFilter::default());
        (start, reader, Vec::new())
    });
    for (number, chunk) in texts.chunks(500).enumerate() {
        for (_, reader, read) in &mut readers {
            read.extend(read_out(reader).await);
        }
        append(&writer, logs(), 500 * number as u64, chunk).await.unwrap();
    }
    writer.end(logs().key, 1).await.unwrap();
    for (start, mut reader, mut read) in readers {
        read.extend(read_out(&mut reader).await);
        assert_eq!(read, numbered(&texts)[start as usize..]);
        assert_eq!(reader.next_offset(), 30_000);
    }
}

pub(crate) async fn levels_pass_over_segments(place: &impl Place) {
    let outputs = place.outputs();
    let mut texts = log_lines(0, 40_000, 20);
    for at in [15_000, 39_999] {
        texts[at] = log(at as u64, 40);
    }
    append_all(&outputs, &texts).await;
    for (level, expected) in [(40, vec![15_000, 39_999]), (50, vec![])] {
        let mut reader = outputs.read(logs(), 0, levels(level));
        assert_eq!(offsets(&read_out(&mut reader).await), expected);
        assert_eq!(reader.next_offset(), 40_000);
    }
    let contains = LineFilter::new(OutputKind::Logs, 0, "line 15000", "").unwrap();
    let found = read_out(&mut outputs.read(logs(), 0, contains)).await;
    assert_eq!(offsets(&found), [15_000]);
    // The segments without such lines are not needed.
    let names = objects(place, logs().key).await;
    let low: Vec<_> = names.iter().filter(|name| name.ends_with("-20.zst")).collect();
    assert!(!low.is_empty());
    for name in low {
        place.open().remove(logs().key, name).await.unwrap();
        place.open().put(logs().key, name, "not a segment".into()).await.unwrap();
    }
    let found = read_out(&mut outputs.read(logs(), 0, levels(40))).await;
    assert_eq!(offsets(&found), [15_000, 39_999]);
    assert!(outputs.read(logs(), 0, LineFilter::default()).batch().await.is_err());
}

pub(crate) async fn the_last_lines_that_match_are_found_from_the_end(place: &impl Place) {
    let outputs = place.outputs();
    let mut texts = log_lines(0, 30_000, 20);
    for at in (0..30_000).step_by(7_000) {
        texts[at] = log(at as u64, 40);
    }
    append_all(&outputs, &texts).await;
    for (start, lines, level, expected) in [
        (0, 3, 0, vec![29_997, 29_998, 29_999]),
        (29_998, 3, 0, vec![29_998, 29_999]),
        (0, 1, 40, vec![28_000]),
        (0, 3, 40, vec![14_000, 21_000, 28_000]),
        (7_001, 3, 40, vec![14_000, 21_000, 28_000]),
        (14_001, 3, 40, vec![21_000, 28_000]),
        (0, 100, 40, vec![0, 7_000, 14_000, 21_000, 28_000]),
        (0, 100, 50, vec![]),
    ] {
        let mut reader = outputs.read(logs(), start, levels(level));
        reader.skip_to_last(lines).await.unwrap();
        let found = read_out(&mut reader).await;
        assert_eq!(offsets(&found), expected, "{start} {lines} {level}");
    }
}

pub(crate) async fn a_page_has_about_a_mebibyte(place: &impl Place) {
    let outputs = place.outputs();
    let large = format!(r#"{{"x":"{}"}}"#, "x".repeat(600 << 10));
    let texts: Vec<String> = (0..4).map(|_| large.clone()).collect();
    append(&outputs, logs(), 0, &texts).await.unwrap();
    append(&outputs, logs(), 4, &log_lines(4, 30_000, 20)).await.unwrap();
    let mut reader = outputs.read(logs(), 0, LineFilter::default());
    let mut pages = Vec::new();
    loop {
        let batch = reader.batch().await.unwrap();
        let bytes: usize = batch.lines.iter().map(|line| line.len() + 1).sum();
        assert!(bytes <= (1 << 20) + 1, "{bytes}");
        pages.push(batch.lines.len());
        if batch.at_end {
            break;
        }
    }
    assert_eq!(pages[..3], [1, 1, 1]);
    assert_eq!(pages.iter().sum::<usize>(), 30_004);
}

pub(crate) async fn numbers_are_told_of_any_size(place: &impl Place) {
    let outputs = place.outputs();
    let mut texts = log_lines(0, 25_000, 20);
    texts[7] = log(7, 50);
    append_all(&outputs, &texts).await;
    let bytes: usize = texts.iter().map(String::len).sum();
    let expected = Summary {
        lines: 25_000,
        bytes: bytes as u64,
        first_time: Some(0),
        last_time: Some(24_999),
        max_level: 50,
        counts: BTreeMap::from([("20".to_owned(), 24_999), ("50".to_owned(), 1)]),
    };
    let items = OutputId { kind: OutputKind::Items, ..logs() };
    append(&outputs, items, 0, &[r#"{"a":1}"#, r#"{"a":1,"b":2}"#]).await.unwrap();
    for outputs in [outputs, place.outputs()] {
        let found = outputs.summaries(logs().key, 1).await.unwrap();
        assert_eq!(found[0], (OutputKind::Logs, expected.clone()));
        let counts: Vec<_> =
            found[1].1.counts.iter().map(|(name, count)| (&**name, *count)).collect();
        assert_eq!((found[1].0, counts), (OutputKind::Items, vec![("a", 2), ("b", 1)]));
        assert_eq!(found.len(), 2);
        outputs.end(logs().key, 1).await.unwrap();
    }
}

pub(crate) async fn jobs_with_output_are_listed(place: &impl Place) {
    let outputs = place.outputs();
    for text in ["53/7/81", "53/7/9", "53/10/1", "6/1/1"] {
        append(&outputs, OutputId { key: key(text), ..logs() }, 0, &["{}"]).await.unwrap();
    }
    let backend = place.open();
    assert_eq!(backend.numbers(&[]).await.unwrap(), [6, 53]);
    assert_eq!(backend.numbers(&[53]).await.unwrap(), [7, 10]);
    assert_eq!(backend.numbers(&[53, 7]).await.unwrap(), [9, 81]);
    assert_eq!(backend.numbers(&[54]).await.unwrap(), [0; 0]);
    outputs.remove(key("6/1/1")).await.unwrap();
    assert_eq!(backend.numbers(&[]).await.unwrap(), [53]);
    backend.ping().await.unwrap();
}

pub(crate) async fn a_place_has_one_owner(place: &impl Place) {
    for owner in ["first", "second", "first"] {
        assert_eq!(place.open().owner(owner).await.unwrap(), "first");
    }
    assert_eq!(place.open().numbers(&[]).await.unwrap(), [0; 0]);
}
