//! Credentials as they come in an `authorization` header.

use base64::{Engine as _, engine::general_purpose::STANDARD};

use super::ApiKey;
use crate::model::JobKey;

/// What a call came with. `Debug` shows no secret.
#[derive(Clone)]
pub enum Credentials {
    /// An API key.
    Key(ApiKey),
    /// A job token, and the job named beside it.
    Token {
        /// User name of `Basic`.
        job: Option<JobKey>,
        /// The token.
        token: String,
    },
}

impl Credentials {
    /// `Basic KEY:`, `Basic JOBKEY:TOKEN`, `Bearer KEY` or `Bearer TOKEN`. `None` for
    /// anything else.
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
        let (user, password) = decoded.split_once(':')?;
        match JobKey::parse(user) {
            Ok(job) => Self::bearer(Some(job), password),
            Err(_) => ApiKey::parse(user).map(Self::Key),
        }
    }

    fn bearer(job: Option<JobKey>, text: &str) -> Option<Self> {
        if text.contains('.') {
            return Some(Self::Token {
                job,
                token: text.to_owned(),
            });
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
