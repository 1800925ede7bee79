//! The HTTP/JSON paths of the Scrapy Cloud job APIs, each translated into calls of the
//! generated `spiderq.v1` service traits. It makes no difference whether the services live in
//! this process or behind a channel ([`upstream()`]).
//!
//! The gateway checks the form of a request only: ranges, rights and rules are up to the
//! services. Comments name sections of docs/contract.md, such as "contract 4".

mod accepted_values;
mod auth;
mod body;
mod call;
mod content_encoding;
mod errors;
mod etag;
mod form;
mod json_fields;
mod json_lines;
mod known_callers;
mod list_format;
mod middleware;
mod output;
mod params;
mod render;
mod responses;
mod router;
mod routes;
mod services;
mod spider_ref;
mod upstream;
mod web;

pub use body::find_timeout;
pub use errors::refusal;
pub use middleware::{cross_site::Origins, unauthenticated::PUBLIC_PATHS};
pub use router::router;
pub use services::{Options, Services};
pub use upstream::upstream;
pub use web::{BasePath, GivenToAnybody, PageOptions, use_ambient, use_session};
