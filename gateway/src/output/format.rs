//! The format of a list of lines, and the writer of each format.

use std::mem;

use http::{HeaderMap, header::ACCEPT};
use spiderq_proto::v1::OutputKind;

use super::{Row, csv::Csv, json::Json, kind_name, meta::Shown, msgpack, xml};
use crate::{
    errors::Problem,
    params::Params,
    render::log_time,
    responses::{JSON, JSON_LINES},
};

const MSGPACK: &str = "application/x-msgpack";
/// Columns of a table of log lines.
const LOG_FIELDS: [&str; 3] = ["time", "level", "message"];

/// How lines are written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    JsonLines,
    JsonArray,
    Csv(Csv),
    Xml,
    /// Log lines as people read them.
    Text,
    /// Objects one after the other.
    MsgPack,
}

impl Format {
    /// Whether more lines only add to the end of what there was.
    pub(crate) const fn only_grows(&self) -> bool {
        match self {
            Self::JsonLines | Self::Csv(_) | Self::Text | Self::MsgPack => true,
            Self::JsonArray | Self::Xml => false,
        }
    }

    /// `format=` decides, then `Accept`; JSON lines where neither says.
    pub(crate) fn negotiate(
        kind: OutputKind,
        params: &Params,
        headers: &HeaderMap,
    ) -> Result<Self, Problem> {
        match params.one("format")? {
            Some(name) => Self::named(kind, name, params),
            None => Self::named(kind, accepted(kind, headers).unwrap_or("jl"), params),
        }
    }

    /// The format that clients know by this name.
    pub(crate) fn named(kind: OutputKind, name: &str, params: &Params) -> Result<Self, Problem> {
        // Looked at in any format, so that a bad value is refused in any.
        let mut csv = Csv::of(params)?;
        match name {
            "jl" => Ok(Self::JsonLines),
            "json" => Ok(Self::JsonArray),
            "csv" if kind != OutputKind::Samples => {
                if csv.fields.is_empty() && kind == OutputKind::Logs {
                    csv.fields = LOG_FIELDS.map(str::to_owned).into();
                }
                Ok(Self::Csv(csv))
            }
            "xml" => Ok(Self::Xml),
            "text" if kind == OutputKind::Logs => Ok(Self::Text),
            "msgpack" => Ok(Self::MsgPack),
            _ => Err(Problem::invalid(
                "format",
                match kind {
                    OutputKind::Logs => "must be jl, json, csv, xml, text or msgpack",
                    OutputKind::Samples => "must be jl, json, xml or msgpack",
                    OutputKind::Items | OutputKind::Requests | OutputKind::Unspecified => {
                        "must be jl, json, csv, xml or msgpack"
                    }
                },
            )),
        }
    }

    /// With the character set where clients would assume another one.
    pub(crate) const fn content_type(&self) -> &'static str {
        match self {
            Self::JsonLines => JSON_LINES,
            Self::JsonArray => JSON,
            Self::Csv(_) => "text/csv; charset=utf-8",
            Self::Xml => "application/xml",
            Self::Text => "text/plain; charset=utf-8",
            Self::MsgPack => MSGPACK,
        }
    }
}

/// The first of the accepted types that is ours; weights (`q=`) are not compared. A browser accepts
/// XML among others, but its user wants to read.
fn accepted(kind: OutputKind, headers: &HeaderMap) -> Option<&'static str> {
    let values = headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok());
    let types: Vec<String> = values
        .flat_map(|value| value.split(','))
        .filter_map(|accepted| Some(accepted.split(';').next()?.trim().to_ascii_lowercase()))
        .collect();
    let is_browser = types.iter().any(|accepted| accepted == "text/html");
    types.iter().find_map(|accepted| match accepted.as_str() {
        JSON_LINES => Some("jl"),
        JSON => Some("json"),
        MSGPACK | "application/msgpack" | "application/vnd.msgpack" => Some("msgpack"),
        "text/csv" if kind != OutputKind::Samples => Some("csv"),
        "application/xml" | "text/xml" if !is_browser => Some("xml"),
        "text/plain" if kind == OutputKind::Logs => Some("text"),
        _ => None,
    })
}

/// Writes lines in one format.
#[derive(Debug)]
pub(crate) struct Writer {
    kind: OutputKind,
    format: Format,
    shown: Shown,
    is_empty: bool,
    out: Vec<u8>,
}

impl Writer {
    pub(crate) fn new(kind: OutputKind, format: Format, shown: Shown) -> Self {
        let mut head = String::new();
        match &format {
            Format::Csv(csv) => csv.write_header(&mut head),
            Format::Xml => {
                let name = kind_name(kind);
                head = format!("<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<{name}>\n");
            }
            Format::JsonLines | Format::JsonArray | Format::Text | Format::MsgPack => {}
        }
        Self { kind, format, shown, is_empty: true, out: head.into_bytes() }
    }

    pub(crate) fn row(&mut self, row: &Row<'_>) {
        let mut text = String::new();
        match &self.format {
            Format::JsonLines => {
                self.shown.write(row, &mut self.out);
                self.out.push(b'\n');
            }
            Format::JsonArray => {
                self.out.push(if self.is_empty { b'[' } else { b',' });
                self.shown.write(row, &mut self.out);
            }
            Format::Csv(csv) => csv.write_row(&self.shown.tree(row), &mut text),
            Format::Xml => {
                xml::write(&self.shown.tree(row), &mut text);
                text.push('\n');
            }
            Format::Text => write_log(&Json::of(row.line), &mut text),
            Format::MsgPack => msgpack::write(&self.shown.tree(row), &mut self.out),
        }
        self.out.extend(text.as_bytes());
        self.is_empty = false;
    }

    /// Bytes that were written since the last `take`.
    pub(crate) const fn len(&self) -> usize {
        self.out.len()
    }

    /// What was written since the last `take`.
    pub(crate) fn take(&mut self) -> Vec<u8> {
        mem::take(&mut self.out)
    }

    /// What was written since the last `take`, and the end of the list.
    pub(crate) fn finish(mut self) -> Vec<u8> {
        match (&self.format, self.is_empty) {
            (Format::JsonArray, true) => self.out.extend(b"[]"),
            (Format::JsonArray, false) => self.out.push(b']'),
            (Format::Xml, _) => {
                self.out.extend(format!("</{}>\n", kind_name(self.kind)).as_bytes())
            }
            (Format::JsonLines | Format::Csv(_) | Format::Text | Format::MsgPack, _) => {}
        }
        self.out
    }
}

/// `2019-08-20 14:36:40 INFO message`.
fn write_log(line: &Json<'_>, out: &mut String) {
    let number = |name| match line.field(name) {
        Some(Json::Number(text)) => text.parse::<f64>().unwrap_or_default() as i64,
        _ => 0,
    };
    let level = match number("level") {
        10 => "DEBUG".to_owned(),
        20 => "INFO".to_owned(),
        30 => "WARNING".to_owned(),
        40 => "ERROR".to_owned(),
        50 => "CRITICAL".to_owned(),
        other => other.to_string(),
    };
    let message = line.field("message").unwrap_or(line).plain();
    out.extend([&log_time(number("time")), " ", &level, " ", &message, "\n"]);
}

#[cfg(test)]
mod tests {
    use super::*;
    use OutputKind::{Items, Logs, Requests, Samples};

    fn negotiated(kind: OutputKind, query: &str, accept: &str) -> Result<&'static str, String> {
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT, accept.parse().unwrap());
        let format = Format::negotiate(kind, &Params::parse(query.as_bytes()), &headers);
        format.map(|format| format.content_type()).map_err(Problem::into_message)
    }

    #[test]
    fn format_takes_precedence_over_accept_and_json_lines_are_the_default() {
        let browser = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";
        for (kind, query, accept, expected) in [
            (Items, "", "*/*", JSON_LINES),
            (Items, "", "application/x-msgpack", MSGPACK),
            (Items, "format=jl", "application/x-msgpack", JSON_LINES),
            (Items, "", "image/png, Application/JSON;q=0.9", JSON),
            (Items, "", "text/csv", "text/csv; charset=utf-8"),
            (Samples, "", "text/csv", JSON_LINES),
            (Items, "", "application/xml", "application/xml"),
            (Items, "", browser, JSON_LINES),
            (Items, "format=xml", browser, "application/xml"),
            (Logs, "", "text/plain", "text/plain; charset=utf-8"),
            (Items, "", "text/plain", JSON_LINES),
            (Requests, "format=msgpack", "*/*", MSGPACK),
        ] {
            assert_eq!(
                negotiated(kind, query, accept).as_deref(),
                Ok(expected),
                "{query} {accept}"
            );
        }
        for (kind, query, formats) in [
            (Items, "format=text", "jl, json, csv, xml or msgpack"),
            (Logs, "format=html", "jl, json, csv, xml, text or msgpack"),
            (Samples, "format=csv", "jl, json, xml or msgpack"),
        ] {
            let refused = negotiated(kind, query, "*/*").unwrap_err();
            assert_eq!(refused, format!("format: must be {formats}"));
        }
    }

    fn written(kind: OutputKind, query: &str, lines: &[&str]) -> String {
        let params = Params::parse(query.as_bytes());
        let format = Format::negotiate(kind, &params, &HeaderMap::new()).unwrap();
        let mut writer = Writer::new(kind, format, Shown::of(&params).unwrap());
        for (offset, line) in (0..).zip(lines) {
            writer.row(&Row { kind, job: "1/2/3", offset, line: line.as_bytes() });
        }
        String::from_utf8(writer.finish()).unwrap()
    }

    #[test]
    fn every_format_has_its_begin_and_end() {
        let lines = [r#"{"a": 1}"#, r#"{"a": "x"}"#];
        let xml = concat!(
            "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<items>\n",
            "<value><struct><member><name>a</name><value><int>1</int></value></member></struct>",
            "</value>\n<value><struct><member><name>a</name><value><string>x</string></value>",
            "</member></struct></value>\n</items>\n"
        );
        let no_xml = "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<items>\n</items>\n";
        for (query, full, empty) in [
            ("format=jl", "{\"a\": 1}\n{\"a\": \"x\"}\n", ""),
            ("format=json", r#"[{"a": 1},{"a": "x"}]"#, "[]"),
            ("format=csv&fields=a&include_headers=1", "a\n1\nx\n", "a\n"),
            ("format=xml", xml, no_xml),
        ] {
            assert_eq!(written(Items, query, &lines), full, "{query}");
            assert_eq!(written(Items, query, &[]), empty, "{query}");
        }
    }

    #[test]
    fn log_lines_have_columns_and_a_text() {
        let lines = [
            r#"{"time":1566311800654,"level":20,"message":"a, b"}"#,
            r#"{"time":1566311800654.7,"level":15,"message":"é\n"}"#,
            r#"{"other":1}"#,
        ];
        let table = "1566311800654,20,\"a, b\"\n1566311800654.7,15,\"é\n\"\n,,\n";
        assert_eq!(written(Logs, "format=csv", &lines), table);
        let text = concat!(
            "2019-08-20 14:36:40 INFO a, b\n2019-08-20 14:36:40 15 é\n\n",
            "1970-01-01 00:00:00 0 {\"other\":1}\n"
        );
        assert_eq!(written(Logs, "format=text", &lines), text);
    }

    #[test]
    fn every_format_shows_the_key() {
        let line = [r#"{"a":1}"#];
        assert_eq!(written(Items, "format=csv&fields=_key,a&meta=_key", &line), "1/2/3/0,1\n");
        let xml = written(Items, "format=xml&meta=_key&nodata=1", &line);
        assert!(xml.contains("<name>_key</name><value><string>1/2/3/0</string></value>"), "{xml}");
    }
}
