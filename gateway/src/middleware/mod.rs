//! What wraps every request. `router` stacks it around the routes.

pub(crate) mod accept_encoding;
pub(crate) mod cross_site;
pub(crate) mod no_store;
pub(crate) mod request_id;
pub(crate) mod timeout;
pub(crate) mod trailing_slash;
pub(crate) mod unauthenticated;
