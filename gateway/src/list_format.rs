//! A list goes out as JSON lines or as one JSON array, whichever the client asks for (contract 2).

use std::mem;

use http::{HeaderMap, header::ACCEPT};

use crate::{
    errors::Problem,
    params::Params,
    responses::{JSON, JSON_LINES},
};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ListFormat {
    JsonLines,
    JsonArray,
}

impl ListFormat {
    /// `format=` decides, then `Accept`; JSON lines where neither says.
    pub(crate) fn negotiate(params: &Params, headers: &HeaderMap) -> Result<Self, Problem> {
        match params.one("format")? {
            Some("jl") => Ok(Self::JsonLines),
            Some("json") => Ok(Self::JsonArray),
            Some(_) => Err(Problem::invalid("format", "must be json or jl")),
            None => Ok(Self::accepted(headers).unwrap_or(Self::JsonLines)),
        }
    }

    /// The first of the accepted types that is ours; weights (`q=`) are not compared.
    fn accepted(headers: &HeaderMap) -> Option<Self> {
        let values = headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok());
        let mut types = values.flat_map(|value| value.split(','));
        types.find_map(|accepted| {
            let media_type = accepted.split(';').next()?.trim().to_ascii_lowercase();
            [Self::JsonArray, Self::JsonLines]
                .into_iter()
                .find(|format| format.content_type() == media_type)
        })
    }

    pub(crate) const fn content_type(self) -> &'static str {
        match self {
            Self::JsonLines => JSON_LINES,
            Self::JsonArray => JSON,
        }
    }
}

/// Writes a list row by row.
#[derive(Debug)]
pub(crate) struct ListWriter {
    format: ListFormat,
    is_empty: bool,
    text: String,
}

impl ListWriter {
    pub(crate) const fn new(format: ListFormat) -> Self {
        Self { format, is_empty: true, text: String::new() }
    }

    pub(crate) fn row(&mut self, json: &str) {
        let (before, after) = match (self.format, self.is_empty) {
            (ListFormat::JsonLines, _) => ("", "\n"),
            (ListFormat::JsonArray, true) => ("[", ""),
            (ListFormat::JsonArray, false) => (",", ""),
        };
        self.text.extend([before, json, after]);
        self.is_empty = false;
    }

    /// Bytes that were written since the last `take`.
    pub(crate) const fn len(&self) -> usize {
        self.text.len()
    }

    /// What was written since the last `take`.
    pub(crate) fn take(&mut self) -> String {
        mem::take(&mut self.text)
    }

    /// What was written since the last `take`, and the end of the list.
    pub(crate) fn finish(self) -> String {
        let end = match (self.format, self.is_empty) {
            (ListFormat::JsonLines, _) => "",
            (ListFormat::JsonArray, true) => "[]",
            (ListFormat::JsonArray, false) => "]",
        };
        self.text + end
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn negotiated(query: &str, accept: &str) -> ListFormat {
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT, accept.parse().unwrap());
        ListFormat::negotiate(&Params::parse(query.as_bytes()), &headers).unwrap()
    }

    #[test]
    fn format_takes_precedence_over_accept_and_json_lines_are_the_default() {
        use ListFormat::{JsonArray, JsonLines};
        assert_eq!(negotiated("", "*/*"), JsonLines);
        assert_eq!(negotiated("", "text/html, Application/JSON;q=0.9"), JsonArray);
        assert_eq!(negotiated("", "application/x-jsonlines, application/json"), JsonLines);
        assert_eq!(negotiated("format=jl", "application/json"), JsonLines);
        assert_eq!(negotiated("format=json", "*/*"), JsonArray);
    }
}
