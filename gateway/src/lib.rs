//! The HTTP/JSON paths of the Scrapy Cloud job APIs, each translated into one call of the
//! generated `spiderq.v1` service traits. Depends on the generated API alone: whether the
//! services live in this process or behind a channel ([`forward()`]) makes no difference.
//!
//! It translates and never decides: ranges, rights and rules are the services'.

mod answers;
mod auth;
mod call;
mod errors;
mod etag;
mod forward;
mod lines;
mod negotiation;
mod outer;
mod params;
mod patience;
mod render;
mod routes;
mod services;
mod strangers;

pub use forward::forward;
pub use outer::router;
pub use services::{Options, Services};
