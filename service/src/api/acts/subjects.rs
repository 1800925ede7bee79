//! What each audited call is about, in words. Names and numbers only: values of settings, metadata
//! and arguments may be secrets.

use std::fmt::Display;

use spiderq_proto::v1::{self, cancel_jobs_request::Selection};

use super::{Audited, Subject, Telling};
use spiderq_core::model::JobKey;

/// Names that a subject gives of a list.
const MAX_NAMES: usize = 10;
/// Characters of an API key's id.
const API_KEY_ID_CHARS: usize = 8;

/// Of an act that its call does as a whole.
fn whole<R>(project: i64, text: String) -> Telling<R> {
    Box::new(move |_| Some(Subject { project, text, count: None }))
}

/// Of a change of jobs, told where it changed any.
fn jobs<R: 'static>(
    project: i64,
    text: String,
    validate_only: bool,
    count: fn(&R) -> i64,
) -> Telling<R> {
    Box::new(move |response| {
        let count = response.map(|response| u64::try_from(count(response)).unwrap_or_default());
        let is_act = !validate_only && count != Some(0);
        is_act.then_some(Subject { project, text, count })
    })
}

impl Audited for v1::StopJobsRequest {
    type Response = v1::StopJobsResponse;

    fn act(&self) -> Telling<Self::Response> {
        let (project, text) = selected(self.project, self.filter.as_ref());
        jobs(project, text, self.validate_only, |response| response.count)
    }
}

impl Audited for v1::DeleteJobsRequest {
    type Response = v1::DeleteJobsResponse;

    fn act(&self) -> Telling<Self::Response> {
        let (project, text) = selected(self.project, self.filter.as_ref());
        jobs(project, text, self.validate_only, |response| response.count)
    }
}

impl Audited for v1::RestoreJobsRequest {
    type Response = v1::RestoreJobsResponse;

    fn act(&self) -> Telling<Self::Response> {
        let (project, text) = selected(self.project, self.filter.as_ref());
        jobs(project, text, self.validate_only, |response| response.count)
    }
}

impl Audited for v1::CancelJobsRequest {
    type Response = v1::CancelJobsResponse;

    fn act(&self) -> Telling<Self::Response> {
        let (project, text) = match &self.selection {
            Some(Selection::Filter(filter)) => selected(self.project, Some(filter)),
            Some(Selection::OldestPending(most)) => (self.project, format!("the oldest {most}")),
            None => (self.project, String::new()),
        };
        jobs(project, text, self.validate_only, |response| response.count)
    }
}

/// Changes of tags and metadata are told where a filter found the jobs.
impl Audited for v1::UpdateJobsRequest {
    type Response = v1::UpdateJobsResponse;

    fn act(&self) -> Telling<Self::Response> {
        let filter = self.filter.clone().unwrap_or_default();
        let by_key = filter == v1::JobFilter { keys: filter.keys.clone(), ..Default::default() };
        let (project, mut text) = selected(self.project, Some(&filter));
        if !self.metadata_json.is_empty() {
            text.push_str(&format!("; sets {}", named(self.metadata_json.keys())));
        }
        if self.tag_changes.is_some() {
            text.push_str("; changes tags");
        }
        jobs(project, text, self.validate_only || by_key, |response| response.count)
    }
}

impl Audited for v1::PurgeJobRequest {
    type Response = v1::PurgeJobResponse;

    fn act(&self) -> Telling<Self::Response> {
        let (project, text) = (project_of(&self.key), self.key.clone());
        Box::new(move |response| {
            let is_act = response.is_none_or(|response| response.purged);
            is_act.then_some(Subject { project, text, count: None })
        })
    }
}

impl Audited for v1::UpdateProjectSettingsRequest {
    type Response = v1::UpdateProjectSettingsResponse;

    fn act(&self) -> Telling<Self::Response> {
        let mut parts = Vec::new();
        if self.update_mask.is_some() {
            parts.push("replaces all".to_owned());
        }
        if !self.settings_json.is_empty() {
            parts.push(format!("sets {}", named(self.settings_json.keys())));
        }
        if !self.remove_settings.is_empty() {
            parts.push(format!("removes {}", named(&self.remove_settings)));
        }
        whole(self.project, parts.join("; "))
    }
}

impl Audited for v1::UpdateSpiderRequest {
    type Response = v1::UpdateSpiderResponse;

    fn act(&self) -> Telling<Self::Response> {
        let mut text = format!("spider {}", self.spider.as_ref().map_or_else(String::new, spider));
        let mask = self.update_mask.iter().flat_map(|mask| &mask.paths);
        for path in mask.take(MAX_NAMES) {
            text.push_str(&format!("; sets {path}"));
        }
        if self.tag_changes.is_some() {
            text.push_str("; changes tags");
        }
        whole(self.project, text)
    }
}

impl Audited for v1::CreateApiKeyRequest {
    type Response = v1::CreateApiKeyResponse;

    fn act(&self) -> Telling<Self::Response> {
        let role = self.role().as_str_name().trim_start_matches("ROLE_").to_lowercase();
        let reach = match self.projects.is_empty() {
            true => "all projects".to_owned(),
            false => format!("projects {}", named(&self.projects)),
        };
        let text = format!("of {}, role {role}, {reach}", self.owner);
        Box::new(move |response| {
            let made = response.and_then(|response| response.api_key.as_ref());
            let text = match made {
                Some(key) => format!("key {} {text}", key.id),
                None => text,
            };
            Some(Subject { project: 0, text, count: None })
        })
    }
}

impl Audited for v1::CreateSessionRequest {
    type Response = v1::CreateSessionResponse;

    fn act(&self) -> Telling<Self::Response> {
        Box::new(move |response| {
            let lifetime = response.and_then(|response| response.lifetime);
            let text = match lifetime {
                Some(lifetime) => format!("session of {} s", lifetime.seconds),
                None => "session".to_owned(),
            };
            Some(Subject { project: 0, text, count: None })
        })
    }
}

impl Audited for v1::RotateApiKeyRequest {
    type Response = v1::RotateApiKeyResponse;

    fn act(&self) -> Telling<Self::Response> {
        let replaced = api_key(&self.id);
        Box::new(move |response| {
            let new = response.and_then(|response| response.api_key.as_ref());
            let text = match new {
                Some(new) => format!("{replaced}, replaced by {}", api_key(&new.id)),
                None => replaced,
            };
            Some(Subject { project: 0, text, count: None })
        })
    }
}

impl Audited for v1::RevokeApiKeyRequest {
    type Response = v1::RevokeApiKeyResponse;

    fn act(&self) -> Telling<Self::Response> {
        whole(0, api_key(&self.id))
    }
}

/// An API key by its id. By mistake its text may stand there.
pub(super) fn api_key(id: &str) -> String {
    let is_id = id.len() == API_KEY_ID_CHARS && id.bytes().all(|letter| letter.is_ascii_hexdigit());
    if is_id { format!("key {id}") } else { "a key by what is no id".to_owned() }
}

/// The project of a job's key; 0 where it is none.
fn project_of(key: &str) -> i64 {
    let key = JobKey::parse(key).ok();
    key.and_then(|key| i64::try_from(key.project.get()).ok()).unwrap_or_default()
}

/// The first of some names, and how many there are beside them.
pub(super) fn named<T: Display>(names: impl IntoIterator<Item = T>) -> String {
    let mut names = names.into_iter();
    let shown: Vec<String> = names.by_ref().take(MAX_NAMES).map(|one| one.to_string()).collect();
    match names.count() {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}

pub(super) fn spider(spider: &v1::SpiderRef) -> String {
    match &spider.spider {
        Some(v1::spider_ref::Spider::Name(name)) => name.clone(),
        Some(v1::spider_ref::Spider::Id(id)) => id.to_string(),
        None => String::new(),
    }
}

/// The project and the jobs that a filter selects.
fn selected(project: i64, filter: Option<&v1::JobFilter>) -> (i64, String) {
    let Some(filter) = filter else { return (project, "all jobs".to_owned()) };
    let first = filter.keys.first().map_or(0, |key| project_of(key));
    let project = if project == 0 { first } else { project };
    let mut parts = Vec::new();
    let mut part = |name: &str, values: Vec<String>| {
        if !values.is_empty() {
            parts.push(format!("{name} {}", named(values)));
        }
    };
    part("jobs", filter.keys.clone());
    let state =
        |state: v1::JobState| state.as_str_name().trim_start_matches("JOB_STATE_").to_lowercase();
    part("states", filter.states().map(state).collect());
    part("spiders", filter.spiders.iter().map(spider).collect());
    part("with tags", filter.has_tags.clone());
    part("with all tags", filter.has_all_tags.clone());
    part("without tags", filter.lacks_tags.clone());
    let time = |time: &spiderq_proto::Timestamp| time.seconds.to_string();
    part("since epoch second", filter.from_state_time.iter().map(time).collect());
    part("before epoch second", filter.before_state_time.iter().map(time).collect());
    part("close reasons", filter.close_reasons.clone());
    part("with arguments", filter.spider_args.keys().cloned().collect());
    part("priorities", filter.priorities.iter().map(i32::to_string).collect());
    (project, parts.join("; "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text<Q: Audited>(request: &Q, response: Option<&Q::Response>) -> Option<Subject> {
        request.act()(response)
    }

    fn subject(project: i64, text: &str, count: Option<u64>) -> Option<Subject> {
        Some(Subject { project, text: text.to_owned(), count })
    }

    #[test]
    fn a_change_of_jobs_is_told_with_its_filter_and_how_many_it_changed() {
        let filter = v1::JobFilter {
            states: vec![1, 2],
            has_tags: vec!["a".to_owned()],
            spider_args: [("password".to_owned(), "hidden".to_owned())].into(),
            ..Default::default()
        };
        let request =
            v1::StopJobsRequest { project: 5, filter: Some(filter), ..Default::default() };
        let told = "states pending, running; with tags a; with arguments password";
        let done = |count| v1::StopJobsResponse { count, ..Default::default() };
        assert_eq!(text(&request, Some(&done(3))), subject(5, told, Some(3)));
        assert_eq!(text(&request, Some(&done(0))), None);
        assert_eq!(text(&request, None), subject(5, told, None));
        let counted = v1::StopJobsRequest { validate_only: true, ..request };
        assert_eq!(text(&counted, Some(&done(3))), None);
    }

    #[test]
    fn jobs_by_key_are_told_by_the_first_of_them() {
        let keys: Vec<String> = (1..=12).map(|job| format!("7/1/{job}")).collect();
        let filter = Some(v1::JobFilter { keys, ..Default::default() });
        let request = v1::DeleteJobsRequest { filter: filter.clone(), ..Default::default() };
        let done = v1::DeleteJobsResponse { count: 12, ..Default::default() };
        let told = text(&request, Some(&done)).unwrap();
        assert_eq!((told.project, told.count), (7, Some(12)));
        assert!(told.text.starts_with("jobs 7/1/1, 7/1/2, ") && told.text.ends_with("and 2 more"));
        let request = v1::UpdateJobsRequest { filter, ..Default::default() };
        let done = v1::UpdateJobsResponse { count: 12, ..Default::default() };
        assert_eq!(text(&request, Some(&done)), None);
    }

    #[test]
    fn a_purge_is_told_where_there_was_a_job() {
        let request = v1::PurgeJobRequest { key: "7/1/2".to_owned() };
        let done = |purged| v1::PurgeJobResponse { purged };
        assert_eq!(text(&request, Some(&done(true))), subject(7, "7/1/2", None));
        assert_eq!(text(&request, Some(&done(false))), None);
        assert_eq!(text(&request, None), subject(7, "7/1/2", None));
    }

    #[test]
    fn settings_are_told_by_their_names() {
        let request = v1::UpdateProjectSettingsRequest {
            project: 9,
            settings_json: [("password".to_owned(), "\"hidden\"".to_owned())].into(),
            remove_settings: vec!["old".to_owned()],
            ..Default::default()
        };
        assert_eq!(text(&request, None), subject(9, "sets password; removes old", None));
    }

    #[test]
    fn the_text_of_an_api_key_is_not_taken_for_its_id() {
        let request = |id: &str| v1::RevokeApiKeyRequest { id: id.to_owned() };
        assert_eq!(text(&request("0123abcd"), None), subject(0, "key 0123abcd", None));
        let key = "0123456789abcdef0123456789abcdef";
        assert_eq!(text(&request(key), None), subject(0, "a key by what is no id", None));
    }
}
