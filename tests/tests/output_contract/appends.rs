//! Appending.

use std::sync::atomic::{AtomicU64, Ordering};

use spiderq_core::{error::Error, model::Fence};
use spiderq_output::{Append, LineFilter, OutputId, OutputKind};

use crate::world::*;

pub(crate) async fn lines_come_back_as_they_were_appended(place: &impl Place) {
    let outputs = place.outputs();
    // Numbers beyond doubles, spaces and escapes: nothing is written anew.
    let texts = [r#"{ "a": 12345678901234567890 }"#, r#"{"b":"\u00e9é"}"#, "{}"];
    let items = OutputId { kind: OutputKind::Items, ..logs() };
    assert_eq!(append(&outputs, items, 0, &texts[..2]).await.unwrap().next, 2);
    assert_eq!(append(&outputs, items, 2, &texts[2..]).await.unwrap().next, 3);
    assert_eq!(all(&outputs, items).await, numbered(&texts));
    assert_eq!(all(&place.outputs(), items).await, numbered(&texts));
    assert_eq!(all(&outputs, logs()).await, []);
}

pub(crate) async fn a_batch_that_comes_twice_is_stored_once(place: &impl Place) {
    let texts = [log(0, 20), log(1, 20)];
    for outputs in [place.outputs(), place.outputs()] {
        for _ in 0..2 {
            assert_eq!(append(&outputs, logs(), 0, &texts).await.unwrap().next, 2);
        }
    }
    assert_eq!(all(&place.outputs(), logs()).await, numbered(&texts));
}

pub(crate) async fn lines_that_are_there_are_passed_over(place: &impl Place) {
    let outputs = place.outputs();
    let texts: Vec<String> = (0..5).map(|number| log(number, 20)).collect();
    append(&outputs, logs(), 0, &texts[..3]).await.unwrap();
    assert_eq!(append(&outputs, logs(), 1, &texts[1..]).await.unwrap().next, 5);
    let done = append(&outputs, logs(), 4, &[] as &[&str]).await.unwrap();
    assert_eq!(done.next, 5);
    assert_eq!(all(&outputs, logs()).await, numbered(&texts));
}

pub(crate) async fn a_gap_is_refused_and_names_the_next_offset(place: &impl Place) {
    let (first, second) = (place.outputs(), place.outputs());
    let gap = async |outputs, start| match append(outputs, logs(), start, &["{}"]).await {
        Err(Error::OutputGap(key, next)) if key == logs().key => next,
        other => panic!("{other:?}"),
    };
    assert_eq!(gap(&first, 1).await, 0);
    append(&first, logs(), 0, &["{}", "{}"]).await.unwrap();
    assert_eq!(gap(&first, 3).await, 2);
    assert_eq!(gap(&second, 3).await, 2);
    // The other process appends what was missing: no gap any more.
    append(&second, logs(), 2, &["{}"]).await.unwrap();
    assert_eq!(append(&first, logs(), 3, &["{}"]).await.unwrap().next, 4);
}

pub(crate) async fn a_line_that_is_no_json_refuses_the_batch(place: &impl Place) {
    let outputs = place.outputs();
    append(&outputs, logs(), 0, &["{}"]).await.unwrap();
    let refused = append(&outputs, logs(), 0, &["{}", "{}", "no"]).await.unwrap_err();
    assert_eq!(refused.violations()[0].path, "lines[2]");
    assert_eq!(refused.to_string(), "lines: must be a JSON object");
    assert_eq!(all(&outputs, logs()).await, numbered(&["{}"]));
    assert_eq!(append(&outputs, logs(), 1, &["{}"]).await.unwrap().next, 2);
}

pub(crate) async fn more_bytes_than_allowed_are_refused(place: &impl Place) {
    let outputs = place.outputs();
    let bounded = |start, max_bytes| Append { max_bytes, ..batch(logs(), start, &["{}", "{}"]) };
    assert_eq!(outputs.append(bounded(0, 4)).await.unwrap().bytes, 4);
    assert!(matches!(outputs.append(bounded(2, 7)).await, Err(Error::TooLarge(_))));
    // What is there already needs no room.
    assert_eq!(outputs.append(bounded(0, 4)).await.unwrap().next, 2);
    assert_eq!(outputs.append(bounded(2, 8)).await.unwrap().next, 4);
}

pub(crate) async fn two_processes_append_in_turn(place: &impl Place) {
    let both = [place.outputs(), place.outputs()];
    // Beyond some compressions, so that each meets a tail that the other has written anew.
    let texts = log_lines(0, 30_000, 20);
    for (turn, chunk) in texts.chunks(700).enumerate() {
        let start = 700 * turn as u64;
        let done = append(&both[turn % 2], logs(), start, chunk).await.unwrap();
        assert_eq!(done.next, start + chunk.len() as u64);
    }
    assert!(objects(place, logs().key).await.len() >= 3);
    for outputs in both {
        assert_eq!(all(&outputs, logs()).await, numbered(&texts));
    }
}

pub(crate) async fn of_two_processes_one_wins_each_offset(place: &impl Place) {
    const ROUNDS: u64 = 40;
    let stored = AtomicU64::new(0);
    let write = async |name: &str| {
        let outputs = place.outputs();
        for _ in 0..ROUNDS {
            let next = outputs.summary(&logs()).await.unwrap().lines;
            let line = format!(r#"{{"by":"{name}","at":{next},"x":"{}"}}"#, "x".repeat(20_000));
            append(&outputs, logs(), next, &[line]).await.unwrap();
            stored.fetch_max(next + 1, Ordering::Relaxed);
        }
    };
    tokio::join!(write("a"), write("b"), write("c"));
    let lines = all(&place.outputs(), logs()).await;
    // An offset that two wanted has the line of one, and none is missing.
    assert_eq!(lines.len() as u64, stored.load(Ordering::Relaxed));
    for (offset, line) in lines {
        assert!(line.contains(&format!(r#""at":{offset},"#)), "{offset}");
    }
}

pub(crate) async fn attempts_and_kinds_are_kept_apart(place: &impl Place) {
    let outputs = place.outputs();
    let ids: Vec<OutputId> = [1, 2, 12]
        .into_iter()
        .flat_map(|attempt| {
            let id = move |kind| OutputId { attempt, kind, ..logs() };
            [OutputKind::Logs, OutputKind::Items, OutputKind::Requests].map(id)
        })
        .collect();
    for (number, id) in ids.iter().enumerate() {
        append(&outputs, *id, 0, &[format!(r#"{{"number":{number}}}"#)]).await.unwrap();
    }
    for (number, id) in ids.iter().enumerate() {
        assert_eq!(all(&outputs, *id).await, [(0, format!(r#"{{"number":{number}}}"#))]);
    }
}

pub(crate) async fn the_tail_is_compressed_when_it_is_full_and_at_the_end(place: &impl Place) {
    let outputs = place.outputs();
    let texts = log_lines(0, 14_000, 20);
    for (number, chunk) in texts.chunks(1_000).enumerate() {
        append(&outputs, logs(), 1_000 * number as u64, chunk).await.unwrap();
    }
    let before = objects(place, logs().key).await;
    assert!(before.len() >= 2 && before.contains(&"1-logs.tail".to_owned()), "{before:?}");
    outputs.end(logs().key, 1).await.unwrap();
    let after = objects(place, logs().key).await;
    assert_eq!(after.len(), before.len() + 1);
    assert_eq!(all(&outputs, logs()).await, numbered(&texts));
    // Nothing is left to compress.
    outputs.end(logs().key, 1).await.unwrap();
    assert_eq!(objects(place, logs().key).await, after);
    // Late lines, here and in another process.
    append(&outputs, logs(), 14_000, &[log(14_000, 20)]).await.unwrap();
    append(&place.outputs(), logs(), 14_001, &[log(14_001, 20)]).await.unwrap();
    let late = [texts, vec![log(14_000, 20), log(14_001, 20)]].concat();
    assert_eq!(all(&place.outputs(), logs()).await, numbered(&late));
    // A few lines are not worth an object.
    outputs.end(logs().key, 1).await.unwrap();
    assert_eq!(objects(place, logs().key).await, after);
}

pub(crate) async fn a_lost_tail_goes_on_after_the_segments(place: &impl Place) {
    let texts = log_lines(0, 1_000, 30);
    append(&place.outputs(), logs(), 0, &texts).await.unwrap();
    place.outputs().end(logs().key, 1).await.unwrap();
    place.open().remove(logs().key, "1-logs.tail").await.unwrap();
    let outputs = place.outputs();
    let sum = outputs.summary(&logs()).await.unwrap();
    assert_eq!((sum.lines, sum.counts["30"]), (1_000, 1_000));
    assert_eq!(append(&outputs, logs(), 1_000, &[log(1_000, 30)]).await.unwrap().next, 1_001);
    assert_eq!(outputs.summary(&logs()).await.unwrap().counts["30"], 1_001);
    let read = read_out(&mut outputs.read(logs(), 999, LineFilter::default())).await;
    assert_eq!(read, [(999, texts[999].clone()), (1_000, log(1_000, 30))]);
}

pub(crate) async fn the_holder_is_remembered(place: &impl Place) {
    let fences = [Fence::random().unwrap(), Fence::random().unwrap()];
    let (key, outputs) = (logs().key, place.outputs());
    let by = |fence: &Fence, start, lines: &[String]| Append {
        holder: Some(fence.clone()),
        ..batch(logs(), start, lines)
    };
    assert!(!outputs.was_appended_by(key, 1, &fences[0]).await.unwrap());
    outputs.append(by(&fences[0], 0, &log_lines(0, 1_000, 20))).await.unwrap();
    // Also after it was compressed, and after lines that nobody in particular appended.
    outputs.end(key, 1).await.unwrap();
    append(&outputs, logs(), 1_000, &["{}"]).await.unwrap();
    let known =
        async |attempt, fence| place.outputs().was_appended_by(key, attempt, fence).await.unwrap();
    assert!(known(1, &fences[0]).await);
    assert!(!known(1, &fences[1]).await && !known(2, &fences[0]).await);
}

pub(crate) async fn all_output_of_a_job_goes_at_once(place: &impl Place) {
    let outputs = place.outputs();
    let other = OutputId { key: key("53/7/8"), ..logs() };
    let items = OutputId { kind: OutputKind::Items, attempt: 2, ..logs() };
    for id in [logs(), other, items] {
        append(&outputs, id, 0, &["{}"]).await.unwrap();
    }
    outputs.remove(logs().key).await.unwrap();
    outputs.remove(logs().key).await.unwrap();
    for (id, lines) in [(logs(), 0), (items, 0), (other, 1)] {
        assert_eq!(all(&outputs, id).await.len(), lines);
        assert_eq!(outputs.summary(&id).await.unwrap().lines, lines as u64);
    }
    // What comes after it begins anew.
    assert_eq!(append(&outputs, logs(), 0, &["{}"]).await.unwrap().next, 1);
}
