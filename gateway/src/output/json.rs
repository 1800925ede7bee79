//! A line as a tree, for filters and for formats other than JSON. Numbers stay text, and the order
//! of fields stays. It reads what `serde_json` refuses but Python writes: half characters such as
//! `"\ud800"`, which become U+FFFD.

use std::borrow::Cow;

use crate::render::string;

/// Arrays and objects within each other. A line that goes deeper is a text.
const MAX_DEPTH: usize = 128;

/// A JSON value.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Json<'a> {
    Null,
    Bool(bool),
    /// As it is written.
    Number(Cow<'a, str>),
    Text(Cow<'a, str>),
    Array(Vec<Json<'a>>),
    /// In the order in which they stand; a name may come twice.
    Object(Vec<(Cow<'a, str>, Json<'a>)>),
}

impl<'a> Json<'a> {
    /// The value of a line. One that is not JSON is a text.
    pub(crate) fn of(line: &'a [u8]) -> Self {
        let text = std::str::from_utf8(line).ok();
        text.and_then(Self::parse).unwrap_or_else(|| Self::Text(String::from_utf8_lossy(line)))
    }

    fn parse(text: &'a str) -> Option<Self> {
        let mut parser = Parser { text, at: 0 };
        let value = parser.value(0)?;
        parser.skip_space();
        (parser.at == text.len()).then_some(value)
    }

    /// The field of an object; of a name that comes twice, the last.
    pub(crate) fn field(&self, name: &str) -> Option<&Self> {
        let Self::Object(fields) = self else { return None };
        fields.iter().rev().find(|(known, _)| known == name).map(|(_, value)| value)
    }

    /// Compact JSON text.
    pub(crate) fn write(&self, out: &mut String) {
        match self {
            Self::Null => out.push_str("null"),
            Self::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
            Self::Number(text) => out.push_str(text),
            Self::Text(text) => out.push_str(&string(text)),
            Self::Array(values) => {
                out.push('[');
                for (index, value) in values.iter().enumerate() {
                    out.push_str(if index > 0 { "," } else { "" });
                    value.write(out);
                }
                out.push(']');
            }
            Self::Object(fields) => {
                out.push('{');
                for (index, (name, value)) in fields.iter().enumerate() {
                    out.push_str(if index > 0 { "," } else { "" });
                    out.extend([&string(name), ":"]);
                    value.write(out);
                }
                out.push('}');
            }
        }
    }

    /// A text without its quotes, nothing for `null`, and JSON text of any other value.
    pub(crate) fn plain(&self) -> Cow<'_, str> {
        match self {
            Self::Null => Cow::Borrowed(""),
            Self::Text(text) | Self::Number(text) => Cow::Borrowed(text),
            Self::Bool(_) | Self::Array(_) | Self::Object(_) => {
                let mut text = String::new();
                self.write(&mut text);
                Cow::Owned(text)
            }
        }
    }
}

struct Parser<'a> {
    text: &'a str,
    /// Bytes that have been read.
    at: usize,
}

impl<'a> Parser<'a> {
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn skip_space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    /// Whether `byte` comes next; then it is read.
    fn takes(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    fn value(&mut self, depth: usize) -> Option<Json<'a>> {
        self.skip_space();
        match self.peek()? {
            b'{' if depth < MAX_DEPTH => self.object(depth),
            b'[' if depth < MAX_DEPTH => self.array(depth),
            b'"' => self.string().map(Json::Text),
            b'n' => self.word("null", Json::Null),
            b't' => self.word("true", Json::Bool(true)),
            b'f' => self.word("false", Json::Bool(false)),
            b'-' | b'0'..=b'9' => {
                let rest = &self.text[self.at..];
                let is_part = |c: char| c.is_ascii_digit() || "+-.eE".contains(c);
                let end = rest.find(|c| !is_part(c)).unwrap_or(rest.len());
                self.at += end;
                Some(Json::Number(Cow::Borrowed(&rest[..end])))
            }
            _ => None,
        }
    }

    fn word(&mut self, word: &str, value: Json<'a>) -> Option<Json<'a>> {
        self.text[self.at..].strip_prefix(word)?;
        self.at += word.len();
        Some(value)
    }

    fn array(&mut self, depth: usize) -> Option<Json<'a>> {
        self.at += 1;
        let mut values = Vec::new();
        self.skip_space();
        if self.takes(b']') {
            return Some(Json::Array(values));
        }
        loop {
            values.push(self.value(depth + 1)?);
            self.skip_space();
            if self.takes(b']') {
                return Some(Json::Array(values));
            }
            self.takes(b',').then_some(())?;
        }
    }

    fn object(&mut self, depth: usize) -> Option<Json<'a>> {
        self.at += 1;
        let mut fields = Vec::new();
        self.skip_space();
        if self.takes(b'}') {
            return Some(Json::Object(fields));
        }
        loop {
            self.skip_space();
            let name = self.string()?;
            self.skip_space();
            self.takes(b':').then_some(())?;
            fields.push((name, self.value(depth + 1)?));
            self.skip_space();
            if self.takes(b'}') {
                return Some(Json::Object(fields));
            }
            self.takes(b',').then_some(())?;
        }
    }

    fn string(&mut self) -> Option<Cow<'a, str>> {
        self.takes(b'"').then_some(())?;
        let mut unescaped = String::new();
        loop {
            let rest = &self.text[self.at..];
            let end = rest.find(['"', '\\'])?;
            let piece = &rest[..end];
            self.at += end + 1;
            if rest.as_bytes()[end] == b'"' {
                return Some(match unescaped.is_empty() {
                    true => Cow::Borrowed(piece),
                    false => Cow::Owned(unescaped + piece),
                });
            }
            unescaped.push_str(piece);
            unescaped.push(self.escaped()?);
        }
    }

    /// The character of an escape, behind its backslash.
    fn escaped(&mut self) -> Option<char> {
        let byte = self.peek()?;
        self.at += 1;
        Some(match byte {
            b'"' | b'\\' | b'/' => char::from(byte),
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => {
                let unit = self.unit()?;
                char::from_u32(unit).or_else(|| self.pair(unit)).unwrap_or('\u{fffd}')
            }
            _ => return None,
        })
    }

    /// Four hexadecimal digits.
    fn unit(&mut self) -> Option<u32> {
        let digits = self.text.get(self.at..self.at + 4)?;
        let unit = u32::from_str_radix(digits, 16).ok()?;
        self.at += 4;
        Some(unit)
    }

    /// The character of `high` and the low half that follows it, if one does.
    fn pair(&mut self, high: u32) -> Option<char> {
        let before = self.at;
        let low = match self.text[self.at..].starts_with("\\u") {
            true => {
                self.at += 2;
                self.unit()
            }
            false => None,
        };
        match low {
            Some(low @ 0xdc00..=0xdfff) if high < 0xdc00 => {
                char::from_u32(0x1_0000 + ((high - 0xd800) << 10) + (low - 0xdc00))
            }
            _ => {
                self.at = before;
                None
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn again(text: &str) -> String {
        let mut out = String::new();
        Json::of(text.as_bytes()).write(&mut out);
        out
    }

    #[test]
    fn values_keep_their_numbers_and_the_order_of_fields() {
        for text in [
            r#"{"b":1566311822568.0,"a":[18446744073709551616,-1e400,true,false,null,{}],"b":""}"#,
            "[]",
            r#""x\"\\\n""#,
            "-0.5E+10",
        ] {
            assert_eq!(again(text), text);
        }
        assert_eq!(again(" { \"a\" : [ 1 , 2 ] } \n"), r#"{"a":[1,2]}"#);
    }

    #[test]
    fn escapes_are_read_and_half_characters_replaced() {
        let text = |json: &str| {
            let Json::Text(text) = Json::of(json.as_bytes()) else { panic!("{json} is a text") };
            text.into_owned()
        };
        assert_eq!(text(r#""\u00e9\/\ud83d\ude00 \b\f\r\t""#), "é/😀 \u{8}\u{c}\r\t");
        for half in [r#""a\ud83db""#, r#""a\ude00b""#] {
            assert_eq!(text(half), "a\u{fffd}b");
        }
        assert_eq!(text(r#""\ud83d\u0041""#), "\u{fffd}A");
        assert_eq!(text(r#""\ud83d\ud83d\ude00""#), "\u{fffd}😀");
    }

    #[test]
    fn what_is_not_json_is_a_text() {
        let deep = "[".repeat(200) + &"]".repeat(200);
        for text in ["", "{", "[1,]", "{\"a\"}", "nul", "\"a", "\"\\u12", "\"\\x\"", "1 2", &deep] {
            assert_eq!(Json::of(text.as_bytes()), Json::Text(text.into()), "{text}");
        }
        assert_eq!(Json::of(b"\xff"), Json::Text("\u{fffd}".into()));
    }

    #[test]
    fn of_a_name_that_comes_twice_the_last_counts() {
        let json = Json::of(br#"{"a":1,"a":2}"#);
        assert_eq!(json.field("a"), Some(&Json::Number("2".into())));
        assert_eq!(json.field("b"), None);
    }
}
