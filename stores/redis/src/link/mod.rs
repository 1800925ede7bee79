//! The way to Redis: one server, the master that Sentinels name, or a Cluster. Operations see
//! [`Connection`] alone, and how long anything may take.

mod cluster;
mod command;
mod connection;
mod packing;
mod reconnecting;
mod sentinel;
mod server;
mod slots;
mod url;

pub use self::url::RedisUrl;
pub(crate) use self::{
    command::Command,
    connection::{CALL_TIMEOUT, Connection, within},
    reconnecting::Link,
    url::refused,
};
