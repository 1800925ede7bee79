//! `redis-benchmark` with what the service sends for one push: what Redis itself costs.

use std::process::Command;

use futures::StreamExt as _;
use spiderq_tests::redis_server::RedisServer;

/// A script call as the service makes it.
pub(crate) struct Push {
    /// The script's text, with the call's arguments in it.
    script: String,
    /// The keys of the call.
    keys: Vec<String>,
}

impl Push {
    /// What `redis` gets while `push` is made for the first time: the script is loaded, then
    /// called.
    pub(crate) async fn watched(redis: &RedisServer, push: impl Future<Output = ()>) -> Self {
        let client = redis::Client::open(redis.url()).expect("a URL");
        let monitor = client.get_async_monitor().await.expect("a connection");
        let mut lines = Box::pin(monitor.into_on_message::<String>());
        push.await;
        let mut scripts = Vec::new();
        loop {
            let line = lines.next().await.expect("a line of MONITOR");
            let words = words(&line);
            match (words.first().map(Vec::as_slice), words.last()) {
                (Some(b"SCRIPT"), Some(text)) => {
                    scripts.push(String::from_utf8(text.clone()).expect("text"));
                }
                (Some(b"EVALSHA"), Some(argument)) if line.contains("spider_args") => {
                    // The first call is made before the script is loaded.
                    if let Some(script) = of_digest(redis, &scripts, &words[1]) {
                        return Self::of(script, argument, &words);
                    }
                }
                _ => {}
            }
        }
    }

    /// `redis-benchmark` ends an argument at its first zero byte, so that ours cannot go
    /// through it: it stands in the script's text.
    fn of(script: &str, argument: &[u8], words: &[Vec<u8>]) -> Self {
        let argument: String = argument.iter().map(|byte| format!("\\{byte:03}")).collect();
        let text = |word: &Vec<u8>| String::from_utf8(word.clone()).expect("text");
        let count: usize = text(&words[2]).parse().expect("the number of keys");
        Self {
            script: format!("local ARGV = {{\"{argument}\"}}\n{script}"),
            keys: words[3..3 + count].iter().map(text).collect(),
        }
    }

    /// Calls a second, unpipelined.
    pub(crate) fn run(&self, redis: &RedisServer, clients: usize, calls: usize) -> f64 {
        let url = redis.url();
        let mut connection = redis::Client::open(url.as_str())
            .and_then(|client| client.get_connection())
            .expect("a connection");
        let sha: String = redis::cmd("SCRIPT")
            .arg("LOAD")
            .arg(&self.script)
            .query(&mut connection)
            .expect("a script that loads");
        let socket = url.split_once("://").expect("a URL").1;
        let output = Command::new("redis-benchmark")
            .args(["-s", socket, "-c", &clients.to_string()])
            .args(["-n", &calls.to_string(), "--csv", "EVALSHA", &sha])
            .arg(self.keys.len().to_string())
            .args(&self.keys)
            .output()
            .expect("redis-benchmark");
        let text = String::from_utf8_lossy(&output.stdout);
        let errors = String::from_utf8_lossy(&output.stderr);
        rate(&text).unwrap_or_else(|| panic!("redis-benchmark said:\n{text}\n{errors}"))
    }
}

/// The script that EVALSHA calls by this digest.
fn of_digest<'a>(redis: &RedisServer, scripts: &'a [String], digest: &[u8]) -> Option<&'a str> {
    let loaded = |script: &&String| {
        redis.command::<String>(&["SCRIPT", "LOAD", script]).as_bytes() == digest
    };
    scripts.iter().find(loaded).map(String::as_str)
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
