//! Bytes of single values before and after, and what compressing and decompressing takes.

use std::{hint::black_box, time::Instant};

use spiderq_compression::{compress, text};

use crate::samples::{CUSTOM, Random, stats};

/// Values of each size.
const VALUES: usize = 200;
/// Rounds over all of them, of which the fastest counts: others may need the machine too.
const ROUNDS: usize = 50;
/// A real one: of the documentation of Scrapy Cloud, whose jobs the dictionary has not seen.
const DOCUMENTED: &str = include_str!("../../../data/documented_examples/000_metadata.json");

pub(crate) fn measure() {
    println!("statistics           bytes  compressed  to compress  to decompress");
    for bytes in [256, 512, 1_024, 2_048, 4_096] {
        let mut random = Random(99);
        let texts = (0..VALUES).map(|_| stats(&mut random, bytes, &CUSTOM)).collect();
        row(&format!("of about {bytes} bytes"), texts);
    }
    row("of the documentation", vec![documented()]);
}

fn documented() -> String {
    let (_, rest) = DOCUMENTED.split_once("\"scrapystats\": ").unwrap();
    let (stats, _) = rest.split_once('}').unwrap();
    format!("{stats}}}")
}

fn row(what: &str, texts: Vec<String>) {
    let values: Vec<Vec<u8>> = texts.iter().map(|text| stored(text)).collect();
    for (value, original) in values.iter().zip(&texts) {
        assert_eq!(text(value.clone()).as_ref(), Ok(original));
    }
    let to_compress = fastest(|| texts.iter().map(|text| stored(text).len()).sum());
    let to_decompress =
        fastest(|| values.iter().map(|value| text(value.clone()).unwrap().len()).sum());
    let count = texts.len();
    println!(
        "{what:<20} {:>5}  {:>10}  {:>8.1} us  {:>10.1} us",
        texts.iter().map(String::len).sum::<usize>() / count,
        values.iter().map(Vec::len).sum::<usize>() / count,
        to_compress / count as f64,
        to_decompress / count as f64,
    );
}

fn stored(text: &str) -> Vec<u8> {
    compress(text).unwrap_or_else(|| text.as_bytes().to_vec())
}

/// Microseconds of the fastest round.
fn fastest(round: impl Fn() -> usize) -> f64 {
    let rounds = (0..ROUNDS).map(|_| {
        let begin = Instant::now();
        black_box(round());
        begin.elapsed().as_secs_f64() * 1e6
    });
    rounds.fold(f64::INFINITY, f64::min)
}
