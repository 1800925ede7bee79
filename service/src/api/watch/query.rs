//! What a `WatchJobs` asks for, and its cursors.

use std::collections::BTreeMap;

use futures::FutureExt as _;
use spiderq_proto::v1;

use super::super::{
    decode,
    fields::{Fields, list},
};
use crate::{
    auth::Caller,
    domain::{Domain, EventCursor, Reach, Watch, WatchAll, WatchAllQuery, WatchQuery, Watched},
};
use spiderq_core::{
    error::{Error, Result},
    limits::MAX_WATCHED_PROJECTS,
    model::{JobKey, ProjectId},
};

const NOT_GIVEN: &str = "must be one that a watch of this project gave";

/// What is watched.
#[derive(Clone, Debug)]
pub(crate) enum Query {
    One(WatchQuery),
    All(WatchAllQuery),
}

/// A watch that is under way.
#[derive(Debug)]
pub(crate) enum Source {
    One(Box<Watch>),
    All(Box<WatchAll>),
}

/// What its reader must be allowed, as long as it goes on.
#[derive(Clone, Debug)]
pub(super) enum Needed {
    One(WatchQuery),
    All(Reach),
}

impl Needed {
    /// An error when the caller may not read the events.
    pub(super) fn by(&self, caller: &Caller) -> Result<()> {
        match self {
            Self::One(query) => query.allows(caller),
            Self::All(reach) => reach.allows(caller),
        }
    }
}

impl Query {
    pub(crate) async fn begin(self, domain: &Domain, caller: &Caller) -> Result<Source> {
        Ok(match self {
            Self::One(query) => Source::One(Box::new(domain.watch_jobs(caller, query).await?)),
            Self::All(query) => Source::All(Box::new(domain.watch_all(caller, query).await?)),
        })
    }
}

impl Source {
    pub(super) fn needed(&self) -> Needed {
        match self {
            Self::One(watch) => Needed::One(watch.query().clone()),
            Self::All(watch) => Needed::All(watch.reach()),
        }
    }

    /// Returns when the service shuts down.
    pub(super) fn shutdown(&self) -> impl Future<Output = ()> + Send + use<> {
        match self {
            Self::One(watch) => watch.shutdown().left_future(),
            Self::All(watch) => watch.shutdown().right_future(),
        }
    }

    /// What comes next.
    pub(super) async fn next(&mut self) -> Result<Watched> {
        match self {
            Self::One(watch) => {
                let items = watch.next().await?;
                Ok((watch.query().project, watch.last(), items))
            }
            Self::All(watch) => watch.next().await,
        }
    }
}

pub(crate) fn decode(message: v1::WatchJobsRequest) -> Result<Query> {
    if message.all_projects {
        return all(&message).map(Query::All);
    }
    if !message.cursors.is_empty() {
        return Err(Error::invalid("cursors", "must be empty without all_projects"));
    }
    one(message).map(Query::One)
}

fn all(message: &v1::WatchJobsRequest) -> Result<WatchAllQuery> {
    let mut fields = Fields::default();
    for (name, is_given) in [
        ("project", message.project != 0),
        ("spider", message.spider.is_some()),
        ("key", !message.key.is_empty()),
        ("cursor", !message.cursor.is_empty()),
    ] {
        let refused = || Error::invalid(name, "must be empty with all_projects");
        fields.field(name, if is_given { Err(refused()) } else { Ok(()) });
    }
    if message.cursors.len() > MAX_WATCHED_PROJECTS {
        let most = format!("at most {MAX_WATCHED_PROJECTS} in one call");
        fields.field::<()>("cursors", Err(Error::too_large("cursors", most)));
    }
    let after = fields.within("cursors", list(&message.cursors, |text| cursor_of_any(text)));
    let after = after.unwrap_or_default();
    let count = after.len();
    let after: BTreeMap<_, _> = after.into_iter().collect();
    if after.len() < count {
        let twice = Error::invalid("cursors", "must have one of each project");
        fields.field::<()>("cursors", Err(twice));
    }
    fields.check(WatchAllQuery { after, progress: message.progress })
}

/// A cursor, and the project whose it is.
fn cursor_of_any(text: &str) -> Result<(ProjectId, EventCursor)> {
    let number = text.split('-').next().and_then(|word| i64::from_str_radix(word, 16).ok());
    let project = number.and_then(|number| ProjectId::new(number).ok());
    let project = project.ok_or_else(|| Error::invalid("cursor", NOT_GIVEN).at(""))?;
    let cursor = parse_cursor(project, text).map_err(|error| error.at(""))?;
    Ok((project, cursor))
}

fn one(message: v1::WatchJobsRequest) -> Result<WatchQuery> {
    let mut fields = Fields::default();
    let key = decode::some(message.key).map(|key| JobKey::parse(&key)).transpose();
    let key = fields.field("key", key);
    let named = key.as_ref().and_then(Option::as_ref);
    // A key that is wrong itself must not make the project wrong too.
    let project = match (message.project, &key) {
        (0, None) => None,
        (number, _) => fields.field("project", decode::project(number, named)),
    };
    let spider = fields.within("spider", decode::some_spider_ref(message.spider, "spider"));
    let after = project.map(|project| {
        decode::some(message.cursor).map(|cursor| parse_cursor(project, &cursor)).transpose()
    });
    let after = after.and_then(|after| fields.field("cursor", after));
    let (Some(project), Some(spider), Some(key), Some(after)) = (project, spider, key, after)
    else {
        return Err(fields.into_error());
    };
    Ok(WatchQuery { project, spider, key, after, progress: message.progress })
}

/// Project, number of an event and its stamp, in hexadecimal: `35-1f-6f0c2a`.
pub(super) fn cursor_text(
    project: ProjectId,
    EventCursor { number, stamp }: EventCursor,
) -> String {
    format!("{:x}-{number:x}-{stamp:x}", project.get())
}

/// [`Error::CursorGone`] for a cursor without a stamp, as earlier versions gave them: it may be of
/// events that were lost since.
fn parse_cursor(project: ProjectId, text: &str) -> Result<EventCursor> {
    let mut words = text.split('-');
    let mut number = || words.next().and_then(|word| u64::from_str_radix(word, 16).ok());
    let (of_project, number, stamp) = (number(), number(), number());
    // There is one way to write a number: others were not given by this service.
    if let (Some(_), Some(number), None) = (of_project, number, stamp)
        && text == format!("{:x}-{number:x}", project.get())
    {
        return Err(Error::CursorGone);
    }
    let cursor = number.zip(stamp).map(|(number, stamp)| EventCursor { number, stamp });
    cursor
        .filter(|cursor| cursor_text(project, *cursor) == text)
        .ok_or_else(|| Error::invalid("cursor", NOT_GIVEN))
}

#[cfg(test)]
mod tests {
    use super::*;

    const CURSOR: EventCursor = EventCursor { number: 31, stamp: 0xab };

    #[test]
    fn a_cursor_belongs_to_its_project_and_is_written_in_one_way() {
        let project = ProjectId::new(53).unwrap();
        let text = cursor_text(project, CURSOR);
        assert_eq!(text, "35-1f-ab");
        assert_eq!(parse_cursor(project, &text).unwrap(), CURSOR);
        let first = EventCursor { number: 0, stamp: 0 };
        assert_eq!(parse_cursor(project, "35-0-0").unwrap(), first);
        let other = ProjectId::new(54).unwrap();
        assert!(parse_cursor(other, &text).is_err());
        let bad = ["35", "35-", "-1f", "35-1F", "35-01", "35-+1", "35-10000000000000000", "x"];
        let longer =
            ["35-1f-", "35-1f-AB", "35-1f-0ab", "35-1f-ab-", "35-1f-ab-1", "36-1f", "36-1f-ab"];
        for bad in bad.into_iter().chain(longer) {
            let refused = parse_cursor(project, bad).unwrap_err().to_string();
            assert_eq!(refused, "cursor: must be one that a watch of this project gave", "{bad}");
        }
    }

    #[test]
    fn a_cursor_of_before_the_stamps_is_gone() {
        let gone = parse_cursor(ProjectId::new(53).unwrap(), "35-1f");
        assert!(matches!(gone, Err(Error::CursorGone)));
    }

    #[test]
    fn the_project_of_a_watch_is_that_of_its_key() {
        let request = |project, key: &str, cursor: &str| v1::WatchJobsRequest {
            project,
            key: key.to_owned(),
            cursor: cursor.to_owned(),
            ..Default::default()
        };
        let query = one(request(0, "53/7/81", "35-1f-ab")).unwrap();
        assert_eq!((query.project.get(), query.after), (53, Some(CURSOR)));
        let paths = |request| {
            let violations = one(request).unwrap_err().violations();
            violations.into_iter().map(|one| one.path).collect::<Vec<_>>()
        };
        assert_eq!(paths(request(0, "", "")), ["project"]);
        assert_eq!(paths(request(0, "x", "y")), ["key"]);
        assert_eq!(paths(request(53, "x", "y")), ["key", "cursor"]);
    }

    #[test]
    fn a_watch_of_all_projects_goes_on_at_a_cursor_of_each() {
        let request = |cursors: &[&str]| v1::WatchJobsRequest {
            all_projects: true,
            progress: true,
            cursors: cursors.iter().map(|&text| text.to_owned()).collect(),
            ..Default::default()
        };
        let query = all(&request(&["35-1f-ab", "36-2-3"])).unwrap();
        let numbers: Vec<_> = query.after.iter().map(|(one, at)| (one.get(), at.number)).collect();
        assert_eq!((numbers, query.progress), (vec![(53, 31), (54, 2)], true));
        let paths = |request: &v1::WatchJobsRequest| {
            let violations = all(request).unwrap_err().violations();
            violations.into_iter().map(|one| one.path).collect::<Vec<_>>()
        };
        assert_eq!(paths(&request(&["35-1f-ab", "x", "0-1-2"])), ["cursors[1]", "cursors[2]"]);
        assert_eq!(paths(&request(&["35-1f-ab", "35-1-2"])), ["cursors"]);
        let key = "53/7/81".to_owned();
        let both = v1::WatchJobsRequest { project: 53, key, ..request(&[]) };
        assert_eq!(paths(&both), ["project", "key"]);
        let alone = v1::WatchJobsRequest { all_projects: false, project: 1, ..request(&["1-1-1"]) };
        assert_eq!(decode(alone).unwrap_err().violations()[0].path, "cursors");
    }
}
