//! A good request of every call, about a given job.

use prost::Message as _;
use spiderq_proto::v1::{spider_ref::Spider, *};

/// What a call is about.
#[derive(Clone, Debug, Default)]
pub(super) struct Target {
    pub(super) project: i64,
    pub(super) key: String,
    pub(super) fence: String,
    pub(super) token: String,
    /// Differs from one to the next.
    pub(super) n: u32,
    /// An API key, where the call is about one.
    pub(super) key_id: String,
}

impl Target {
    fn parts(&self) -> [&str; 3] {
        let parts: Vec<&str> = self.key.split('/').collect();
        parts.try_into().unwrap()
    }

    fn spider(&self) -> i64 {
        self.parts()[1].parse().unwrap()
    }

    fn spider_ref(&self) -> SpiderRef {
        SpiderRef { spider: Some(Spider::Id(self.spider())) }
    }

    /// `text` with the names in braces replaced.
    pub(super) fn fill(&self, text: &str) -> String {
        let [project, spider, job] = self.parts();
        let n = self.n.to_string();
        let names = [
            ("{project}", project),
            ("{spider}", spider),
            ("{job}", job),
            ("{key}", &self.key),
            ("{fence}", &self.fence),
            ("{n}", &n),
            ("{state}", "pending"),
            ("{*field}", "field"),
            ("{*name}", &format!("job{n}")),
        ];
        names.iter().fold(text.to_owned(), |text, (name, value)| text.replace(name, value))
    }
}

/// The state in which a job must be for the call to be done.
pub(super) fn state_needed(call: &str) -> JobState {
    match call {
        "PurgeJob" | "RestoreJobs" => JobState::Deleted,
        "SetJobMetadata"
        | "DeleteJobMetadata"
        | "GetJobToken"
        | "Heartbeat"
        | "UpdateQueue of a job"
        | "UpdateQueue of a spider" => JobState::Running,
        _ => JobState::Pending,
    }
}

/// The encoded request of `call`.
pub(super) fn message(call: &str, target: &Target) -> Vec<u8> {
    match call {
        "ScheduleJob"
        | "GetJob"
        | "ListJobs"
        | "CountJobs"
        | "UpdateJobs"
        | "UpdateJobs by filter"
        | "StopJobs"
        | "DeleteJobs"
        | "RestoreJobs"
        | "SetJobMetadata"
        | "DeleteJobMetadata"
        | "PurgeJob"
        | "GetJobToken"
        | "WatchJobs"
        | "WatchJobs of a job" => of_jobs(call, target),
        "PushJobs"
        | "StartJob"
        | "Heartbeat"
        | "UpdateQueue of a job"
        | "UpdateQueue of a spider"
        | "CancelJobs by key"
        | "CancelJobs, the oldest"
        | "ListQueue"
        | "CountQueue"
        | "SummarizeQueue"
        | "ListLastJobs" => of_queue(call, target),
        _ => of_rest(call, target),
    }
}

#[rustfmt::skip]
fn of_jobs(call: &str, target: &Target) -> Vec<u8> {
    let (project, key, keys) = (target.project, target.key.clone(), vec![target.key.clone()]);
    match call {
        "ScheduleJob" => {
            let spider = format!("scheduled{}", target.n);
            ScheduleJobRequest { project, spider, ..Default::default() }.encode_to_vec()
        }
        "GetJob" => GetJobRequest { key }.encode_to_vec(),
        "ListJobs" => ListJobsRequest { project, ..Default::default() }.encode_to_vec(),
        "CountJobs" => CountJobsRequest { project, ..Default::default() }.encode_to_vec(),
        "UpdateJobs" => {
            let metadata = metadata();
            UpdateJobsRequest { project, keys, metadata, ..Default::default() }.encode_to_vec()
        }
        "UpdateJobs by filter" => {
            let spiders = vec![format!("job{}", target.n)];
            let (filter, metadata) = (Some(JobFilter { spiders, ..Default::default() }), metadata());
            UpdateJobsRequest { project, filter, metadata, ..Default::default() }.encode_to_vec()
        }
        "StopJobs" => StopJobsRequest { project, keys }.encode_to_vec(),
        "DeleteJobs" => DeleteJobsRequest { project, keys }.encode_to_vec(),
        "RestoreJobs" => {
            RestoreJobsRequest { project, keys, ..Default::default() }.encode_to_vec()
        }
        "SetJobMetadata" => {
            SetJobMetadataRequest { key, metadata: metadata(), ..Default::default() }.encode_to_vec()
        }
        "DeleteJobMetadata" => {
            let field = "field".to_owned();
            DeleteJobMetadataRequest { key, field, ..Default::default() }.encode_to_vec()
        }
        "PurgeJob" => PurgeJobRequest { key }.encode_to_vec(),
        "GetJobToken" => GetJobTokenRequest { key }.encode_to_vec(),
        "WatchJobs" => WatchJobsRequest { project, ..Default::default() }.encode_to_vec(),
        "WatchJobs of a job" => WatchJobsRequest { project, key, ..Default::default() }.encode_to_vec(),
        _ => panic!("no request for {call}"),
    }
}

#[rustfmt::skip]
fn of_queue(call: &str, target: &Target) -> Vec<u8> {
    let (project, key, keys) = (target.project, target.key.clone(), vec![target.key.clone()]);
    let update = |key| {
        let updates = vec![JobUpdate { key, metadata: metadata(), ..Default::default() }];
        UpdateQueueRequest { project, updates, ..Default::default() }.encode_to_vec()
    };
    match call {
        "PushJobs" => {
            let jobs = vec![NewJob { spider: "s".to_owned(), ..Default::default() }];
            PushJobsRequest { project, jobs, ..Default::default() }.encode_to_vec()
        }
        "StartJob" => StartJobRequest { project, ..Default::default() }.encode_to_vec(),
        "Heartbeat" => {
            let fence = target.fence.clone();
            HeartbeatRequest { key, fence, ..Default::default() }.encode_to_vec()
        }
        "UpdateQueue of a job" => update(key),
        "UpdateQueue of a spider" => update(format!("{project}/{}", target.spider())),
        "CancelJobs by key" => {
            CancelJobsRequest { project, keys, ..Default::default() }.encode_to_vec()
        }
        "CancelJobs, the oldest" => {
            CancelJobsRequest { project, oldest_pending: 1, ..Default::default() }.encode_to_vec()
        }
        "ListQueue" => ListQueueRequest { project, ..Default::default() }.encode_to_vec(),
        "CountQueue" => CountQueueRequest { project, ..Default::default() }.encode_to_vec(),
        "SummarizeQueue" => SummarizeQueueRequest { project, ..Default::default() }.encode_to_vec(),
        "ListLastJobs" => ListLastJobsRequest { project, ..Default::default() }.encode_to_vec(),
        _ => panic!("no request for {call}"),
    }
}

#[rustfmt::skip]
fn of_rest(call: &str, target: &Target) -> Vec<u8> {
    let project = target.project;
    match call {
        "ListProjects" => ListProjectsRequest {}.encode_to_vec(),
        "SummarizeProjects" => SummarizeProjectsRequest { projects: vec![project] }.encode_to_vec(),
        "SummarizeProjects, all" => SummarizeProjectsRequest::default().encode_to_vec(),
        "ListSpiders" => ListSpidersRequest { project, ..Default::default() }.encode_to_vec(),
        "GetSpider" => {
            let spider = Some(target.spider_ref());
            GetSpiderRequest { project, spider, create: false }.encode_to_vec()
        }
        "GetSpider with create" => {
            let spider = Some(Spider::Name(format!("new{}", target.n)));
            let spider = Some(SpiderRef { spider });
            GetSpiderRequest { project, spider, create: true }.encode_to_vec()
        }
        "UpdateSpiderTags" => {
            let (spider, add) = (Some(target.spider_ref()), vec!["x".to_owned()]);
            UpdateSpiderTagsRequest { project, spider, add, ..Default::default() }.encode_to_vec()
        }
        "LimitSpider" => {
            let (spider, max_running) = (Some(target.spider_ref()), Some(1));
            LimitSpiderRequest { project, spider, max_running }.encode_to_vec()
        }
        "GetSettings" => GetSettingsRequest { project }.encode_to_vec(),
        "SetSettings" => SetSettingsRequest { project, settings: metadata() }.encode_to_vec(),
        "DeleteSettings" => {
            let names = vec!["field".to_owned()];
            DeleteSettingsRequest { project, names, ..Default::default() }.encode_to_vec()
        }
        "GetServerTime" => GetServerTimeRequest {}.encode_to_vec(),
        "CreateKey" => {
            let (name, role) = ("new".to_owned(), Role::Read.into());
            CreateKeyRequest { name, role, ..Default::default() }.encode_to_vec()
        }
        "ListKeys" => ListKeysRequest {}.encode_to_vec(),
        "RevokeKey" => RevokeKeyRequest { id: target.key_id.clone() }.encode_to_vec(),
        "GetIdentity" => GetIdentityRequest {}.encode_to_vec(),
        _ => panic!("no request for {call}"),
    }
}

fn metadata() -> std::collections::BTreeMap<String, String> {
    [("n".to_owned(), "1".to_owned())].into()
}
