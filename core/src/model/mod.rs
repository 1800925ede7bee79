//! What a job is, in types that cannot hold a bad value.
//!
//! Strings become these types at the edge (`api`); deeper code needs no checks. Imports
//! nothing of ours but `error`.

mod actor;
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
mod unique;

pub use self::{
    actor::Actor,
    claim_filter::ClaimFilter,
    fence::Fence,
    field_selection::FieldSelection,
    filter::Filter,
    job::{Counters, Entry, Job},
    json::JsonText,
    key::{JobId, JobKey, ProjectId, SpiderId, SpiderKey},
    metadata::{FieldName, Metadata},
    name::SpiderName,
    number::{Priority, Units},
    position::{Millis, Position},
    role::Role,
    state::{Move, State, StateSet},
    tag::{Tag, TagEdit, Tags},
    unique::UniqueKey,
};
