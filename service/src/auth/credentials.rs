//! Credentials in an `authorization` header.

use base64::{Engine as _, engine::general_purpose::STANDARD};

use super::{ApiKey, session::Sessions};
use spiderq_core::model::JobKey;

/// An API key or job token, not checked yet. `Debug` shows no secret.
#[derive(Clone)]
pub enum Credentials {
    /// An API key, as user name of `Basic` or alone with `Bearer`.
    Key(ApiKey),
    /// A job token, and the job that was named beside it.
    Token {
        /// The user name of `Basic`; `None` with `Bearer`.
        job: Option<JobKey>,
        /// Not checked yet.
        token: String,
    },
    /// A browser's session, with `Bearer`. Not checked yet.
    Session(String),
}

impl Credentials {
    /// `Basic KEY:`, `Basic KEY`, `Basic JOBKEY:TOKEN`, `Bearer KEY`, `Bearer TOKEN` or
    /// `Bearer SESSION`. `None` for anything else.
    #[must_use]
    pub fn parse(header: &str) -> Option<Self> {
        let (scheme, rest) = header.split_once(' ')?;
        let rest = rest.trim();
        if scheme.eq_ignore_ascii_case("bearer") {
            return Self::bearer(None, rest);
        }
        if !scheme.eq_ignore_ascii_case("basic") {
            return None;
        }
        let decoded = String::from_utf8(STANDARD.decode(rest).ok()?).ok()?;
        // Some clients leave out the colon where there is no password.
        let (user, password) = decoded.split_once(':').unwrap_or((&decoded, ""));
        match JobKey::parse(user) {
            Ok(job) => Self::bearer(Some(job), password),
            Err(_) => ApiKey::parse(user).map(Self::Key),
        }
    }

    fn bearer(job: Option<JobKey>, text: &str) -> Option<Self> {
        if job.is_none() && Sessions::is_like(text) {
            return Some(Self::Session(text.to_owned()));
        }
        if text.contains('.') {
            return Some(Self::Token { job, token: text.to_owned() });
        }
        match job {
            Some(_) => None,
            None => ApiKey::parse(text).map(Self::Key),
        }
    }
}

impl std::fmt::Debug for Credentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Credentials(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "0123456789abcdef0123456789abcdef";

    fn basic(text: &str) -> Option<Credentials> {
        Credentials::parse(&format!("Basic {}", STANDARD.encode(text)))
    }

    #[test]
    fn api_keys_come_as_basic_or_bearer() {
        for found in [
            basic(&format!("{KEY}:")),
            basic(KEY),
            basic(&format!("{}:", KEY.to_uppercase())),
            Credentials::parse(&format!("Bearer {KEY}")),
            Credentials::parse(&format!("bearer  {KEY}")),
        ] {
            let Some(Credentials::Key(key)) = found else {
                panic!("no key: {found:?}");
            };
            assert_eq!(key.expose(), KEY);
        }
    }

    #[test]
    fn job_tokens_come_with_their_job_or_alone() {
        let job = JobKey::parse("53/7/81").ok();
        for (found, named) in
            [(basic("53/7/81:a.b.c"), job), (Credentials::parse("Bearer a.b.c"), None)]
        {
            let Some(Credentials::Token { job, token }) = found else {
                panic!("no token: {found:?}");
            };
            assert_eq!((job, token.as_str()), (named, "a.b.c"));
        }
    }

    #[test]
    fn sessions_come_as_bearers_alone() {
        let found = Credentials::parse("Bearer spiderq-session.a.b");
        assert!(matches!(found, Some(Credentials::Session(text)) if text == "spiderq-session.a.b"));
        assert!(basic("spiderq-session.a.b:").is_none());
        let token = basic("53/7/81:spiderq-session.a.b");
        assert!(matches!(token, Some(Credentials::Token { .. })));
    }

    #[test]
    fn all_other_headers_are_no_credentials() {
        for header in ["", "Basic", "Basic !", "Digest x", "Bearer ", "Bearer 123", KEY] {
            assert!(Credentials::parse(header).is_none(), "{header}");
        }
        for text in ["", ":", "key:", "53/7/81", "53/7/81:", &format!("53/7/81:{KEY}")] {
            assert!(basic(text).is_none(), "{text}");
        }
    }
}
