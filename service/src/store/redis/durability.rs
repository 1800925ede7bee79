//! What an acknowledged write is worth, by the settings of the Redis behind us.

use std::collections::HashMap;

use super::RedisStore;
use crate::{error::Result, store::Durability};

/// The settings that decide; `None` where Redis does not tell.
#[derive(Debug, Default)]
struct Settings {
    appendonly: Option<String>,
    appendfsync: Option<String>,
    save: Option<String>,
    policy: Option<String>,
}

/// [`Store::durability`](crate::store::Store::durability).
pub(super) async fn durability(store: &RedisStore) -> Result<Durability> {
    let settings = match from_config(store).await {
        Ok(settings) => settings,
        // Hosted servers deny CONFIG.
        Err(_) => from_info(store).await?,
    };
    Ok(report(&settings))
}

async fn from_config(store: &RedisStore) -> Result<Settings> {
    let mut pipe = redis::pipe();
    for name in ["appendonly", "appendfsync", "save", "maxmemory-policy"] {
        pipe.cmd("CONFIG").arg("GET").arg(name);
    }
    let replies: Vec<HashMap<String, String>> = store.connection.pipe(&pipe).await?;
    let mut found: HashMap<String, String> = replies.into_iter().flatten().collect();
    Ok(Settings {
        appendonly: found.remove("appendonly"),
        appendfsync: found.remove("appendfsync"),
        save: found.remove("save"),
        policy: found.remove("maxmemory-policy"),
    })
}

async fn from_info(store: &RedisStore) -> Result<Settings> {
    let mut pipe = redis::pipe();
    pipe.cmd("INFO").arg("persistence");
    pipe.cmd("INFO").arg("memory");
    let (persistence, memory): (String, String) = store.connection.pipe(&pipe).await?;
    let of = |text: &str, name: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(name));
        line.map(|value| value.trim().to_owned())
    };
    Ok(Settings {
        appendonly: of(&persistence, "aof_enabled:")
            .map(|on| if on == "1" { "yes" } else { "no" }.to_owned()),
        policy: of(&memory, "maxmemory_policy:"),
        ..Settings::default()
    })
}

fn report(settings: &Settings) -> Durability {
    let known = |value: &Option<String>| value.clone().unwrap_or_else(|| "unknown".to_owned());
    let [appendonly, appendfsync, save, policy] = [
        &settings.appendonly,
        &settings.appendfsync,
        &settings.save,
        &settings.policy,
    ]
    .map(known);
    let fsync = match (appendonly.as_str(), appendfsync.as_str()) {
        ("yes", "always") => "no acknowledged write is lost",
        ("yes", "everysec") => "up to 2 s of acknowledged writes can be lost",
        ("yes", _) => "acknowledged writes can be lost with the machine",
        _ if save.is_empty() => "all data are lost with the process",
        _ => "acknowledged writes since the last snapshot can be lost",
    };
    let evicts = policy != "noeviction";
    let memory = if evicts {
        "; jobs can be evicted when memory is full"
    } else {
        ""
    };
    Durability {
        safe: appendonly == "yes" && appendfsync == "always" && !evicts,
        report: format!(
            "redis: appendonly {appendonly}, appendfsync {appendfsync}, save \"{save}\", \
             maxmemory-policy {policy}: {fsync}{memory}"
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(appendonly: &str, appendfsync: &str, policy: &str) -> Durability {
        report(&Settings {
            appendonly: Some(appendonly.to_owned()),
            appendfsync: Some(appendfsync.to_owned()),
            save: Some(String::new()),
            policy: Some(policy.to_owned()),
        })
    }

    #[test]
    fn only_an_fsync_per_write_without_eviction_is_safe() {
        assert!(of("yes", "always", "noeviction").safe);
        assert!(!of("yes", "everysec", "noeviction").safe);
        assert!(!of("no", "always", "noeviction").safe);
        assert!(!of("yes", "always", "allkeys-lru").safe);
        assert!(!report(&Settings::default()).safe);
    }

    #[test]
    fn the_report_says_what_can_be_lost() {
        assert_eq!(
            of("yes", "everysec", "noeviction").report,
            "redis: appendonly yes, appendfsync everysec, save \"\", maxmemory-policy noeviction: \
             up to 2 s of acknowledged writes can be lost"
        );
    }
}
