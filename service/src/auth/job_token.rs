//! Job tokens: JWT, HS256 (`docs/contract.md`, 7), bound to one attempt of the job.

use std::fmt;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, Mac as _};
use serde::{Deserialize, Serialize};
use sha2::Sha256;

use super::{TokenSecrets, api_key::hmac};
use spiderq_core::model::JobKey;

/// The only header that is signed or accepted, so that a token can't name another algorithm.
const HEADER: &str = r#"{"alg":"HS256","typ":"JWT"}"#;

#[derive(Serialize, Deserialize)]
struct Claims {
    /// `job:P/S/J`.
    aud: String,
    /// The attempt of the job that the token was made for.
    attempt: u32,
}

/// Signs job tokens with one secret, and checks them with that and the one before it.
pub struct JobTokens {
    current: Hmac<Sha256>,
    previous: Option<Hmac<Sha256>>,
}

impl JobTokens {
    /// Tokens are valid as long as the secret that signed them is one of these.
    #[must_use]
    pub fn new(secrets: &TokenSecrets) -> Self {
        Self { current: hmac(secrets.current()), previous: secrets.previous().map(hmac) }
    }

    /// A token for the attempt with this number.
    #[must_use]
    pub fn sign(&self, job: JobKey, attempt: u32) -> String {
        let claims = serde_json::json!({"aud": format!("job:{job}"), "attempt": attempt});
        let head = URL_SAFE_NO_PAD.encode(HEADER);
        let body = URL_SAFE_NO_PAD.encode(claims.to_string());
        let signed = format!("{head}.{body}");
        let mut mac = self.current.clone();
        mac.update(signed.as_bytes());
        let signature = URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes());
        format!("{signed}.{signature}")
    }

    /// Job and attempt of a token that was signed with these secrets; `None` for any other text.
    /// It does not say whether the attempt still runs.
    #[must_use]
    pub fn check(&self, token: &str) -> Option<(JobKey, u32)> {
        let (signed, signature) = token.rsplit_once('.')?;
        let signature = URL_SAFE_NO_PAD.decode(signature).ok()?;
        let is_signed_with = |secret: &Hmac<Sha256>| {
            let mut mac = secret.clone();
            mac.update(signed.as_bytes());
            mac.verify_slice(&signature).is_ok()
        };
        if !is_signed_with(&self.current) && !self.previous.as_ref().is_some_and(is_signed_with) {
            return None;
        }
        let (head, body) = signed.split_once('.')?;
        if URL_SAFE_NO_PAD.decode(head).ok()? != HEADER.as_bytes() {
            return None;
        }
        let claims: Claims = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(body).ok()?).ok()?;
        let job = JobKey::parse(claims.aud.strip_prefix("job:")?).ok()?;
        Some((job, claims.attempt))
    }
}

impl fmt::Debug for JobTokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JobTokens(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "a secret of tokens";

    fn tokens(secrets: &str) -> JobTokens {
        JobTokens::new(&TokenSecrets::parse(secrets).unwrap())
    }

    #[test]
    fn a_token_of_the_secret_before_is_good_until_that_is_taken_away() {
        let job = JobKey::parse("53/7/81").unwrap();
        let old = "an older secret of tokens";
        let (before, both) = (tokens(old), tokens(&format!("{SECRET}\n{old}")));
        let after = tokens(SECRET);
        let (old, new) = (before.sign(job, 3), both.sign(job, 3));
        let good = |tokens: &JobTokens| [&old, &new].map(|token| tokens.check(token).is_some());
        assert_eq!(
            [&before, &both, &after].map(good),
            [[true, false], [true, true], [false, true]]
        );
    }

    fn token(secret: &[u8], header: &str, claims: &str) -> String {
        let signed =
            format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims));
        let mut mac = hmac(secret);
        mac.update(signed.as_bytes());
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes()))
    }

    #[test]
    fn a_token_says_its_job_and_attempt() {
        let tokens = tokens(SECRET);
        let job = JobKey::parse("53/7/81").unwrap();
        assert_eq!(tokens.check(&tokens.sign(job, 3)), Some((job, 3)));
    }

    #[test]
    fn tokens_of_other_secrets_algorithms_and_audiences_are_refused() {
        let tokens = tokens(SECRET);
        let good = r#"{"aud":"job:53/7/81","attempt":1}"#;
        assert!(tokens.check(&token(SECRET.as_bytes(), HEADER, good)).is_some());
        for (secret, header, claims) in [
            ("a secret of tokenS", HEADER, good),
            (SECRET, r#"{"alg":"none"}"#, good),
            (SECRET, r#"{"alg":"HS512"}"#, good),
            (SECRET, "{}", good),
            (SECRET, HEADER, r#"{"aud":"53/7/81","attempt":1}"#),
            (SECRET, HEADER, r#"{"aud":"job:53/7","attempt":1}"#),
            (SECRET, HEADER, r#"{"attempt":1}"#),
            (SECRET, HEADER, r#"{"aud":"job:53/7/81"}"#),
            (SECRET, HEADER, r#"{"aud":["job:53/7/81"],"attempt":1}"#),
        ] {
            assert_eq!(
                tokens.check(&token(secret.as_bytes(), header, claims)),
                None,
                "{header} {claims}"
            );
        }
    }

    #[test]
    fn damaged_tokens_are_refused() {
        let tokens = tokens(SECRET);
        let good = tokens.sign(JobKey::parse("53/7/81").unwrap(), 1);
        for at in 0..good.len() {
            let mut bad = good.clone();
            let other = if good.as_bytes()[at] == b'A' { "B" } else { "A" };
            bad.replace_range(at..=at, other);
            assert_eq!(tokens.check(&bad), None, "{at}");
        }
        assert_eq!(tokens.check(&good[..good.len() - 1]), None);
    }
}
