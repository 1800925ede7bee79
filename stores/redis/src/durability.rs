//! What an acknowledged write is worth, by the settings of the Redis behind us: those of every
//! master, as the least safe one decides.

use std::collections::HashMap;

use redis::{Pipeline, RedisResult, Value};

use spiderq_core::{
    error::{Error, Result},
    store::Durability,
};

use crate::{
    RedisStore,
    error::{bad_reply, from_redis},
    link::Connection,
};

/// The settings that decide, in the order of [`Settings::values`].
const NAMES: [&str; 4] = ["appendonly", "appendfsync", "save", "maxmemory-policy"];
/// With this setting, the log is not synced while it is being rewritten.
const LAZY: &str = "no-appendfsync-on-rewrite";

/// The settings of one master.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Settings {
    /// "unknown" where Redis does not say.
    values: [String; 4],
    lazy: bool,
    replicas: usize,
}

/// The settings of all masters.
#[derive(Debug)]
struct Found {
    kind: Kind,
    masters: Vec<Settings>,
    /// Masters that did not answer.
    silent: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Server,
    Sentinel,
    Cluster,
}

pub(crate) async fn durability(store: &RedisStore) -> Result<Durability> {
    let connection = &store.connection;
    let kind = match connection {
        Connection::Server(..) => Kind::Server,
        Connection::Sentinel(..) => Kind::Sentinel,
        Connection::Cluster(..) => Kind::Cluster,
    };
    let answers: Vec<(_, Result<Answers>)> = connection.pipe_to_each(&question()).await;
    let mut found = Found { kind, masters: Vec::new(), silent: 0 };
    let mut trouble = None;
    for (name, answer) in answers {
        match answer.and_then(Settings::new) {
            Ok(settings) => found.masters.push(settings),
            Err(error @ Error::Unavailable { .. }) => {
                tracing::debug!(master = name, %error, "can't read the durability settings");
                found.silent += 1;
                trouble = Some(error);
            }
            Err(error) => return Err(error),
        }
    }
    match trouble {
        Some(error) if found.masters.is_empty() => Err(error),
        Some(_) | None => Ok(found.report()),
    }
}

/// INFO, and CONFIG GET for what INFO does not say. Hosted servers deny CONFIG, so that errors are
/// answers too.
fn question() -> Pipeline {
    let mut pipe = redis::pipe();
    pipe.cmd("INFO");
    for name in NAMES.into_iter().chain([LAZY]) {
        pipe.cmd("CONFIG").arg("GET").arg(name);
    }
    pipe.ignore_errors();
    pipe
}

/// What a master answers to [`question`].
type Answers = Vec<RedisResult<Value>>;

impl Settings {
    fn new(answers: Answers) -> Result<Self> {
        let mut answers = answers.into_iter();
        let info = answers.next().ok_or_else(|| bad_reply("no answer to INFO"))?;
        let info: String = match info.map_err(from_redis) {
            // It is loading its data, for example.
            Err(error @ Error::Unavailable { .. }) => return Err(error),
            // The user may not ask.
            Err(_) => String::new(),
            Ok(text) => redis::from_redis_value(text).map_err(bad_reply)?,
        };
        let of_info = |name: &str| {
            let line = info.lines().find_map(|line| line.strip_prefix(name));
            line.map(|value| value.trim().to_owned())
        };
        let pairs = |answer: RedisResult<Value>| {
            let pairs = answer.ok().map(redis::from_redis_value::<HashMap<_, _>>);
            pairs.and_then(Result::ok)
        };
        let mut config: HashMap<String, String> = answers.filter_map(pairs).flatten().collect();
        let appendonly = config.remove(NAMES[0]).or_else(|| {
            let enabled = of_info("aof_enabled:")?;
            Some(if enabled == "1" { "yes" } else { "no" }.to_owned())
        });
        let policy = config.remove(NAMES[3]).or_else(|| of_info("maxmemory_policy:"));
        let values = [appendonly, config.remove(NAMES[1]), config.remove(NAMES[2]), policy];
        let replicas = of_info("connected_slaves:").and_then(|count| count.parse().ok());
        Ok(Self {
            values: values.map(|value| value.unwrap_or_else(|| "unknown".to_owned())),
            lazy: config.remove(LAZY).is_some_and(|lazy| lazy == "yes"),
            replicas: replicas.unwrap_or(0),
        })
    }

    /// How much can be lost, by rank, and what that is.
    fn loss(&self) -> (u8, &'static str) {
        let [appendonly, appendfsync, save, _] = self.values.each_ref().map(String::as_str);
        match (appendonly, appendfsync) {
            ("yes", "always") if self.lazy => {
                (1, "acknowledged writes can be lost while the log is rewritten")
            }
            ("yes", "always") => (0, "no acknowledged write is lost"),
            ("yes", "everysec") => (2, "up to 2 s of acknowledged writes can be lost"),
            ("yes", _) => (3, "acknowledged writes can be lost with the machine"),
            _ if save.is_empty() => (5, "all data are lost with the process"),
            _ => (4, "acknowledged writes since the last snapshot can be lost"),
        }
    }

    fn evicts(&self) -> bool {
        self.values[3] != "noeviction"
    }
}

impl Found {
    fn report(&self) -> Durability {
        let replicas: usize = self.masters.iter().map(|master| master.replicas).sum();
        let worst = self.masters.iter();
        let Some(worst) = worst.max_by_key(|master| (master.evicts(), master.loss())) else {
            return Durability { safe: false, report: "redis: no master answers".to_owned() };
        };
        let fails_over = self.kind != Kind::Server && replicas > 0;
        let (rank, loss) = worst.loss();
        let mut report = self.subject(replicas);
        if self.masters.iter().any(|master| master.values != worst.values) {
            report.push_str(", of which the least safe has");
        } else {
            report.push(':');
        }
        let [appendonly, appendfsync, save, policy] = &worst.values;
        report.push_str(&format!(
            " appendonly {appendonly}, appendfsync {appendfsync}, save \"{save}\", \
             maxmemory-policy {policy}: {loss}"
        ));
        if fails_over {
            report.push_str("; a fail-over can lose the last acknowledged writes");
        }
        if worst.evicts() {
            report.push_str("; jobs can be evicted when memory is full");
        }
        if self.silent > 0 {
            let all = self.silent + self.masters.len();
            report.push_str(&format!("; {} of {all} masters do not answer", self.silent));
        }
        Durability { safe: rank == 0 && !worst.evicts() && !fails_over && self.silent == 0, report }
    }

    fn subject(&self, replicas: usize) -> String {
        match self.kind {
            Kind::Server => "redis".to_owned(),
            Kind::Sentinel => format!("redis by Sentinel, replicas {replicas}"),
            Kind::Cluster => {
                let masters = self.masters.len() + self.silent;
                format!("redis cluster, masters {masters}, replicas {replicas}")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(appendonly: &str, appendfsync: &str, policy: &str) -> Settings {
        Settings {
            values: [appendonly, appendfsync, "", policy].map(str::to_owned),
            lazy: false,
            replicas: 0,
        }
    }

    fn of(kind: Kind, masters: &[Settings]) -> Durability {
        Found { kind, masters: masters.to_vec(), silent: 0 }.report()
    }

    fn one(appendonly: &str, appendfsync: &str, policy: &str) -> Durability {
        of(Kind::Server, &[settings(appendonly, appendfsync, policy)])
    }

    #[test]
    fn only_an_fsync_per_write_without_eviction_is_safe() {
        assert!(one("yes", "always", "noeviction").safe);
        assert!(!one("yes", "everysec", "noeviction").safe);
        assert!(!one("no", "always", "noeviction").safe);
        assert!(!one("yes", "always", "allkeys-lru").safe);
        assert!(!one("unknown", "unknown", "unknown").safe);
        let lazy = Settings { lazy: true, ..settings("yes", "always", "noeviction") };
        assert!(!of(Kind::Server, &[lazy]).safe);
    }

    #[test]
    fn the_report_says_what_can_be_lost() {
        assert_eq!(
            one("yes", "everysec", "allkeys-lru").report,
            "redis: appendonly yes, appendfsync everysec, save \"\", maxmemory-policy allkeys-lru: \
             up to 2 s of acknowledged writes can be lost; jobs can be evicted when memory is full"
        );
    }

    #[test]
    fn a_replica_that_may_take_over_makes_it_unsafe() {
        let replicated = Settings { replicas: 2, ..settings("yes", "always", "noeviction") };
        assert!(of(Kind::Server, std::slice::from_ref(&replicated)).safe);
        assert_eq!(
            of(Kind::Sentinel, &[replicated]),
            Durability {
                safe: false,
                report: "redis by Sentinel, replicas 2: appendonly yes, appendfsync always, \
                         save \"\", maxmemory-policy noeviction: no acknowledged write is lost; \
                         a fail-over can lose the last acknowledged writes"
                    .to_owned(),
            }
        );
    }

    #[test]
    fn the_least_safe_master_decides() {
        let good = settings("yes", "always", "noeviction");
        let all = [good.clone(), settings("no", "always", "noeviction"), good];
        let found = Found { kind: Kind::Cluster, masters: all.to_vec(), silent: 1 };
        assert_eq!(
            found.report(),
            Durability {
                safe: false,
                report: "redis cluster, masters 4, replicas 0, of which the least safe has \
                         appendonly no, appendfsync always, save \"\", maxmemory-policy \
                         noeviction: all data are lost with the process; 1 of 4 masters do not \
                         answer"
                    .to_owned(),
            }
        );
    }
}
