use sha2::{Digest as _, Sha256};

use super::*;

const STATS: &str = concat!(
    r#"{"downloader/request_bytes": 594, "downloader/request_count": 2, "#,
    r#""downloader/request_method_count/GET": 2, "downloader/response_bytes": 1866, "#,
    r#""downloader/response_count": 2, "elapsed_time_seconds": 3.211014, "#,
    r#""finish_reason": "finished", "log_count/DEBUG": 3, "memusage/max": 72433664}"#,
);

/// Texts from a fixed seed: words of statistics among bytes of any character.
fn random_text(seed: u64, bytes: usize) -> String {
    let mut state = seed;
    let mut next = || {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        state >> 33
    };
    let mut text = String::new();
    while text.len() < bytes {
        match next() % 4 {
            0 => text.push_str("\"downloader/response_status_count/"),
            1 => text.push_str(&next().to_string()),
            2 => text.extend(char::from_u32((next() % 0x11_0000) as u32)),
            _ => text.extend(std::iter::repeat_n('x', (next() % 30) as usize)),
        }
    }
    text
}

fn compressed() -> Vec<u8> {
    compress(STATS).unwrap()
}

#[test]
fn texts_come_back_byte_for_byte() {
    let mut kept = [0, 0];
    for seed in 0..2_000 {
        let original = random_text(seed, (seed % 5_000) as usize);
        let value = compress(&original);
        kept[usize::from(value.is_some())] += 1;
        let stored = value.unwrap_or_else(|| original.clone().into_bytes());
        assert_eq!(text_length(&stored), Ok(original.len()), "{seed}");
        assert_eq!(text(stored), Ok(original), "{seed}");
    }
    assert!(kept.iter().all(|count| *count > 100), "{kept:?}");
}

#[test]
fn statistics_take_less_than_half() {
    let value = compressed();
    assert!(value.len() < STATS.len() / 2, "{} of {}", value.len(), STATS.len());
    assert_eq!(value[..5], [MARK, 1, 0, (STATS.len() >> 8) as u8, STATS.len() as u8]);
}

#[test]
fn short_and_very_long_texts_are_kept_as_they_are() {
    let of = |bytes| "x".repeat(bytes);
    assert_eq!(compress(&of(MIN_TEXT_BYTES - 1)), None);
    assert_eq!(compress(&of(MAX_TEXT_BYTES + 1)), None);
    for bytes in [MIN_TEXT_BYTES, MAX_TEXT_BYTES] {
        let value = compress(&of(bytes)).unwrap();
        assert_eq!(text_length(&value), Ok(bytes));
        assert_eq!(text(value), Ok(of(bytes)));
    }
}

#[test]
fn what_saves_too_little_is_kept_as_it_is() {
    let mut state = 1_u64;
    let letters = (0..300).map(|_| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        char::from(b'!' + (state >> 33) as u8 % 94)
    });
    assert_eq!(compress(&letters.collect::<String>()), None);
}

#[test]
fn texts_of_older_versions_are_read_as_they_are() {
    for plain in ["", "[]", "\"é\"", STATS] {
        assert_eq!(text(plain.as_bytes().to_vec()), Ok(plain.to_owned()));
        assert_eq!(text_length(plain.as_bytes()), Ok(plain.len()));
        assert!(!is_compressed(plain.as_bytes()));
    }
}

#[test]
fn a_damaged_value_is_never_another_text() {
    let good = compressed();
    for at in 0..good.len() {
        for bit in 0..8 {
            let mut bad = good.clone();
            bad[at] ^= 1 << bit;
            // A bit of a frame that means nothing may differ; the text may not.
            if let Ok(text) = text(bad) {
                assert_eq!(text, STATS, "byte {at}");
            }
        }
        assert!(text(good[..at].to_vec()).is_err() || at == 0, "{at} bytes");
    }
    let longer = [&good[..], b"x"].concat();
    assert_eq!(text(longer), Err(Unreadable::Damaged("its frame cannot be decompressed")));
    assert_eq!(text(vec![0xff, 0xff]), Err(Unreadable::Damaged("its text is not UTF-8")));
}

#[test]
fn the_length_in_front_bounds_what_is_decompressed() {
    let with_length = |[high, middle, low]: [u8; 3]| {
        let mut value = compress(&"x".repeat(MAX_TEXT_BYTES)).unwrap();
        value[2..5].copy_from_slice(&[high, middle, low]);
        text(value)
    };
    let failed = Err(Unreadable::Damaged("its frame cannot be decompressed"));
    assert_eq!(with_length([0, 1, 0]), failed);
    let too_long = Err(Unreadable::Damaged("its text is longer than any"));
    assert_eq!(with_length([0xff, 0xff, 0xff]), too_long);
    let mut longer = compressed();
    longer[2] += 1;
    assert_eq!(text(longer), Err(Unreadable::Damaged("its text has another length")));
}

#[test]
fn an_unknown_dictionary_is_said_to_be_of_a_newer_version() {
    let mut value = compressed();
    value[1] = 7;
    assert_eq!(text_length(&value), Ok(STATS.len()));
    assert_eq!(text(value.clone()), Err(Unreadable::NewerVersion(7)));
    assert_eq!(
        Unreadable::NewerVersion(7).to_string(),
        "a value is compressed with dictionary 7, which this program does not have: a newer \
         version has written it"
    );
    value[1] = 0;
    assert_eq!(text(value), Err(Unreadable::Damaged("it names no dictionary")));
}

/// A released dictionary stays as it is, or what was written with it cannot be read.
#[test]
fn released_dictionaries_do_not_change() {
    let hashes = context::DICTIONARIES.map(hash);
    assert_eq!(hashes, ["06fa0ab9fed056b40f5a50e8e49af65342ea3ae3ace89052d97460fc6a16eff8"]);
}

fn hash(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}
