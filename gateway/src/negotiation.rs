//! Whether a list goes out as JSON lines or as one JSON array (CONTRACT 2).

use http::{HeaderMap, header::ACCEPT};

use crate::{errors::Problem, params::Params};

/// The form of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// One object a line.
    Lines,
    /// One array.
    Array,
}

impl Form {
    /// `format=` decides, then `Accept`; lines when neither says.
    pub(crate) fn asked(params: &Params, headers: &HeaderMap) -> Result<Self, Problem> {
        match params.last("format") {
            Some("jl") => Ok(Self::Lines),
            Some("json") => Ok(Self::Array),
            Some(_) => Err(Problem::invalid("format", "must be json or jl")),
            None => Ok(Self::accepted(headers)),
        }
    }

    fn accepted(headers: &HeaderMap) -> Self {
        let mut types = headers
            .get_all(ACCEPT)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(','))
            .filter_map(|part| part.split(';').next())
            .map(|kind| kind.trim().to_ascii_lowercase());
        let known = types.find_map(|kind| match kind.as_str() {
            "application/json" => Some(Self::Array),
            "application/x-jsonlines" => Some(Self::Lines),
            _ => None,
        });
        known.unwrap_or(Self::Lines)
    }

    pub(crate) fn content_type(self) -> &'static str {
        match self {
            Self::Lines => "application/x-jsonlines",
            Self::Array => "application/json",
        }
    }

    /// What stands before the row of this index.
    pub(crate) fn before(self, index: u64) -> &'static str {
        match (self, index) {
            (Self::Lines, _) => "",
            (Self::Array, 0) => "[",
            (Self::Array, _) => ",",
        }
    }

    /// What stands after each row.
    pub(crate) fn after(self) -> &'static str {
        match self {
            Self::Lines => "\n",
            Self::Array => "",
        }
    }

    /// What ends a list of so many rows.
    pub(crate) fn end(self, rows: u64) -> &'static str {
        match (self, rows) {
            (Self::Lines, _) => "",
            (Self::Array, 0) => "[]",
            (Self::Array, _) => "]",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(query: &str, accept: &str) -> Form {
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT, accept.parse().unwrap());
        Form::asked(&Params::parse(query.as_bytes()), &headers).unwrap()
    }

    #[test]
    fn format_goes_before_accept_and_lines_are_the_default() {
        assert_eq!(asked("", "*/*"), Form::Lines);
        assert_eq!(asked("", "text/html, Application/JSON;q=0.9"), Form::Array);
        assert_eq!(asked("", "application/x-jsonlines, application/json"), Form::Lines);
        assert_eq!(asked("format=jl", "application/json"), Form::Lines);
        assert_eq!(asked("format=json", "*/*"), Form::Array);
    }
}
