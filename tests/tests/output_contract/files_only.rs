//! What only files can do: be cut in the middle of an append.

use std::fs;

use spiderq_core::error::Error;

use crate::world::*;

/// A crash may leave any part of the last append, and no part of it was acknowledged.
#[tokio::test]
async fn a_tail_that_is_cut_anywhere_has_all_that_was_acknowledged() {
    let texts = [log(0, 20), log(1, 20), log(2, 20)];
    let place = FilesPlace::new().await;
    let path = place.0.path().join("53/7/81/1-logs.tail");
    append(&place.outputs(), logs(), 0, &texts[..2]).await.unwrap();
    let acknowledged = fs::read(&path).unwrap();
    append(&place.outputs(), logs(), 2, &texts[2..]).await.unwrap();
    let whole = fs::read(&path).unwrap();
    for length in acknowledged.len()..=whole.len() {
        let lines = if length == whole.len() { 3 } else { 2 };
        fs::write(&path, &whole[..length]).unwrap();
        assert_eq!(all(&place.outputs(), logs()).await, numbered(&texts[..lines]), "{length}");
        let sum = place.outputs().summary(&logs()).await.unwrap();
        assert_eq!(sum.lines, lines as u64);
        assert_eq!(append(&place.outputs(), logs(), 2, &texts[2..]).await.unwrap().next, 3);
        assert_eq!(all(&place.outputs(), logs()).await, numbered(&texts), "{length}");
        assert_eq!(fs::read(&path).unwrap(), whole);
    }
}

#[tokio::test]
async fn a_segment_without_its_tail_reset_counts_once() {
    let place = FilesPlace::new().await;
    let texts = log_lines(0, 1_000, 20);
    append(&place.outputs(), logs(), 0, &texts).await.unwrap();
    let path = place.0.path().join("53/7/81/1-logs.tail");
    let tail = fs::read(&path).unwrap();
    place.outputs().end(logs().key, 1).await.unwrap();
    // As after a crash between the two steps of the compression.
    fs::write(&path, tail).unwrap();
    assert_eq!(all(&place.outputs(), logs()).await, numbered(&texts));
    assert_eq!(place.outputs().summary(&logs()).await.unwrap().lines, 1_000);
    append(&place.outputs(), logs(), 1_000, &["{}"]).await.unwrap();
    place.outputs().end(logs().key, 1).await.unwrap();
    let after = [texts, vec!["{}".to_owned()]].concat();
    assert_eq!(all(&place.outputs(), logs()).await, numbered(&after));
}

#[tokio::test]
async fn a_file_that_is_something_else_is_reported_as_damage() {
    let place = FilesPlace::new().await;
    append(&place.outputs(), logs(), 0, &["{}"]).await.unwrap();
    fs::write(place.0.path().join("53/7/81/1-logs.tail"), "something else").unwrap();
    let outputs = place.outputs();
    let appended = append(&outputs, logs(), 1, &["{}"]).await;
    assert!(matches!(appended, Err(Error::Damaged(_))));
    assert!(matches!(outputs.summary(&logs()).await, Err(Error::Damaged(_))));
}

#[tokio::test]
async fn files_are_for_their_owner_and_none_is_left_half_written() {
    use std::os::unix::fs::PermissionsExt as _;
    let place = FilesPlace::new().await;
    let outputs = place.outputs();
    append(&outputs, logs(), 0, &log_lines(0, 1_000, 20)).await.unwrap();
    outputs.end(logs().key, 1).await.unwrap();
    let folder = place.0.path().join("53/7/81");
    let mode = |path: &std::path::Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&folder), 0o700);
    let mut names = Vec::new();
    for entry in fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        assert_eq!(mode(&path), 0o600);
        names.push(path.file_name().unwrap().to_str().unwrap().to_owned());
    }
    names.sort();
    assert_eq!(names, ["1-logs.0000000000001000-0000000000000000-20.zst", "1-logs.tail"]);
}
