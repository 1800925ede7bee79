//! Which commands a private Redis has run, inside scripts too.

use std::collections::BTreeMap;

use crate::redis_server::RedisServer;

/// How often each command was run, by its name as Redis shows it (`hget`, `script|load`).
pub type Commands = BTreeMap<String, u64>;

/// Lets the counting begin anew.
pub fn forget_commands(redis: &RedisServer) {
    redis.command::<()>(&["CONFIG", "RESETSTAT"]);
}

/// What was run since then, by everybody, but for what these functions run themselves.
#[must_use]
pub fn commands(redis: &RedisServer) -> Commands {
    let mut commands = parse(&redis.command::<String>(&["INFO", "commandstats"]));
    commands.retain(|name, _| name != "info" && name != "config|resetstat");
    commands
}

fn parse(info: &str) -> Commands {
    let count = |line: &str| {
        let (name, rest) = line.strip_prefix("cmdstat_")?.split_once(":calls=")?;
        Some((name.to_owned(), rest.split(',').next()?.parse().ok()?))
    };
    info.lines().filter_map(count).collect()
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn commands_are_counted_by_name() {
        let info = "# Commandstats\r\ncmdstat_evalsha:calls=3,usec=9\r\n\
            cmdstat_config|get:calls=1,usec=2\r\n";
        let expected = [("config|get".to_owned(), 1), ("evalsha".to_owned(), 3)];
        assert_eq!(parse(info), expected.into());
    }
}
