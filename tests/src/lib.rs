//! The whole spiderq stack on real ports, with real clients; fault and load programs.

pub mod redis_server;
