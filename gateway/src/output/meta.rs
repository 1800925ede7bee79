//! `meta` and `nodata`: what is shown of a line beside its own text, or in place of it.

use spiderq_proto::v1::OutputKind;

use super::{Row, csv::names, json::Json};
use crate::{errors::Problem, params::Params};

/// A value that a row can have beside its data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Meta {
    Key,
    Time,
    Type,
}

/// What a row shows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Shown {
    meta: Vec<Meta>,
    no_data: bool,
}

impl Shown {
    /// `meta`, which may be repeated or a list with commas, and `nodata`.
    pub(crate) fn of(params: &Params) -> Result<Self, Problem> {
        let named = params.all("meta");
        let named = named.iter().flat_map(|list| names(list)).map(|name| match name.as_str() {
            "_key" => Ok(Meta::Key),
            "_ts" => Ok(Meta::Time),
            "_type" => Ok(Meta::Type),
            _ => Err(Problem::invalid("meta", "must be _key, _ts or _type")),
        });
        let mut meta = Vec::new();
        for one in named {
            let one = one?;
            if !meta.contains(&one) {
                meta.push(one);
            }
        }
        Ok(Self { meta, no_data: params.flag("nodata")? })
    }

    /// Appends the row as JSON text: that of the line, byte for byte, with what `meta` names at the
    /// end of the object. A line that is no object has no place for it.
    pub(super) fn write(&self, row: &Row<'_>, out: &mut Vec<u8>) {
        if self.meta.is_empty() && !self.no_data {
            return out.extend(row.line);
        }
        let mut added = String::new();
        // A key is asked for with nearly every list, and needs nothing of the line.
        let needs_line = self.meta.iter().any(|meta| *meta != Meta::Key);
        let line = if needs_line { Json::of(row.line) } else { Json::Null };
        Json::Object(self.values(row, &line)).write(&mut added);
        let line = row.line.trim_ascii();
        match line.strip_suffix(b"}") {
            _ if self.no_data => out.extend(added.as_bytes()),
            Some(object) if line.starts_with(b"{") && added != "{}" => {
                out.extend(object);
                out.extend(if object.trim_ascii() == b"{" { &b""[..] } else { b"," });
                out.extend(&added.as_bytes()[1..]);
            }
            _ => out.extend(row.line),
        }
    }

    /// The same as a tree.
    pub(super) fn tree<'a>(&self, row: &Row<'a>) -> Json<'a> {
        let line = Json::of(row.line);
        let values = self.values(row, &line);
        let Json::Object(mut fields) = line else {
            return if self.no_data { Json::Object(values) } else { line };
        };
        if self.no_data {
            fields.clear();
        }
        fields.extend(values);
        Json::Object(fields)
    }

    /// What `meta` names and the line has no field for already.
    fn values<'a>(
        &self,
        row: &Row<'_>,
        line: &Json<'a>,
    ) -> Vec<(std::borrow::Cow<'a, str>, Json<'a>)> {
        let values = self.meta.iter().filter_map(|meta| match meta {
            Meta::Key => Some(("_key".into(), Json::Text(row.key().into()))),
            Meta::Time => Some(("_ts".into(), time(row.kind, line)?)),
            Meta::Type if self.no_data => Some(("_type".into(), line.field("_type")?.clone())),
            Meta::Type => None,
        });
        values.collect()
    }
}

/// When a line came about, as it says itself: the service keeps no time of each line.
fn time<'a>(kind: OutputKind, line: &Json<'a>) -> Option<Json<'a>> {
    let time = match (kind, line) {
        (OutputKind::Samples, Json::Array(values)) => values.first(),
        (OutputKind::Logs | OutputKind::Requests, line) => line.field("time"),
        (OutputKind::Unspecified | OutputKind::Items | OutputKind::Samples, _) => None,
    };
    time.filter(|time| matches!(time, Json::Number(_))).cloned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(query: &str, kind: OutputKind, line: &str) -> String {
        let shown = Shown::of(&Params::parse(query.as_bytes())).unwrap();
        let row = Row { kind, job: "1/2/3", offset: 7, line: line.as_bytes() };
        let mut text = Vec::new();
        shown.write(&row, &mut text);
        let mut tree = String::new();
        shown.tree(&row).write(&mut tree);
        let text = String::from_utf8(text).unwrap();
        assert_eq!(text.replace(' ', ""), tree.replace(' ', ""));
        text
    }

    #[test]
    fn meta_is_added_to_the_text_of_the_line() {
        use OutputKind::{Items, Logs, Requests, Samples};
        let log = r#"{ "message": "m", "level": 20, "time": 5.0 }"#;
        for (query, kind, line, expected) in [
            ("", Items, r#"{"a": 1.0}"#, r#"{"a": 1.0}"#),
            ("meta=_key", Items, r#"{"a": 1.0}"#, r#"{"a": 1.0,"_key":"1/2/3/7"}"#),
            ("meta=_key", Items, "{ }", r#"{ "_key":"1/2/3/7"}"#),
            ("meta=_key&nodata=1", Items, r#"{"a":1}"#, r#"{"_key":"1/2/3/7"}"#),
            ("nodata=1", Items, r#"{"a":1}"#, "{}"),
            ("meta=_ts", Items, r#"{"time":1}"#, r#"{"time":1}"#),
            ("meta=_ts,_type", Requests, r#"{"time":1}"#, r#"{"time":1,"_ts":1}"#),
            (
                "meta=_key,_ts&meta=_key",
                Logs,
                log,
                &log.replace(" }", " ,\"_key\":\"1/2/3/7\",\"_ts\":5.0}"),
            ),
            ("meta=_type", Items, r#"{"_type":"Book"}"#, r#"{"_type":"Book"}"#),
            ("meta=_type&nodata=1", Items, r#"{"_type":"Book"}"#, r#"{"_type":"Book"}"#),
            ("meta=_key", Samples, "[5,1]", "[5,1]"),
            ("meta=_key,_ts&nodata=1", Samples, "[5,1]", r#"{"_key":"1/2/3/7","_ts":5}"#),
        ] {
            assert_eq!(shown(query, kind, line), expected, "{query} {line}");
        }
    }

    #[test]
    fn other_names_are_refused() {
        let refused = Shown::of(&Params::parse(b"meta=_key,_hash")).unwrap_err();
        assert_eq!(refused.into_message(), "meta: must be _key, _ts or _type");
    }
}
