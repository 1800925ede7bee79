//! The Redis store: sorted sets, hashes and Lua scripts. `names.rs` opens with the table of
//! keys. A call is one or two trips over one multiplexed connection, and ends within
//! `link::CALL_TIMEOUT`; only counts that look at jobs, checks and rounds of upkeep make more
//! trips, each with that timeout.

mod api_keys;
mod audit;
mod change;
mod claim;
mod due;
mod durability;
mod effects;
mod error;
mod events;
mod fsck;
mod jobs;
mod large;
mod limits;
mod link;
mod names;
mod notify;
mod outcome;
mod projects;
mod push;
mod push_batcher;
mod query;
mod queue;
mod record;
mod registry;
mod request_ids;
mod rows;
mod runners;
mod scan;
mod script_modules;
mod script_parts;
mod scripts;
mod sizes;
mod spiders;
mod upkeep;

use spiderq_core::{Turns, UnreadableJobs, error::Result, model::JobKey};

pub use self::link::RedisUrl;
use self::{
    due::DueScan,
    link::Connection,
    names::{DUE_PROJECTS, PROJECTS, ProjectNames},
    notify::Hub,
    push_batcher::PushBatcher,
    registry::Registry,
};

/// A store on Redis, in whichever topology. Cheap to share; ends its connections when dropped.
#[derive(Debug)]
pub struct RedisStore {
    connection: Connection,
    push_batcher: PushBatcher,
    /// Projects that exist.
    projects: Registry,
    /// Projects that have something due.
    due_projects: Registry,
    due_scan: DueScan,
    /// Of changes of jobs and settings.
    hub: Hub,
    /// Of jobs' output.
    output_hub: Hub,
    /// Of reads of metadata.
    turns: Turns,
    /// Jobs that claims pass over.
    unreadable: UnreadableJobs<JobKey>,
}

/// Reads of several jobs with metadata that may be under way: of the largest, as many MiB as come
/// before what others ask on the same connection.
const METADATA_READS: usize = 8;

impl RedisStore {
    /// Tries for up to 10 s; refused credentials are an error at once.
    pub async fn connect(url: &RedisUrl) -> Result<Self> {
        let connection = Connection::open(url).await?;
        Ok(Self {
            push_batcher: PushBatcher::new(connection.clone()),
            projects: Registry::new(connection.clone(), PROJECTS),
            due_projects: Registry::new(connection.clone(), DUE_PROJECTS),
            due_scan: DueScan::new(),
            hub: Hub::new(connection.clone(), ProjectNames::notify),
            output_hub: Hub::new(connection.clone(), ProjectNames::notify_output),
            turns: Turns::new(METADATA_READS),
            unreadable: UnreadableJobs::default(),
            connection,
        })
    }
}
