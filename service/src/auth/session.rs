//! Sessions of browsers: an API key by its digest and the time at which it ends, signed with the
//! installation's secret. Nothing is stored: a session is good while its API key is.

use std::fmt;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, Mac as _};
use serde::{Deserialize, Serialize};
use sha2::Sha256;

use super::{Auth, Credentials, api_key::hmac};
use spiderq_core::{
    error::{Error, Result},
    model::Millis,
};

/// What a session begins with: neither an API key nor a job token does.
const PREFIX: &str = "spiderq-session.";

/// Whose session it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Holder {
    /// The API key with this digest: without the installation's secret it leads to no key, and its
    /// first characters are the key's id.
    Key(String),
    /// A user whom a trusted proxy names. Such a session never leaves the process.
    User(String),
}

#[derive(Serialize, Deserialize)]
struct Claims {
    #[serde(flatten)]
    holder: Holder,
    /// When the session ends, ms since the Unix epoch.
    exp: u64,
}

/// A session that was made. Its text is a secret.
pub struct MadeSession {
    /// Goes in place of the API key.
    pub text: String,
    /// When it ends.
    pub end: Millis,
    /// How long that is from when it was made, ms.
    pub lifetime_ms: u64,
}

/// Signs sessions and checks them.
pub(super) struct Sessions {
    secret: Hmac<Sha256>,
    /// How long a session is good, ms.
    pub(super) lifetime_ms: u64,
}

impl Sessions {
    /// `secret` is the installation's.
    pub(super) fn new(secret: &[u8; 32], lifetime_ms: u64) -> Self {
        Self { secret: hmac(&[b"sessions ".as_slice(), secret].concat()), lifetime_ms }
    }

    /// Whether `text` is meant to be a session.
    pub(super) fn is_like(text: &str) -> bool {
        text.starts_with(PREFIX)
    }

    pub(super) fn sign(&self, holder: Holder, end: Millis) -> Result<String> {
        let claims = Claims { holder, exp: end.0 };
        let claims = serde_json::to_vec(&claims).map_err(Error::bug)?;
        let signed = format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(claims));
        let signature = URL_SAFE_NO_PAD.encode(self.mac(&signed).finalize().into_bytes());
        Ok(format!("{signed}.{signature}"))
    }

    /// Whose a session is, and when it ends; `None` where it has ended by `now`, and for any other
    /// text. It does not say whether its holder is still good.
    pub(super) fn check(&self, session: &str, now: Millis) -> Option<(Holder, Millis)> {
        let (signed, signature) = session.rsplit_once('.')?;
        let signature = URL_SAFE_NO_PAD.decode(signature).ok()?;
        self.mac(signed).verify_slice(&signature).ok()?;
        let claims = URL_SAFE_NO_PAD.decode(signed.strip_prefix(PREFIX)?).ok()?;
        let claims: Claims = serde_json::from_slice(&claims).ok()?;
        (now.0 < claims.exp).then_some((claims.holder, Millis(claims.exp)))
    }

    fn mac(&self, signed: &str) -> Hmac<Sha256> {
        let mut mac = self.secret.clone();
        mac.update(signed.as_bytes());
        mac
    }
}

impl fmt::Debug for MadeSession {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MadeSession(…)")
    }
}

impl Auth {
    /// A session for the bearer of `credentials`, which ends with its API key at the latest.
    /// Only an API key itself makes one, so that none can be had again and again of another.
    pub async fn create_session(&self, credentials: Option<Credentials>) -> Result<MadeSession> {
        let key = match credentials.ok_or(Error::Unauthenticated)? {
            Credentials::Key(key) => key,
            Credentials::Session(_) | Credentials::Token { .. } => {
                return Err(Error::forbidden("a session is made with an API key"));
            }
        };
        let digest = self.hasher.digest(&key);
        let record = self.record_in_use(&digest).await?;
        let now = self.clock.now().0;
        let end = now + self.sessions.lifetime_ms;
        let end = Millis(record.expires.map_or(end, |expires| expires.min(end)));
        let text = self.sessions.sign(Holder::Key(digest.0), end)?;
        Ok(MadeSession { text, end, lifetime_ms: end.0.saturating_sub(now) })
    }

    /// When a session ends; `None` for other credentials.
    #[must_use]
    pub fn session_end(&self, credentials: Option<&Credentials>) -> Option<Millis> {
        match credentials {
            Some(Credentials::Session(session)) => Some(self.session(session).ok()?.1),
            Some(Credentials::Key(_) | Credentials::Token { .. }) | None => None,
        }
    }

    pub(super) fn session(&self, session: &str) -> Result<(Holder, Millis)> {
        self.sessions.check(session, self.clock.now()).ok_or(Error::Unauthenticated)
    }
}

impl fmt::Debug for Sessions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sessions(…)")
    }
}

#[cfg(test)]
mod tests {
    use spiderq_core::limits::MAX_SESSION_BYTES;

    use super::*;

    fn key() -> Holder {
        Holder::Key("0123abcd".repeat(8))
    }

    #[test]
    fn a_session_is_good_until_its_end() {
        let sessions = Sessions::new(&[7; 32], 0);
        let end = Millis(1_800_000_000_000);
        let session = sessions.sign(key(), end).unwrap();
        assert!(Sessions::is_like(&session) && session.len() <= MAX_SESSION_BYTES, "{session}");
        assert_eq!(sessions.check(&session, Millis(end.0 - 1)), Some((key(), end)));
        assert_eq!(sessions.check(&session, end), None);
    }

    #[test]
    fn a_user_is_no_key_of_the_same_text() {
        let sessions = Sessions::new(&[7; 32], 0);
        for holder in [Holder::User("ann é".to_owned()), Holder::Key("ann é".to_owned())] {
            let session = sessions.sign(holder.clone(), Millis(1)).unwrap();
            assert_eq!(sessions.check(&session, Millis(0)), Some((holder, Millis(1))));
        }
    }

    #[test]
    fn sessions_that_were_changed_or_signed_elsewhere_are_none() {
        let (sessions, other) = (Sessions::new(&[7; 32], 0), Sessions::new(&[8; 32], 0));
        let end = Millis(1_000);
        let good = sessions.sign(key(), end).unwrap();
        assert_eq!(sessions.check(&other.sign(key(), end).unwrap(), Millis(0)), None);
        for at in 0..good.len() {
            let mut bad = good.clone();
            let letter = if good.as_bytes()[at] == b'A' { "B" } else { "A" };
            bad.replace_range(at..=at, letter);
            assert_eq!(sessions.check(&bad, Millis(0)), None, "{at}");
        }
        for bad in ["", ".", "spiderq-session.", "spiderq-session..", &good[..good.len() - 1]] {
            assert_eq!(sessions.check(bad, Millis(0)), None, "{bad}");
        }
    }
}
