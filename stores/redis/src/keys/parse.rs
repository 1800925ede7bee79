//! What a key found in Redis is, for the check: the way back from the table of keys.

use spiderq_core::model::{JobKey, ProjectId};

/// A key of the store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in super::super) enum Found {
    /// Of the installation.
    Installation,
    /// Of a project.
    Of(ProjectId, Part),
    /// It begins as ours do, and is none.
    Unknown,
}

/// What it is in its project.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in super::super) enum Part {
    Counters,
    Spiders,
    SpiderTags,
    Settings,
    Unique,
    Due,
    Events,
    Watched,
    Job(JobKey),
    Large(JobKey),
    /// A sorted set, by its name after `z:`.
    Set(String),
    /// An answer kept for a request.
    Request,
    /// Set aside by a repair.
    Aside,
    /// Nothing, by its name after the project.
    Unknown(String),
}

impl Part {
    /// The type that Redis calls it by; `None` where any will do.
    pub(in super::super) const fn type_name(&self) -> Option<&'static str> {
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
            Self::Request | Self::Watched => Some("string"),
            Self::Aside | Self::Unknown(_) => None,
        }
    }
}

/// Reads a key that begins with `sq:{`.
pub(in super::super) fn parse(key: &str) -> Found {
    let inner = key.strip_prefix("sq:{").and_then(|key| key.split_once('}'));
    let Some((tag, rest)) = inner else {
        return Found::Unknown;
    };
    if matches!(tag, "projects" | "due" | "keys" | "config") && rest.is_empty() {
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
            "c" => Part::Counters,
            "s" => Part::Spiders,
            "t" => Part::SpiderTags,
            "o" => Part::Settings,
            "u" => Part::Unique,
            "l" => Part::Due,
            "e" => Part::Events,
            "w" => Part::Watched,
            _ => unknown(),
        },
        Some(("j", member)) => job(member).map_or_else(|_| unknown(), Part::Job),
        Some(("x", member)) => job(member).map_or_else(|_| unknown(), Part::Large),
        Some(("z", set)) if is_set(set) => Part::Set(set.to_owned()),
        Some(("q", _)) => Part::Request,
        Some(("b", _)) => Part::Aside,
        Some(_) => unknown(),
    }
}

/// Whether a sorted set of jobs may have this name.
fn is_set(name: &str) -> bool {
    let by_priority = |lane: &str| {
        let mut letters = lane.chars();
        matches!(letters.next(), Some('p' | 'e'))
            && matches!(letters.next(), Some('0'..='4'))
            && letters.next().is_none()
    };
    let number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let of_state = |lane: &str| matches!(lane, "r" | "f" | "d");
    match name.split_once('.') {
        None => of_state(name) || by_priority(name),
        Some((owner, lane)) => match owner.split_at_checked(1) {
            Some(("s", spider)) => number(spider) && (of_state(lane) || by_priority(lane)),
            Some(("t", tag)) => number(tag) && (of_state(lane) || lane == "p"),
            _ => false,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_told_apart() {
        let project = ProjectId::new(7).unwrap();
        let of = |part| Found::Of(project, part);
        let job = JobKey::parse("7/1/2").unwrap();
        for (key, found) in [
            ("sq:{7}:c", of(Part::Counters)),
            ("sq:{7}:j:1/2", of(Part::Job(job))),
            ("sq:{7}:x:1/2", of(Part::Large(job))),
            ("sq:{7}:z:s1.e4", of(Part::Set("s1.e4".to_owned()))),
            ("sq:{7}:z:t12.p", of(Part::Set("t12.p".to_owned()))),
            ("sq:{7}:z:t12.p1", of(Part::Unknown("z:t12.p1".to_owned()))),
            ("sq:{7}:j:1/0", of(Part::Unknown("j:1/0".to_owned()))),
            ("sq:{7}:b:j:1/2", of(Part::Aside)),
            ("sq:{projects}", Found::Installation),
            ("sq:{projects}:c", Found::Unknown),
            ("sq:{07}:c", Found::Unknown),
        ] {
            assert_eq!(parse(key), found, "{key}");
        }
    }
}
