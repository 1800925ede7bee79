//! What a private Redis does for a call: which commands, and how long the longest blocks it.

use std::process::Command;

use spiderq_tests::{
    redis_commands::{commands, forget_commands},
    redis_server::RedisServer,
};

/// Shorter commands are not looked at, us.
const LOGGED_FROM: &str = "1000";
/// Entries of the log that are kept.
const LOG_LENGTH: &str = "4096";
/// An entry of SLOWLOG: its number, its time, its duration (us), its words; then of whom.
type Entry = (i64, i64, u64, Vec<Vec<u8>>, Vec<u8>, Vec<u8>);

/// Since its making.
pub(crate) struct RedisWatch<'a>(&'a RedisServer);

impl<'a> RedisWatch<'a> {
    pub(crate) fn begin(redis: &'a RedisServer) -> Self {
        let set = |words: [&str; 4]| redis.command::<()>(&words);
        set(["CONFIG", "SET", "slowlog-log-slower-than", LOGGED_FROM]);
        set(["CONFIG", "SET", "slowlog-max-len", LOG_LENGTH]);
        redis.command::<()>(&["SLOWLOG", "RESET"]);
        forget_commands(redis);
        Self(redis)
    }

    /// From now on Redis goes before other programs of the machine, where this user may say so:
    /// the time of a command that SLOWLOG tells is not one of waiting for a core.
    pub(crate) fn before_others(self) -> Self {
        let pid = process(self.0).to_string();
        let renice = Command::new("renice").args(["-n", "-10", "-p", &pid]).output();
        if !renice.is_ok_and(|output| output.status.success()) {
            eprintln!("renice is not allowed: the longest commands may have waited for a core");
        }
        self
    }

    /// How many commands ran, inside scripts too. The server's own rounds are among them.
    pub(crate) fn commands(&self) -> u64 {
        let ran = commands(self.0);
        ran.iter().filter(|(name, _)| !name.starts_with("slowlog|")).map(|(_, count)| count).sum()
    }

    /// The longest command, us; 0 where none took 1,000 us.
    pub(crate) fn longest(&self) -> u64 {
        let entries: Vec<Entry> = self.0.command(&["SLOWLOG", "GET", LOG_LENGTH]);
        entries.iter().map(|entry| entry.2).max().unwrap_or(0)
    }
}

/// Memory that Redis uses for its data, bytes.
pub(crate) fn used_memory(redis: &RedisServer) -> f64 {
    number(redis, "memory", "used_memory")
}

/// Its process.
pub(crate) fn process(redis: &RedisServer) -> u32 {
    number(redis, "server", "process_id") as u32
}

fn number(redis: &RedisServer, section: &str, field: &str) -> f64 {
    let info: String = redis.command(&["INFO", section]);
    let value = info.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':'));
    value.and_then(|value| value.trim().parse().ok()).expect("a number in INFO")
}
