//! What a job is, in types that cannot hold a bad value.
//!
//! Strings become these types where a request is decoded; deeper code needs no checks.

mod actor;
mod api_key;
mod audit;
mod claim_filter;
mod fence;
mod field_selection;
mod filter;
mod job;
mod json;
mod key;
mod metadata;
mod name;
mod number;
mod position;
mod quota;
mod role;
mod runner;
mod spider_names;
mod state;
mod tag;
mod text;
mod unique;

pub use self::{
    actor::Actor,
    api_key::ApiKeyRecord,
    audit::{AUDITED_CALLS, AUTHENTICATE, AuditEvent},
    claim_filter::ClaimFilter,
    fence::{FENCE_NONCE_BYTES, Fence, FenceSecret},
    field_selection::FieldSelection,
    filter::Filter,
    job::{Counters, JOB_MEMORY, Job, StateEntry},
    json::{JsonText, READABLE},
    key::{JobId, JobKey, ProjectId, SpiderId, SpiderKey},
    metadata::{FIELD_MEMORY, FieldName, Metadata},
    name::SpiderName,
    number::{Priority, Units},
    position::{Millis, Position},
    quota::{Quota, Quotas},
    role::Role,
    runner::{Runner, RunnerId, RunnerState, RunnerStatus},
    spider_names::SpiderNames,
    state::{Move, State, StateSet},
    tag::{Tag, TagChanges, Tags},
    text::short_text,
    unique::UniqueKey,
};
