//! The job runner: a gRPC client that takes jobs from a server and runs real Scrapy spiders,
//! scripts, or any other program for them.
//!
//! `dispatch` asks for jobs, `job` has one in its hands, `crawl` follows its program, `pulse`
//! keeps the server's hold of it; the others are parts of these. Nothing here knows how the
//! server works: only `spiderq.v1`.

mod child;
mod clock;
mod context;
mod counts;
mod crawl;
mod dispatch;
mod environment;
mod files;
mod finish;
mod folder;
mod job;
mod json;
mod lines;
mod message;
mod outcome;
mod output;
mod pause;
mod phase;
mod project;
mod pulse;
mod queue;
mod record;
mod settings;
mod supervise;
mod system;
mod template;
mod terminal;
mod version;

pub use dispatch::{Failure, run};
pub use project::find_project;
pub use settings::{Settings, Work};
pub use supervise::{Supervise, supervise};
pub use template::Template;
pub use terminal::LogWriter;
