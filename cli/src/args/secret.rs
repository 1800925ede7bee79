//! Values of flags that neither logs nor panics may show.

use std::fmt;

use crate::error::Error;

/// A key, a password, or a text that may hold one, such as a store's URL.
#[derive(Clone)]
pub(crate) struct Secret(String);

impl Secret {
    pub(crate) fn expose(&self) -> &str {
        &self.0
    }

    pub(crate) fn into_inner(self) -> String {
        self.0
    }

    /// The API key in `key`, which must not be missing or empty. `flags` says where it is set.
    pub(crate) fn required<'a>(
        key: Option<&'a Self>,
        flags: &str,
        role: &str,
    ) -> Result<&'a str, Error> {
        key.map(Self::expose)
            .filter(|key| !key.is_empty())
            .ok_or_else(|| Error::new(format!("{flags} is required: an API key of role {role}")))
    }
}

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}
