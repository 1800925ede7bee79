//! The job runner: a gRPC client that takes jobs from a server and runs Scrapy spiders, scripts or
//! any other program for them (docs/runner.md).
//!
//! `startup_check` finds out whether jobs can be run here. `dispatch` decides which job to ask for
//! and `start_job` asks. `job` runs one job: `prepare` makes its folder and environment, `process`
//! follows its program, `heartbeat` keeps its lease, `output_sink` stores what it writes,
//! `output_sender` sends that, `finish` reports its end. `send_left` sends what killed runners have
//! left. `quick_failures` tells a job's failure from the runner's. `registration` tells the server
//! that this runner is there. The crate knows the server by `spiderq.v1` only; of `spiderq-core` it
//! uses the limits, the back-off, the causes of TLS failures and job keys.

mod allowed_environment;
mod become_program;
mod child;
mod client;
mod clock;
mod close_reason;
mod code_version;
mod context;
mod counters;
mod descendants;
mod dispatch;
mod display_width;
mod environment;
mod environment_frame;
mod error;
mod fifo;
mod find_program;
mod finish;
mod heartbeat;
mod job;
mod job_fields;
mod job_folder;
mod line_splitter;
mod live_view;
mod message;
mod output_files;
mod output_sender;
mod output_sink;
mod prepare;
mod printed;
mod private_files;
mod process;
mod python_json;
mod quick_failures;
mod registration;
mod resource_limits;
mod rotated_file;
mod scrapy_project;
mod send_left;
mod settings;
mod shutdown;
mod spool;
mod spool_record;
mod start_job;
mod startup_check;
mod supervise;
mod system;
mod tail;
mod template;
mod terminal;
mod users;

pub use allowed_environment::AllowedEnvironment;
pub use dispatch::run;
pub use error::RunnerError;
pub use resource_limits::ResourceLimits;
pub use scrapy_project::find_project;
pub use settings::{OnDrain, Settings, Work};
pub use supervise::{Supervise, supervise};
pub use system::host;
pub use template::Template;
pub use terminal::{LINE_BELOW, LogWriter};
pub use users::Users;
