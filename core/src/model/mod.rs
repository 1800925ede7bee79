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
mod role;
mod state;
mod tag;
mod text;
mod unique;

pub use self::{
    actor::Actor,
    api_key::ApiKeyRecord,
    audit::AuditEvent,
    claim_filter::ClaimFilter,
    fence::Fence,
    field_selection::FieldSelection,
    filter::Filter,
    job::{Counters, Job, StateEntry},
    json::{JsonText, READABLE},
    key::{JobId, JobKey, ProjectId, SpiderId, SpiderKey},
    metadata::{FieldName, Metadata},
    name::SpiderName,
    number::{Priority, Units},
    position::{Millis, Position},
    role::Role,
    state::{Move, State, StateSet},
    tag::{Tag, TagChanges, Tags},
    text::short_text,
    unique::UniqueKey,
};
