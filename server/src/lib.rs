//! The spiderq server: an accept loop with limits, TLS, CORS, health and shutdown, which puts
//! the gRPC services and the HTTP gateway on one listener. No rules of jobs belong here, and
//! no command line: settings come as plain structs.

mod access_log;
mod app;
mod body_timeout;
mod certificates;
mod cors;
mod error;
mod gateway;
mod grpc;
mod health;
mod hidden_process;
mod listen;
mod memory;
mod network;
mod open_files;
pub mod output_check;
pub mod output_url;
mod public_paths;
mod serve;
mod server;
mod stall_timer;
pub mod store_url;
#[cfg(test)]
mod test_services;
mod tls;
mod trusted_user;
mod upstream_calls;

pub use error::Error;
pub use gateway::{GatewayOptions, start_gateway};
pub use hidden_process::hide_process;
pub use listen::Limits;
pub use memory::default_body_memory;
pub use network::{ClientAuth, Network, Page, TlsFiles};
pub use open_files::raise_open_file_limit;
pub use serve::{ServeOptions, start};
pub use server::Server;
pub use spiderq_gateway::BasePath;
pub use spiderq_service::ServiceOptions;
pub use tls::{ClientTls, client_endpoint, install_crypto_provider};
pub use trusted_user::{Addresses, TrustedUser};
