//! Responses that nobody may keep: those that hold a secret, and those to a URL that holds one.

use axum::{extract::Request, middleware::Next, response::Response};
use http::{HeaderValue, Uri, header::CACHE_CONTROL};

use crate::{auth::API_KEY, params::Params};

pub(crate) async fn mark(request: Request, next: Next) -> Response {
    let is_secret = is_secret(request.uri());
    let mut response = next.run(request).await;
    if is_secret {
        response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
    response
}

/// A job's token, the start that gives one, or any path with `?apikey=`.
fn is_secret(uri: &Uri) -> bool {
    let path = uri.path().trim_end_matches('/');
    let gives_token = (path.starts_with("/jobs/") && path.ends_with("/auth"))
        || (path.starts_with("/jobq/") && path.ends_with("/startjob"));
    let query = uri.query().unwrap_or_default();
    gives_token || Params::parse(query.as_bytes()).take(API_KEY).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_and_urls_with_a_key_are_secret() {
        for (uri, secret) in [
            ("/jobs/1/2/3/auth", true),
            ("/jobs/1/2/3/auth/", true),
            ("/jobq/1/startjob", true),
            ("/jobq/1/count?state=pending&apikey=K", true),
            ("/jobq/1/count", false),
            ("/jobs/1/2/3", false),
            ("/jobs/1/2/3/close_reason?x=apikey", false),
        ] {
            assert_eq!(is_secret(&uri.parse().unwrap()), secret, "{uri}");
        }
    }
}
