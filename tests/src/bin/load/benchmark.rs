//! `redis-benchmark` with what the service sends for one push: what Redis itself costs.

use std::{
    io::Write as _,
    process::{Command as Process, Stdio},
};

use futures::StreamExt as _;
use spiderq_tests::redis_server::RedisServer;

/// A command of Redis, its arguments as bytes.
pub(crate) struct Command(Vec<Vec<u8>>);

impl Command {
    /// The script call that `redis` gets while `push` is made.
    pub(crate) async fn watched(redis: &RedisServer, push: impl Future<Output = ()>) -> Self {
        let client = redis::Client::open(redis.url()).expect("a URL");
        let monitor = client.get_async_monitor().await.expect("a connection");
        let mut lines = Box::pin(monitor.into_on_message::<String>());
        push.await;
        loop {
            let line = lines.next().await.expect("a line of MONITOR");
            let words = words(&line);
            if words
                .first()
                .is_some_and(|word| word.eq_ignore_ascii_case(b"evalsha"))
                && line.contains("spider_args")
            {
                return Self(words);
            }
        }
    }

    /// Calls a second, unpipelined.
    pub(crate) fn run(&self, redis: &RedisServer, clients: usize, calls: usize) -> f64 {
        let (last, first) = self.0.split_last().expect("a command");
        let words = first
            .iter()
            .map(|word| std::str::from_utf8(word).expect("text"));
        let url = redis.url();
        let socket = url.split_once("://").expect("a URL").1;
        // The last argument is no text: it goes in through standard input.
        let mut child = Process::new("redis-benchmark")
            .args(["-s", socket, "-c", &clients.to_string()])
            .args(["-n", &calls.to_string(), "--csv", "-x"])
            .args(words)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("redis-benchmark");
        let mut input = child.stdin.take().expect("its input");
        input.write_all(last).expect("all of the argument");
        drop(input);
        let output = child.wait_with_output().expect("its end");
        let text = String::from_utf8_lossy(&output.stdout);
        rate(&text).unwrap_or_else(|| panic!("redis-benchmark said:\n{text}"))
    }
}

/// The second column of the last line.
fn rate(csv: &str) -> Option<f64> {
    let last = csv.trim_end().lines().last()?;
    let columns: Vec<&str> = last.rsplit("\",\"").collect();
    // The first column, the command itself, may hold anything; seven follow it.
    columns.get(6)?.trim_matches('"').parse().ok()
}

/// The quoted words of a line of MONITOR, unescaped.
fn words(line: &str) -> Vec<Vec<u8>> {
    let mut words = Vec::new();
    let mut word: Option<Vec<u8>> = None;
    let mut bytes = line.bytes();
    while let Some(byte) = bytes.next() {
        match (&mut word, byte) {
            (None, b'"') => word = Some(Vec::new()),
            (None, _) => {}
            (Some(_), b'"') => words.extend(word.take()),
            (Some(open), b'\\') => open.push(match bytes.next() {
                Some(b'n') => b'\n',
                Some(b'r') => b'\r',
                Some(b't') => b'\t',
                Some(b'a') => 7,
                Some(b'b') => 8,
                Some(b'x') => {
                    let digits = [bytes.next(), bytes.next()].map(Option::unwrap_or_default);
                    let digits = std::str::from_utf8(&digits).expect("two digits");
                    u8::from_str_radix(digits, 16).expect("two digits")
                }
                other => other.expect("an escaped byte"),
            }),
            (Some(open), byte) => open.push(byte),
        }
    }
    words
}

#[cfg(test)]
mod tests {
    use super::{rate, words};

    #[test]
    fn words_of_a_monitor_line_are_unescaped() {
        let line = r#"1.5 [0 unix:/x] "EVALSHA" "a\"b" "\x00\n\\""#;
        let expected: [&[u8]; 3] = [b"EVALSHA", b"a\"b", b"\0\n\\"];
        assert_eq!(words(line), expected);
    }

    #[test]
    fn the_rate_is_the_second_column_whatever_the_first_holds() {
        let csv =
            "\"test\",\"rps\"\n\"EVALSHA \",\" x\",\"12345.6\",\"1\",\"2\",\"3\",\"4\",\"5\",\"6\"";
        assert_eq!(rate(csv), Some(12345.6));
    }
}
