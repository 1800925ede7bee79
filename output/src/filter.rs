//! Which lines a reader wants.

use std::sync::Arc;

use memchr::memmem::Finder;
use regex::{Regex, RegexBuilder};
use spiderq_core::error::{Error, Result};

use crate::{OutputKind, line::LogLine, summary::MAX_NAMED_LEVEL};

/// Bytes that a compiled regular expression may take, and as many for its cache.
const MAX_REGEX_BYTES: usize = 1 << 20;

/// Conditions that a line must meet, all of them. None by default.
#[derive(Clone, Debug, Default)]
pub struct LineFilter {
    /// Whether lines are log lines, whose texts are in their messages.
    of_logs: bool,
    min_level: Option<i64>,
    contains: Option<Arc<Finder<'static>>>,
    regex: Option<Regex>,
}

impl LineFilter {
    /// Log lines of a level from `min_level` on, unless it is 0; lines with the text `contains` in
    /// them and a match of `regex`, unless they are empty. Of log lines the message is looked at,
    /// of other lines their JSON text.
    pub fn new(kind: OutputKind, min_level: i64, contains: &str, regex: &str) -> Result<Self> {
        let of_logs = kind == OutputKind::Logs;
        if min_level != 0 && !of_logs {
            let message = format!("must be 0 for {}, which have no levels", kind.as_str());
            return Err(Error::invalid("min_level", message));
        }
        let contains =
            (!contains.is_empty()).then(|| Arc::new(Finder::new(contains.as_bytes()).into_owned()));
        let regex = (!regex.is_empty()).then(|| compiled(regex)).transpose()?;
        Ok(Self { of_logs, min_level: (min_level != 0).then_some(min_level), contains, regex })
    }

    /// Whether it lets all lines through.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.min_level.is_none() && self.contains.is_none() && self.regex.is_none()
    }

    /// False where none of the lines can match, of which this is the highest level.
    pub(crate) fn may_match(&self, max_level: i64) -> bool {
        self.min_level.is_none_or(|min| max_level >= min.min(MAX_NAMED_LEVEL))
    }

    pub(crate) fn matches(&self, line: &[u8]) -> bool {
        if self.is_empty() {
            return true;
        }
        let Ok(text) = std::str::from_utf8(line) else { return false };
        if !self.of_logs {
            return self.finds(text);
        }
        let log: LogLine<'_> = serde_json::from_str(text).unwrap_or_default();
        self.min_level.is_none_or(|min| log.level() >= min) && self.finds(log.message())
    }

    fn finds(&self, text: &str) -> bool {
        let contains = self.contains.as_ref();
        contains.is_none_or(|finder| finder.find(text.as_bytes()).is_some())
            && self.regex.as_ref().is_none_or(|regex| regex.is_match(text))
    }
}

fn compiled(regex: &str) -> Result<Regex> {
    let mut builder = RegexBuilder::new(regex);
    builder.size_limit(MAX_REGEX_BYTES).dfa_size_limit(MAX_REGEX_BYTES);
    let refused = |error| match error {
        regex::Error::CompiledTooBig(_) => Error::invalid("regex", "must be simpler"),
        regex::Error::Syntax(_) | _ => {
            Error::invalid("regex", "must be a regular expression in the syntax of RE2")
        }
    };
    builder.build().map_err(refused)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filter(kind: OutputKind, min_level: i64, contains: &str, regex: &str) -> LineFilter {
        LineFilter::new(kind, min_level, contains, regex).unwrap()
    }

    #[test]
    fn log_lines_match_by_level_and_by_their_message() {
        let line = br#"{"level":30,"message":"caf\u00e9 \"open\"","spider":"shut"}"#;
        for (min_level, contains, regex, expected) in [
            (0, "", "", true),
            (30, "", "", true),
            (31, "", "", false),
            (0, "café \"open\"", "", true),
            (0, "Open", "", false),
            (0, "", "(?i)OPEN", true),
            (0, "shut", "", false),
            (30, "café", "^open", false),
        ] {
            let filter = filter(OutputKind::Logs, min_level, contains, regex);
            assert_eq!(filter.matches(line), expected, "{min_level} {contains} {regex}");
        }
    }

    #[test]
    fn other_lines_match_by_their_text() {
        let line = br#"{"name":"a book"}"#;
        assert!(filter(OutputKind::Items, 0, "a book", r#""name":"a"#).matches(line));
        assert!(!filter(OutputKind::Items, 0, "a boat", "").matches(line));
    }

    #[test]
    fn lines_of_levels_above_99_are_found_though_names_do_not_tell_them_apart() {
        let filter = filter(OutputKind::Logs, 150, "", "");
        assert!(filter.may_match(99) && !filter.may_match(98));
        assert!(filter.matches(br#"{"level":150}"#) && !filter.matches(br#"{"level":149}"#));
    }

    #[test]
    fn what_can_match_nothing_or_costs_too_much_is_refused() {
        for (kind, level, regex, text) in [
            (OutputKind::Items, 40, "", "min_level: must be 0 for items, which have no levels"),
            (OutputKind::Logs, 0, "(", "regex: must be a regular expression in the syntax of RE2"),
            (OutputKind::Logs, 0, r"(\w{100}){100}", "regex: must be simpler"),
        ] {
            let refused = LineFilter::new(kind, level, "", regex).unwrap_err();
            assert_eq!(refused.to_string(), text);
        }
    }
}
