//! The path under which browsers see a server that shares its host with others.

use std::{fmt, str::FromStr, sync::Arc};

use http::{Uri, uri::PathAndQuery};

/// `/`, or a path that begins and ends with a slash, such as `/spiderq/`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BasePath(Arc<str>);

impl Default for BasePath {
    fn default() -> Self {
        Self(Arc::from("/"))
    }
}

impl BasePath {
    /// With its slashes.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The address without this path before it; `None` where there is nothing to take away. A proxy
    /// may take it away itself, so an address without it is good as it is.
    #[must_use]
    pub fn strip(&self, uri: &Uri) -> Option<Uri> {
        if &*self.0 == "/" {
            return None;
        }
        let name = self.0.trim_end_matches('/');
        let rest = uri.path().strip_prefix(name)?;
        let path = match rest {
            "" => "/",
            rest if rest.starts_with('/') => rest,
            _ => return None,
        };
        let text = match uri.query() {
            Some(query) => format!("{path}?{query}"),
            None => path.to_owned(),
        };
        let mut parts = uri.clone().into_parts();
        parts.path_and_query = Some(PathAndQuery::try_from(text).ok()?);
        Uri::from_parts(parts).ok()
    }
}

impl FromStr for BasePath {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let plain = |letter: u8| letter.is_ascii_alphanumeric() || b"._~-".contains(&letter);
        let is_segment =
            |part: &str| !part.is_empty() && part != "." && part != ".." && part.bytes().all(plain);
        let inner = text.strip_prefix('/').and_then(|rest| rest.strip_suffix('/'));
        if text == "/" || inner.is_some_and(|inner| inner.split('/').all(is_segment)) {
            return Ok(Self(Arc::from(text)));
        }
        let accepted = "must begin and end with / and have letters, digits and ._~- between";
        Err(format!("{accepted}, as /spiderq/"))
    }
}

impl fmt::Display for BasePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_base_path_has_slashes_at_both_ends() {
        for good in ["/", "/x/", "/tools/spiderq-2/"] {
            assert_eq!(good.parse::<BasePath>().unwrap().as_str(), good);
        }
        for bad in ["", "x", "/x", "x/", "//", "/x//", "/../", "/a b/", "/%41/", "/x/?y/"] {
            assert!(bad.parse::<BasePath>().is_err(), "{bad}");
        }
    }

    #[test]
    fn it_is_taken_away_where_it_stands() {
        let base: BasePath = "/x/".parse().unwrap();
        for (uri, stripped) in [
            ("/x", Some("/")),
            ("/x/", Some("/")),
            ("/x/p/1?q=/x/", Some("/p/1?q=/x/")),
            ("/x?a=1", Some("/?a=1")),
            ("/xy/p", None),
            ("/p/1", None),
            ("/", None),
        ] {
            let found = base.strip(&uri.parse().unwrap()).map(|uri| uri.to_string());
            assert_eq!(found.as_deref(), stripped, "{uri}");
        }
        assert_eq!(BasePath::default().strip(&"/x/".parse().unwrap()), None);
        let whole = base.strip(&"https://h/x/p".parse().unwrap()).unwrap();
        assert_eq!(whole.to_string(), "https://h/p");
    }
}
