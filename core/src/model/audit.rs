//! Acts that the audit keeps: who did what, from where, and how it ended.

use super::{Millis, ProjectId, Role};

/// The name of events that stand for failed authentications.
pub const AUTHENTICATE: &str = "Authenticate";

/// The calls that events may be about.
pub const AUDITED_CALLS: [&str; 14] = [
    AUTHENTICATE,
    "CancelJobs",
    "CreateApiKey",
    "CreateSession",
    "DeleteJobs",
    "PurgeJob",
    "RestoreJobs",
    "RevokeApiKey",
    "RotateApiKey",
    "StopJobs",
    "UpdateJobs",
    "UpdateProjectSettings",
    "UpdateQueue",
    "UpdateSpider",
];

/// One act. No field holds a secret: settings and arguments are told by their names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditEvent {
    /// When it ended. The store moves it up to that of the event before it.
    pub time: Millis,
    /// Owner of the API key, or who started the job whose token it was. Empty: unknown.
    pub owner: String,
    /// Id of the API key, or the key of the job whose token it was. Empty: unknown.
    pub key_id: String,
    /// The API key's role; `None` for a job token and an unknown caller.
    pub role: Option<Role>,
    /// Address and port that the request came from. Empty: unknown.
    pub peer: String,
    /// The gRPC call: `StopJobs`.
    pub call: String,
    /// `None` for an act that is about no project in particular.
    pub project: Option<ProjectId>,
    /// What it was about, at most
    /// [`MAX_AUDIT_SUBJECT_BYTES`](crate::limits::MAX_AUDIT_SUBJECT_BYTES).
    pub subject: String,
    /// `OK`, or the name of the gRPC status.
    pub result: String,
    /// How many jobs, or calls, it was; `None` where there is nothing to count.
    pub count: Option<u64>,
    /// The caller's `X-Request-Id`, or the one that the gateway made. Empty: none.
    pub request_id: String,
}
