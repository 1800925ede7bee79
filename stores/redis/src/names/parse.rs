//! What a key found in Redis is: the way back from the table of keys, for fsck and for replies.

use spiderq_core::{
    error::Result,
    model::{JobId, JobKey, ProjectId, SpiderId, State},
};

use super::{lanes, letter};
use crate::error::bad_reply;

/// A job's key from a member of a sorted set.
pub(crate) fn job_key(project: ProjectId, member: &str) -> Result<JobKey> {
    let (spider, job) = member.split_once('/').ok_or_else(|| bad_reply(member))?;
    Ok(JobKey {
        project,
        spider: SpiderId::parse(spider).map_err(bad_reply)?,
        job: JobId::parse(job).map_err(bad_reply)?,
    })
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Found {
    Installation,
    Of(ProjectId, Part),
    /// It begins as the keys of this store do, but is none of them.
    Unknown,
}

/// What a key is in its project.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    Counters,
    Spiders,
    SpiderTags,
    Settings,
    Unique,
    Due,
    Events,
    Notify,
    Job(JobKey),
    Large(JobKey),
    /// A sorted set, by its name after `z:`.
    Set(String),
    /// An answer kept under a request id.
    Request,
    Aside,
    /// By its name after the project.
    Unknown(String),
}

impl Part {
    /// What TYPE answers for it; `None` where any type will do.
    pub(crate) const fn type_name(&self) -> Option<&'static str> {
        match self {
            Self::Counters
            | Self::Spiders
            | Self::SpiderTags
            | Self::Settings
            | Self::Unique
            | Self::Job(_)
            | Self::Large(_) => Some("hash"),
            Self::Due | Self::Set(_) => Some("zset"),
            Self::Events => Some("stream"),
            Self::Request | Self::Notify => Some("string"),
            Self::Aside | Self::Unknown(_) => None,
        }
    }
}

/// Reads a key that begins with `sq:{`.
pub(crate) fn parse(key: &str) -> Found {
    let inner = key.strip_prefix("sq:{").and_then(|key| key.split_once('}'));
    let Some((tag, rest)) = inner else {
        return Found::Unknown;
    };
    if matches!(
        (tag, rest),
        ("projects" | "due" | "keys" | "audit" | "runners" | "config", "")
            | ("keys", ":used")
            | ("runners", ":statuses")
    ) {
        return Found::Installation;
    }
    match (ProjectId::parse(tag), rest.strip_prefix(':')) {
        (Ok(project), Some(rest)) => Found::Of(project, part(project, rest)),
        _ => Found::Unknown,
    }
}

fn part(project: ProjectId, rest: &str) -> Part {
    let unknown = || Part::Unknown(rest.to_owned());
    let job = |member: &str| JobKey::parse(&format!("{project}/{member}"));
    match rest.split_once(':') {
        None => match rest {
            "counters" => Part::Counters,
            "spiders" => Part::Spiders,
            "spider_tags" => Part::SpiderTags,
            "settings" => Part::Settings,
            "unique" => Part::Unique,
            "due" => Part::Due,
            "events" => Part::Events,
            "notify" | "notify_output" => Part::Notify,
            _ => unknown(),
        },
        Some(("j", member)) => job(member).map_or_else(|_| unknown(), Part::Job),
        Some(("x", member)) => job(member).map_or_else(|_| unknown(), Part::Large),
        Some(("z", set)) if is_set(set) => Part::Set(set.to_owned()),
        Some(("q", _)) => Part::Request,
        Some(("aside", _)) => Part::Aside,
        Some(_) => unknown(),
    }
}

/// Whether a sorted set of jobs may have this name.
fn is_set(name: &str) -> bool {
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let is_lane = |lane: &str| State::ALL.into_iter().flat_map(lanes).any(|known| known == lane);
    let is_letter = |lane: &str| State::ALL.into_iter().any(|state| letter(state) == lane);
    let Some((owner, lane)) = name.split_once('.') else {
        return is_lane(name);
    };
    match owner.split_at_checked(1) {
        Some(("s", spider)) => is_number(spider) && is_lane(lane),
        Some(("t", tag)) => is_number(tag) && is_letter(lane),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_key_is_recognized_as_what_it_is() {
        let project = ProjectId::new(7).unwrap();
        let of = |part| Found::Of(project, part);
        let job = JobKey::parse("7/1/2").unwrap();
        for (key, found) in [
            ("sq:{7}:counters", of(Part::Counters)),
            ("sq:{7}:j:1/2", of(Part::Job(job))),
            ("sq:{7}:x:1/2", of(Part::Large(job))),
            ("sq:{7}:z:s1.e4", of(Part::Set("s1.e4".to_owned()))),
            ("sq:{7}:z:t12.p", of(Part::Set("t12.p".to_owned()))),
            ("sq:{7}:z:t12.p1", of(Part::Unknown("z:t12.p1".to_owned()))),
            ("sq:{7}:j:1/0", of(Part::Unknown("j:1/0".to_owned()))),
            ("sq:{7}:aside:j:1/2", of(Part::Aside)),
            ("sq:{projects}", Found::Installation),
            ("sq:{keys}:used", Found::Installation),
            ("sq:{audit}", Found::Installation),
            ("sq:{runners}", Found::Installation),
            ("sq:{runners}:statuses", Found::Installation),
            ("sq:{projects}:counters", Found::Unknown),
            ("sq:{07}:counters", Found::Unknown),
        ] {
            assert_eq!(parse(key), found, "{key}");
        }
    }
}
