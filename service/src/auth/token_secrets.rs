//! The secrets of `--token-secret`.

use std::fmt;

use spiderq_core::{
    error::{Error, Result},
    limits::MIN_TOKEN_SECRET_BYTES,
};

/// The secret that signs job tokens, and while it takes the place of another one that one too, so
/// that tokens of running jobs stay good.
pub struct TokenSecrets {
    current: Vec<u8>,
    previous: Option<Vec<u8>>,
}

impl TokenSecrets {
    /// One line, or two: the current secret and the one before.
    pub fn parse(text: &str) -> Result<Self> {
        let invalid = |accepted: String| Err(Error::invalid("token-secret", accepted));
        let lines: Vec<&str> = text.lines().collect();
        let (current, previous) = match lines[..] {
            [current] => (current, None),
            [current, previous] => (current, Some(previous)),
            _ => return invalid("must be one line, or two: the new secret and the old".to_owned()),
        };
        if lines.iter().any(|secret| secret.len() < MIN_TOKEN_SECRET_BYTES) {
            return invalid(format!("must be at least {MIN_TOKEN_SECRET_BYTES} bytes"));
        }
        let bytes = |text: &str| text.as_bytes().to_vec();
        Ok(Self { current: bytes(current), previous: previous.map(bytes) })
    }

    /// One that every process on a store can derive of the secret that it keeps.
    pub(super) fn of_store(secret: &[u8; 32]) -> Self {
        Self { current: [b"job tokens ".as_slice(), secret].concat(), previous: None }
    }

    pub(super) fn current(&self) -> &[u8] {
        &self.current
    }

    pub(super) fn previous(&self) -> Option<&[u8]> {
        self.previous.as_deref()
    }
}

impl fmt::Debug for TokenSecrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenSecrets(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_a_line_and_the_one_before_it_another() {
        let parsed = |text: &str| {
            let secrets = TokenSecrets::parse(text).map_err(|error| error.to_string())?;
            let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
            Ok::<_, String>((text(secrets.current()), secrets.previous().map(text)))
        };
        let (one, two) = ("0123456789abcdef", "fedcba9876543210 äö");
        for text in [one.to_owned(), format!("{one}\n"), format!("{one}\r\n")] {
            assert_eq!(parsed(&text), Ok((one.to_owned(), None)));
        }
        let both = Ok((one.to_owned(), Some(two.to_owned())));
        assert_eq!(parsed(&format!("{one}\n{two}\n")), both);
        let short = "token-secret: must be at least 16 bytes";
        let lines = "token-secret: must be one line, or two: the new secret and the old";
        for (text, error) in [
            ("", lines),
            ("short", short),
            (&format!("{one}\nshort"), short),
            (&format!("{one}\n\n"), short),
            (&format!("{one}\n{two}\n{one}"), lines),
        ] {
            assert_eq!(parsed(text), Err(error.to_owned()), "{text:?}");
        }
    }
}
