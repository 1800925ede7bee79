//! What wraps every request. `router` stacks it around the routes.

pub(crate) mod request_id;
pub(crate) mod timeout;
pub(crate) mod trailing_slash;
pub(crate) mod unauthenticated;
