//! Every name in Redis: of keys, of sorted sets, of fields of the counters hash. No other Rust
//! file spells one; `lua/lib/names.lua` spells the same ones for the scripts.
//!
//! `{P}` is the project's number in braces: the Cluster hash tag, so that a project is one
//! slot. `S/J` is a job's spider and job number. Names that users choose never enter a key. What a
//! project has once has a readable name; what jobs have is short, since a million jobs live there.
//!
//! | key | type | fields, or score and member | content |
//! | --- | --- | --- | --- |
//! | `sq:{P}:counters` | hash | `last_position`, `last_spider`, `last_tag`, `last_event` | the last ones given |
//! | | | `running_units` | units of all running jobs |
//! | | | `finished_bytes`, `deleted_bytes` | bytes of the metadata of all finished, of all deleted jobs |
//! | | | `spider:NAME`, `tag:NAME` | number of a spider, of a tag |
//! | | | `last_job:NAME` | last job number of a spider |
//! | | | `max_running:N` | most jobs of spider N that run at a time |
//! | `sq:{P}:spiders` | hash | spider number | its name |
//! | `sq:{P}:spider_tags` | hash | spider number | tags, one a line, that jobs scheduled of it get |
//! | `sq:{P}:settings` | hash | name of a setting | its value |
//! | `sq:{P}:unique` | hash | digest | `S/J` of the active job that holds it |
//! | `sq:{P}:due` | sorted set | ms since the epoch, `S/J` | running jobs of which something is due: their lease ends, or their time to stop |
//! | `sq:{P}:events` | stream, expires | `e`: `S/J BEFORE AFTER STOP` | events, under their numbers and the time in µs, while somebody reads them |
//! | `sq:{P}:notify` | string, expires | | some process waits for changes: they are published on the channel of this name |
//! | `sq:{P}:notify_output` | string, expires | | the same for output of jobs, which is not in Redis itself |
//! | `sq:{P}:j:S/J` | hash | see `record.rs` | the job: core fields, metadata of at most 64 bytes |
//! | `sq:{P}:x:S/J` | hash | name of a field | the job's larger metadata, see `large.rs` |
//! | `sq:{P}:z:p0` … `p4` | sorted set | position, `S/J` | pending jobs of a priority: queue and index at once |
//! | `sq:{P}:z:e0` … `e4` | sorted set | position, `S/J` | those of them that go before the others |
//! | `sq:{P}:z:r`, `f`, `d` | sorted set | position, `S/J` | running, finished, deleted jobs |
//! | `sq:{P}:z:sN.p0` … `sN.e0` … `sN.d` | sorted set | position, `S/J` | the same of spider N |
//! | `sq:{P}:z:tN.p` … `tN.d` | sorted set | position, `S/J` | jobs with tag N, by state |
//! | `sq:{P}:q:ID` | string, expires | | fingerprint and packed answer of a request id |
//! | `sq:{P}:aside:REST` | as before | | what `sq:{P}:REST` was, set aside by a repair |
//! | `sq:{projects}` | sorted set | project, project | projects that exist |
//! | `sq:{due}` | sorted set | ms since the epoch, project | projects that had something due, and when that was registered |
//! | `sq:{keys}` | hash | digest | an API key's record |
//! | `sq:{audit}` | stream | `e`: a record | audit events; the first part of an id is its event's time, ms |
//! | `sq:{runners}` | hash | id of a runner | what it said once: name, projects, spiders |
//! | `sq:{runners}:statuses` | hash | id of a runner | how it is |
//! | `sq:{keys}:used` | sorted set | ms since the epoch, digest | when an API key was last used |
//! | `sq:{config}` | hash | `secret` | the installation's secret |
//! | | | `last_round` | when a reaper of any process last did a round, ms since the epoch |

mod parse;

pub(crate) use self::parse::{Found, Part, job_key, parse};
use spiderq_core::{
    model::{JobKey, Priority, ProjectId, SpiderId, State},
    store::RequestDigest,
};

/// API keys.
pub(crate) const API_KEYS: &str = "sq:{keys}";
/// Audit events.
pub(crate) const AUDIT: &str = "sq:{audit}";
/// Runners.
pub(crate) const RUNNERS: &str = "sq:{runners}";
/// How runners are: written every few seconds, so that it is apart from what they said once.
pub(crate) const RUNNER_STATUSES: &str = "sq:{runners}:statuses";
/// When API keys were last used. Apart from [`API_KEYS`], so that a note of it can't bring a removed
/// one back.
pub(crate) const API_KEY_USES: &str = "sq:{keys}:used";
/// Projects that exist. Not in a project's slot: no script of a project can write it.
pub(crate) const PROJECTS: &str = "sq:{projects}";
/// Projects of which something is or was due. Like [`PROJECTS`], in no project's slot.
pub(crate) const DUE_PROJECTS: &str = "sq:{due}";
/// What holds for the installation.
pub(crate) const CONFIG: &str = "sq:{config}";
/// Field of [`CONFIG`] with the installation's secret.
pub(crate) const SECRET: &str = "secret";
/// Field of [`CONFIG`] with the time of the last round of a reaper.
pub(crate) const LAST_ROUND: &str = "last_round";

/// What all keys of this store begin with.
pub(crate) const PREFIX: &[u8] = b"sq:{";
/// All keys of this store, as a pattern of SCAN.
pub(crate) const PATTERN: &str = "sq:{*";

/// Fields of the counters hash with the last numbers given.
pub(crate) const LAST_POSITION: &str = "last_position";
pub(crate) const LAST_SPIDER: &str = "last_spider";
pub(crate) const LAST_TAG: &str = "last_tag";
pub(crate) const LAST_EVENT: &str = "last_event";
/// Field of the counters hash with the units of all running jobs.
pub(crate) const RUNNING_UNITS: &str = "running_units";

/// How the fields of the counters hash begin that belong to a spider or a tag.
pub(crate) const SPIDER_NUMBER: &str = "spider:";
pub(crate) const TAG_NUMBER: &str = "tag:";
pub(crate) const LAST_JOB: &str = "last_job:";
pub(crate) const MAX_RUNNING: &str = "max_running:";

pub(crate) fn spider_number(name: &str) -> String {
    format!("{SPIDER_NUMBER}{name}")
}

pub(crate) fn tag_number(name: &str) -> String {
    format!("{TAG_NUMBER}{name}")
}

pub(crate) fn last_job(spider: &str) -> String {
    format!("{LAST_JOB}{spider}")
}

pub(crate) fn max_running(spider: SpiderId) -> String {
    format!("{MAX_RUNNING}{spider}")
}

/// Field of the counters hash with the bytes of the metadata of all jobs in a state. Only states
/// that retention removes jobs of have one.
pub(crate) const fn bytes_in(state: State) -> Option<&'static str> {
    match state {
        State::Pending | State::Running => None,
        State::Finished => Some("finished_bytes"),
        State::Deleted => Some("deleted_bytes"),
    }
}

/// The letter of a state: also its lane's name, except for pending.
pub(crate) const fn letter(state: State) -> &'static str {
    match state {
        State::Pending => "p",
        State::Running => "r",
        State::Finished => "f",
        State::Deleted => "d",
    }
}

/// The lanes of a state: ends of the names of its sorted sets.
pub(crate) fn lanes(state: State) -> Vec<String> {
    if state != State::Pending {
        return vec![letter(state).to_owned()];
    }
    let priorities = Priority::ALL.iter().map(|priority| priority.get());
    priorities.flat_map(|priority| [format!("e{priority}"), format!("p{priority}")]).collect()
}

/// A job as a member of a sorted set.
pub(crate) fn member(key: JobKey) -> String {
    format!("{}/{}", key.spider, key.job)
}

/// The keys of one project.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ProjectNames(pub(crate) ProjectId);

impl ProjectNames {
    pub(crate) fn counters(self) -> String {
        self.key("counters")
    }

    pub(crate) fn spiders(self) -> String {
        self.key("spiders")
    }

    pub(crate) fn spider_tags(self) -> String {
        self.key("spider_tags")
    }

    pub(crate) fn settings(self) -> String {
        self.key("settings")
    }

    pub(crate) fn unique(self) -> String {
        self.key("unique")
    }

    pub(crate) fn due(self) -> String {
        self.key("due")
    }

    pub(crate) fn events(self) -> String {
        self.key("events")
    }

    /// A key, and the channel on which changes are published while it is set.
    pub(crate) fn notify(self) -> String {
        self.key("notify")
    }

    /// The same for output of the project's jobs.
    pub(crate) fn notify_output(self) -> String {
        self.key("notify_output")
    }

    pub(crate) fn job(key: JobKey) -> String {
        Self(key.project).key(&format!("j:{}", member(key)))
    }

    pub(crate) fn large(key: JobKey) -> String {
        Self(key.project).key(&format!("x:{}", member(key)))
    }

    /// A sorted set of jobs, by its name.
    pub(crate) fn set(self, name: &str) -> String {
        self.key(&format!("z:{name}"))
    }

    pub(crate) fn finished_of(self, spider: SpiderId) -> String {
        self.set(&format!("s{spider}.{}", letter(State::Finished)))
    }

    /// What every script of a project gets as KEYS, in the order of `names.lua`. Three of them are
    /// prefixes (`j:`, `x:`, `z:`): job numbers are given and jobs are taken inside the atomic step, so that their full
    /// keys cannot be known before it. Without a request id no script touches its key.
    pub(crate) fn script(self, request: Option<&RequestDigest>) -> [String; 12] {
        let id = request.map_or("", |request| request.id.as_str());
        [
            self.counters(),
            self.spiders(),
            self.spider_tags(),
            self.key("j:"),
            self.key("x:"),
            self.key("z:"),
            self.unique(),
            self.due(),
            self.key(&format!("q:{id}")),
            self.settings(),
            self.events(),
            self.notify(),
        ]
    }

    /// What the scripts of a check get: the same, and the prefix of what is set aside.
    pub(crate) fn fsck_script(self) -> Vec<String> {
        let mut keys = self.script(None).to_vec();
        keys.push(self.key("aside:"));
        keys
    }

    /// Where a repair sets aside a key of the project; `None` for a key that is none.
    pub(crate) fn aside(self, key: &str) -> Option<String> {
        let rest = key.strip_prefix(&self.key(""))?;
        Some(self.key(&format!("aside:{rest}")))
    }

    /// All keys of the project, as a pattern of SCAN.
    pub(crate) fn pattern(self) -> String {
        self.key("*")
    }

    fn key(self, rest: &str) -> String {
        format!("sq:{{{}}}:{rest}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_of_a_project_carries_its_hash_tag() {
        let keys = ProjectNames(ProjectId::new(53).unwrap()).fsck_script();
        assert_eq!(keys[3], "sq:{53}:j:");
        assert!(keys.iter().all(|key| key.starts_with("sq:{53}:")));
        let job = JobKey::parse("53/7/81").unwrap();
        assert_eq!(ProjectNames::job(job), "sq:{53}:j:7/81");
        assert_eq!(ProjectNames::large(job), "sq:{53}:x:7/81");
    }
}
