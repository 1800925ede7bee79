//! Every key of the Redis store; no other file spells one. Called by the operations beside it.
//!
//! `{P}` is the project's number in braces: the Cluster hash tag, so that a project is one
//! slot. `S/J` is a job's spider and job number. Names never enter a key.
//!
//! | key | type | fields, or score and member | content |
//! | --- | --- | --- | --- |
//! | `sq:{P}:c` | hash | `pos`, `spiders`, `tags` | last position; last numbers of spiders and tags |
//! | | | `units` | units of the running jobs in all |
//! | | | `bf`, `bd` | bytes of the metadata of finished, of deleted jobs in all |
//! | | | `cf`, `cd` | up to where they were counted when there were jobs before there were these two |
//! | | | `s:NAME`, `t:NAME` | number of a spider, of a tag |
//! | | | `l:NAME` | last job number of a spider |
//! | | | `m:N` | most jobs of spider N that run at a time |
//! | | | `events` | number of the last event |
//! | `sq:{P}:s` | hash | spider number | its name |
//! | `sq:{P}:t` | hash | spider number | tags, one a line, that jobs scheduled of it get |
//! | `sq:{P}:o` | hash | name of a setting | its value |
//! | `sq:{P}:j:S/J` | hash | see `record.rs` | the job: core fields, metadata of at most 64 bytes |
//! | `sq:{P}:x:S/J` | hash | name of a field | the job's larger metadata |
//! | `sq:{P}:z:p0` … `p4` | sorted set | position, `S/J` | pending jobs of a priority: queue and index at once |
//! | `sq:{P}:z:e0` … `e4` | sorted set | position, `S/J` | those of them that go before the others |
//! | `sq:{P}:z:r`, `f`, `d` | sorted set | position, `S/J` | running, finished, deleted jobs |
//! | `sq:{P}:z:sN.p0` … `sN.e0` … `sN.d` | sorted set | position, `S/J` | the same of spider N |
//! | `sq:{P}:z:tN.p` … `tN.d` | sorted set | position, `S/J` | jobs with tag N, by state |
//! | `sq:{P}:u` | hash | digest | `S/J` of the active job that holds it |
//! | `sq:{P}:l` | sorted set | ms since the epoch, `S/J` | running jobs of which something is due: their lease ends, or their time to stop |
//! | `sq:{P}:b:REST` | as before | | what `sq:{P}:REST` was, set aside by a repair |
//! | `sq:{P}:q:ID` | string, expires | | fingerprint and packed answer of a request |
//! | `sq:{P}:e` | stream, expires | `e`: `S/J BEFORE AFTER STOP` | events, under their numbers, while somebody wants them |
//! | `sq:{P}:w` | string, expires | | somebody waits for changes: they are published on the channel of this name |
//! | `sq:{projects}` | sorted set | project, project | projects that exist |
//! | `sq:{due}` | sorted set | ms since the epoch, project | projects that had something due, and when that was told |
//! | `sq:{keys}` | hash | digest | an API key's record |
//! | `sq:{config}` | hash | `secret` | the installation's secret |
//!
//! Scripts get the keys of [`Keys::script`], always in that order, and what else they need
//! behind them. Four of them are prefixes:
//! job numbers are given and jobs are popped inside the atomic step, so their full keys
//! cannot be known before it.

mod parse;

pub(super) use self::parse::{Found, Part, parse};
use spiderq_core::{
    model::{JobKey, Priority, ProjectId, SpiderId, State},
    store::RequestDigest,
};

/// API keys.
pub(super) const API_KEYS: &str = "sq:{keys}";
/// Projects that exist. No project's slot: it is never written in a project's atomic step.
pub(super) const PROJECTS: &str = "sq:{projects}";
/// Projects of which something is or was due. Like [`PROJECTS`], in no project's slot.
pub(super) const DUE: &str = "sq:{due}";
/// What holds for the installation.
pub(super) const CONFIG: &str = "sq:{config}";
/// Longest value, and longest field, that a hash keeps in its compact form: the default of
/// Redis's `hash-max-listpack-value`.
pub(super) const COMPACT: usize = 64;

/// FieldSelection of [`Keys::counters`] that count.
pub(super) const COUNTERS: [&str; 4] = ["pos", "spiders", "tags", RUNNING_UNITS];
/// Field of [`Keys::counters`] with the units of the running jobs.
pub(super) const RUNNING_UNITS: &str = "units";

/// Field of [`Keys::counters`] with the bytes of the metadata of the jobs in a state that keeps
/// count of them.
pub(super) const fn bytes_field(state: State) -> Option<&'static str> {
    match state {
        State::Pending | State::Running => None,
        State::Finished => Some("bf"),
        State::Deleted => Some("bd"),
    }
}

/// All keys of ours, as a pattern.
pub(super) const PATTERN: &str = "sq:{*";

/// The keys of one project.
#[derive(Clone, Copy, Debug)]
pub(super) struct Keys(pub(super) ProjectId);

impl Keys {
    /// Counters and numbers of names.
    pub(super) fn counters(self) -> String {
        self.of("c")
    }

    /// Names of spiders.
    pub(super) fn spiders(self) -> String {
        self.of("s")
    }

    /// Tags that jobs scheduled of a spider get.
    pub(super) fn spider_tags(self) -> String {
        self.of("t")
    }

    /// Settings.
    pub(super) fn settings(self) -> String {
        self.of("o")
    }

    /// A job's core.
    pub(super) fn job(key: JobKey) -> String {
        Self(key.project).of(&format!("j:{}", member(key)))
    }

    /// A job's larger metadata.
    pub(super) fn large(key: JobKey) -> String {
        Self(key.project).of(&format!("x:{}", member(key)))
    }

    /// Pending jobs, by priority and those in front apart.
    pub(super) fn queues(self) -> impl Iterator<Item = String> {
        pending_lanes().map(move |lane| self.of(&format!("z:{lane}")))
    }

    /// Jobs of which something is due.
    pub(super) fn due(self) -> String {
        self.of("l")
    }

    /// CheckProgress while somebody waits for changes; also the channel on which they are published.
    pub(super) fn wake(self) -> String {
        self.of("w")
    }

    /// Running jobs.
    pub(super) fn running(self) -> String {
        self.of("z:r")
    }

    /// Finished jobs.
    pub(super) fn finished(self) -> String {
        self.of("z:f")
    }

    /// Finished jobs of a spider.
    pub(super) fn finished_of(self, spider: SpiderId) -> String {
        self.of(&format!("z:s{spider}.f"))
    }

    /// What every script gets as `KEYS`; without a request the eighth is a bare prefix that
    /// no script touches then.
    pub(super) fn script(self, request: Option<&RequestDigest>) -> [String; 11] {
        let id = request.map_or("", |request| request.id.as_str());
        [
            self.counters(),
            self.spiders(),
            self.of("j:"),
            self.of("x:"),
            self.of("z:"),
            self.unique(),
            self.due(),
            self.of(&format!("q:{id}")),
            self.settings(),
            self.events(),
            self.wake(),
        ]
    }

    /// What the scripts of a check get: that, and the prefix of what is set aside.
    pub(super) fn check(self) -> Vec<String> {
        let mut keys = self.script(None).to_vec();
        keys.push(self.of("b:"));
        keys
    }

    /// Where a repair sets aside a key of the project; `None` for a key that is none.
    pub(super) fn aside(self, key: &str) -> Option<String> {
        let rest = key.strip_prefix(&self.of(""))?;
        Some(self.of(&format!("b:{rest}")))
    }

    /// A sorted set of jobs, by its name.
    pub(super) fn set(self, name: &str) -> String {
        self.of(&format!("z:{name}"))
    }

    /// Events.
    pub(super) fn events(self) -> String {
        self.of("e")
    }

    /// Who holds which unique key.
    pub(super) fn unique(self) -> String {
        self.of("u")
    }

    /// All keys of the project, as a pattern.
    pub(super) fn pattern(self) -> String {
        self.of("*")
    }

    fn of(self, rest: &str) -> String {
        format!("sq:{{{}}}:{rest}", self.0)
    }
}

/// The ends of the names of pending jobs' sets.
pub(super) fn pending_lanes() -> impl Iterator<Item = String> {
    let priorities = Priority::ALL.iter().map(|priority| priority.get());
    priorities.flat_map(|priority| [format!("e{priority}"), format!("p{priority}")])
}

/// Field of [`Keys::counters`] with the most jobs of a spider that run.
pub(super) fn limit_field(spider: SpiderId) -> String {
    format!("m:{spider}")
}

/// Field of [`Keys::counters`] with a spider's number.
pub(super) fn spider_field(name: &str) -> String {
    format!("s:{name}")
}

/// Field of [`Keys::counters`] with a spider's last job number.
pub(super) fn last_job_field(name: &str) -> String {
    format!("l:{name}")
}

/// Field of [`Keys::counters`] with a tag's number.
pub(super) fn tag_field(name: &str) -> String {
    format!("t:{name}")
}

/// A job as a member of a sorted set.
pub(super) fn member(key: JobKey) -> String {
    format!("{}/{}", key.spider, key.job)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_of_a_project_carries_its_hash_tag() {
        let keys = Keys(ProjectId::new(53).unwrap()).script(None);
        assert_eq!(keys[2], "sq:{53}:j:");
        assert!(keys.iter().all(|key| key.starts_with("sq:{53}:")));
        let job = JobKey::parse("53/7/81").unwrap();
        assert_eq!(Keys::job(job), "sq:{53}:j:7/81");
        assert_eq!(Keys::large(job), "sq:{53}:x:7/81");
    }
}
