//! A good request of every call, about a given job.

use std::sync::atomic::{AtomicU32, Ordering};

use prost::Message as _;
use spiderq_proto::v1::{cancel_jobs_request::Selection, job_update::Target as Updated};
use spiderq_proto::{FieldMask, v1::*};
use spiderq_tests::{by_keys, by_number, job_of};

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

    /// Just the job that it is about.
    fn by_key(&self) -> Option<JobFilter> {
        by_keys([self.key.as_str()])
    }

    /// The same job as the only one of its spider.
    fn by_spider(&self) -> Option<JobFilter> {
        let spiders = vec![by_number(self.spider())];
        Some(JobFilter { spiders, ..JobFilter::default() })
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
            ("{index}", "0"),
            ("{*name}", &format!("job{n}")),
        ];
        names.iter().fold(text.to_owned(), |text, (name, value)| text.replace(name, value))
    }
}

/// The state in which a job must be for the call to be done.
pub(super) fn state_needed(call: &str) -> JobState {
    match call {
        "PurgeJob" | "RestoreJobs" | "RestoreJobs by filter" => JobState::Deleted,
        "SetJobMetadata"
        | "DeleteJobMetadata"
        | "GetJobToken"
        | "Heartbeat"
        | "AppendOutput"
        | "UpdateQueue of a job"
        | "UpdateQueue of a spider" => JobState::Running,
        _ => JobState::Pending,
    }
}

/// The encoded request of `call`.
pub(super) fn message(call: &str, target: &Target) -> Vec<u8> {
    let parts = [of_jobs, of_bulk, of_queue, of_output, of_projects, of_api_keys, of_runners];
    let found = parts.iter().find_map(|part| part(call, target));
    found.unwrap_or_else(|| panic!("no request for {call}"))
}

#[rustfmt::skip]
fn of_jobs(call: &str, target: &Target) -> Option<Vec<u8>> {
    let (project, key) = (target.project, target.key.clone());
    Some(match call {
        "ScheduleJob" => {
            let job = Some(job_of(&format!("scheduled{}", target.n)));
            ScheduleJobRequest { project, job, ..Default::default() }.encode_to_vec()
        }
        "GetJob" => GetJobRequest { key }.encode_to_vec(),
        "ListJobs" => ListJobsRequest { project, ..Default::default() }.encode_to_vec(),
        "CountJobs" => CountJobsRequest { project, ..Default::default() }.encode_to_vec(),
        "SetJobMetadata" => {
            let metadata_json = fields();
            SetJobMetadataRequest { key, metadata_json, ..Default::default() }.encode_to_vec()
        }
        "DeleteJobMetadata" => {
            let field = "field".to_owned();
            DeleteJobMetadataRequest { key, field, ..Default::default() }.encode_to_vec()
        }
        "PurgeJob" => PurgeJobRequest { key }.encode_to_vec(),
        "GetJobToken" => GetJobTokenRequest { key }.encode_to_vec(),
        "WatchJobs" => WatchJobsRequest { project, ..Default::default() }.encode_to_vec(),
        "WatchJobs, all" => {
            WatchJobsRequest { all_projects: true, ..Default::default() }.encode_to_vec()
        }
        "WatchJobs of a job" => WatchJobsRequest { key, ..Default::default() }.encode_to_vec(),
        _ => return None,
    })
}

/// Those that change many jobs, by key and by another filter.
#[rustfmt::skip]
fn of_bulk(call: &str, target: &Target) -> Option<Vec<u8>> {
    let (project, metadata_json) = (target.project, fields());
    let by_filter = call.ends_with(" by filter");
    let filter = if by_filter { target.by_spider() } else { target.by_key() };
    Some(match call {
        "UpdateJobs" | "UpdateJobs by filter" => {
            UpdateJobsRequest { project, filter, metadata_json, ..Default::default() }.encode_to_vec()
        }
        "StopJobs" | "StopJobs by filter" => {
            StopJobsRequest { project, filter, ..Default::default() }.encode_to_vec()
        }
        "DeleteJobs" | "DeleteJobs by filter" => {
            DeleteJobsRequest { project, filter, ..Default::default() }.encode_to_vec()
        }
        "RestoreJobs" | "RestoreJobs by filter" => {
            RestoreJobsRequest { project, filter, ..Default::default() }.encode_to_vec()
        }
        "CancelJobs by key" | "CancelJobs by filter" => {
            let selection = filter.map(Selection::Filter);
            CancelJobsRequest { project, selection, ..Default::default() }.encode_to_vec()
        }
        "CancelJobs, the oldest" => {
            let selection = Some(Selection::OldestPending(1));
            CancelJobsRequest { project, selection, ..Default::default() }.encode_to_vec()
        }
        _ => return None,
    })
}

#[rustfmt::skip]
fn of_queue(call: &str, target: &Target) -> Option<Vec<u8>> {
    let (project, key) = (target.project, target.key.clone());
    let update = |target| {
        let updates = vec![JobUpdate { target: Some(target), metadata_json: fields(), ..Default::default() }];
        UpdateQueueRequest { project, updates, ..Default::default() }.encode_to_vec()
    };
    Some(match call {
        "PushJobs" => {
            let jobs = vec![job_of("s")];
            PushJobsRequest { project, jobs, ..Default::default() }.encode_to_vec()
        }
        "StartJob" => StartJobRequest { project, ..Default::default() }.encode_to_vec(),
        "Heartbeat" => {
            let fence = target.fence.clone();
            HeartbeatRequest { key, fence, ..Default::default() }.encode_to_vec()
        }
        "UpdateQueue of a job" => update(Updated::Key(key)),
        "UpdateQueue of a spider" => update(Updated::Spider(by_number(target.spider()))),
        "ListQueue" => ListQueueRequest { project, ..Default::default() }.encode_to_vec(),
        "SummarizeQueue" => SummarizeQueueRequest { project, ..Default::default() }.encode_to_vec(),
        "ListLastJobs" => ListLastJobsRequest { project, ..Default::default() }.encode_to_vec(),
        _ => return None,
    })
}

#[rustfmt::skip]
fn of_output(call: &str, target: &Target) -> Option<Vec<u8>> {
    let (key, kind) = (target.key.clone(), OutputKind::Logs.into());
    Some(match call {
        "AppendOutput" => {
            let lines = vec!["{}".into()];
            AppendOutputRequest { key, kind, lines, ..Default::default() }.encode_to_vec()
        }
        "ReadOutput" => ReadOutputRequest { key, kind, ..Default::default() }.encode_to_vec(),
        "GetOutputStats" => GetOutputStatsRequest { key, attempt: None }.encode_to_vec(),
        _ => return None,
    })
}

#[rustfmt::skip]
fn of_projects(call: &str, target: &Target) -> Option<Vec<u8>> {
    let (project, spider) = (target.project, Some(by_number(target.spider())));
    Some(match call {
        "ListProjects" => ListProjectsRequest::default().encode_to_vec(),
        "SummarizeProjects" => SummarizeProjectsRequest { projects: vec![project], ..Default::default() }.encode_to_vec(),
        "SummarizeProjects, all" => SummarizeProjectsRequest::default().encode_to_vec(),
        "ListSpiders" => ListSpidersRequest { project, ..Default::default() }.encode_to_vec(),
        "GetSpider" => GetSpiderRequest { project, spider }.encode_to_vec(),
        "EnsureSpider" => {
            EnsureSpiderRequest { project, name: format!("new{}", target.n) }.encode_to_vec()
        }
        "UpdateSpider" => {
            let values = Some(Spider { max_running: Some(1), ..Default::default() });
            let update_mask = Some(FieldMask { paths: vec!["max_running".to_owned()] });
            let tag_changes = Some(TagChanges { add: vec!["x".to_owned()], ..Default::default() });
            UpdateSpiderRequest { project, spider, values, update_mask, tag_changes }.encode_to_vec()
        }
        "GetProjectSettings" => GetProjectSettingsRequest { project }.encode_to_vec(),
        "UpdateProjectSettings" => {
            let settings_json = fields();
            UpdateProjectSettingsRequest { project, settings_json, ..Default::default() }.encode_to_vec()
        }
        "GetServerTime" => GetServerTimeRequest {}.encode_to_vec(),
        _ => return None,
    })
}

#[rustfmt::skip]
fn of_api_keys(call: &str, target: &Target) -> Option<Vec<u8>> {
    Some(match call {
        "CreateApiKey" => {
            let (owner, role) = ("new".to_owned(), Role::Read.into());
            CreateApiKeyRequest { owner, role, all_projects: true, ..Default::default() }.encode_to_vec()
        }
        "ListApiKeys" => ListApiKeysRequest::default().encode_to_vec(),
        "RevokeApiKey" => RevokeApiKeyRequest { id: target.key_id.clone() }.encode_to_vec(),
        "RotateApiKey" => {
            RotateApiKeyRequest { id: target.key_id.clone(), keep: None }.encode_to_vec()
        }
        "CreateSession" => CreateSessionRequest {}.encode_to_vec(),
        "GetIdentity" => GetIdentityRequest {}.encode_to_vec(),
        "ListAuditEvents" => ListAuditEventsRequest::default().encode_to_vec(),
        _ => return None,
    })
}

fn of_runners(call: &str, target: &Target) -> Option<Vec<u8>> {
    let project = target.parts()[0].parse().unwrap();
    let id = format!("of-project-{project}");
    let status = Some(RunnerStatus { state: RunnerState::Active.into(), ..Default::default() });
    Some(match call {
        "RegisterRunner" => {
            // An id stays with the owner that registered it.
            static NEXT: AtomicU32 = AtomicU32::new(0);
            let id = format!("new-{}", NEXT.fetch_add(1, Ordering::Relaxed));
            let runner = Some(Runner { id, ..runner(project) });
            RegisterRunnerRequest { runner, status }.encode_to_vec()
        }
        "ReportRunner" => ReportRunnerRequest { id, status }.encode_to_vec(),
        "ListRunners" => ListRunnersRequest { project, ..Default::default() }.encode_to_vec(),
        "ListRunners, all" => ListRunnersRequest::default().encode_to_vec(),
        _ => return None,
    })
}

/// The runner of a project that calls are about.
pub(super) fn runner(project: i64) -> Runner {
    Runner {
        id: format!("of-project-{project}"),
        name: "r@host".to_owned(),
        version: "1".to_owned(),
        projects: vec![project],
        units: 1,
        ..Runner::default()
    }
}

fn fields() -> std::collections::BTreeMap<String, String> {
    [("n".to_owned(), "1".to_owned())].into()
}
