//! The command line of jobs that are not Scrapy's: words with places for what the job says.
//! No shell reads it, so that nothing in a job can become a command.

use std::collections::BTreeMap;

/// `--command`: words, each perhaps with places such as `{key}`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template(Vec<String>);

/// What a job puts into the places.
#[derive(Debug)]
pub(crate) struct Places<'a> {
    pub(crate) key: &'a str,
    pub(crate) project: &'a str,
    pub(crate) spider: &'a str,
    pub(crate) spider_args: &'a BTreeMap<String, String>,
    pub(crate) cmd_args: &'a [String],
}

/// A word of its own that becomes as many words as the job has arguments.
const ARGS: &str = "{args}";

impl Template {
    /// Reads `text` as a shell reads words: with quotes and backslashes, and nothing else.
    ///
    /// # Errors
    /// Says what is wrong: no words, a quote without an end, a place that is not known.
    pub fn parse(text: &str) -> Result<Self, String> {
        let words = shlex::split(text).ok_or("a quote has no end")?;
        if words.is_empty() {
            return Err("it is empty".to_owned());
        }
        for word in words.iter().filter(|word| *word != ARGS) {
            let place = places(word).find(|place| !is_known(place));
            if let Some(place) = place {
                return Err(format!(
                    "{{{place}}} is none of {{key}}, {{project}}, {{spider}}, {{arg:NAME}}, \
                     and {{args}} as a word of its own"
                ));
            }
        }
        Ok(Self(words))
    }

    /// The words for a job.
    pub(crate) fn fill(&self, places: &Places<'_>) -> Vec<String> {
        let mut words = Vec::new();
        for word in &self.0 {
            if word == ARGS {
                let pairs = places.spider_args.iter();
                words.extend(pairs.map(|(name, value)| format!("{name}={value}")));
                words.extend(places.cmd_args.iter().cloned());
            } else {
                words.push(fill(word, places));
            }
        }
        words
    }
}

fn is_known(place: &str) -> bool {
    ["key", "project", "spider"].contains(&place) || place.starts_with("arg:")
}

/// What stands between braces in `word` and looks like a place: `{"a":1}` does not.
fn places(word: &str) -> impl Iterator<Item = &str> {
    let parts = word.split('{').skip(1);
    parts
        .filter_map(|part| part.split_once('}'))
        .map(|(place, _)| place)
        .filter(|place| place.starts_with(|letter: char| letter.is_ascii_lowercase()))
}

/// Fills what was in the template, never what was filled in.
fn fill(word: &str, from: &Places<'_>) -> String {
    let mut filled = String::new();
    let mut rest = word;
    while let Some(at) = rest.find('{') {
        filled.push_str(&rest[..at]);
        rest = &rest[at..];
        let place = places(rest).next();
        match place.filter(|place| rest[1..].starts_with(place)) {
            Some(place) => {
                filled.push_str(match place {
                    "key" => from.key,
                    "project" => from.project,
                    "spider" => from.spider,
                    other => other
                        .strip_prefix("arg:")
                        .and_then(|name| from.spider_args.get(name))
                        .map_or("", String::as_str),
                });
                rest = &rest[place.len() + 2..];
            }
            None => {
                filled.push('{');
                rest = &rest[1..];
            }
        }
    }
    filled + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(template: &str) -> Vec<String> {
        let spider_args = [("a", "1"), ("b", "{key} '; rm")];
        let spider_args = spider_args.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let places = Places {
            key: "1/2/3",
            project: "1",
            spider: "some spider",
            spider_args: &spider_args.into(),
            cmd_args: &["--x".to_owned(), "y z".to_owned()],
        };
        Template::parse(template).unwrap().fill(&places)
    }

    #[test]
    fn places_are_filled_and_words_stay_words() {
        let words = filled("run --job={key} '{spider} of {project}' {arg:b} '' {arg:c}");
        let expected = ["run", "--job=1/2/3", "some spider of 1", "{key} '; rm", "", ""];
        assert_eq!(words, expected);
    }

    #[test]
    fn arguments_become_words_of_their_own() {
        let words = filled("run {args} end");
        assert_eq!(words, ["run", "a=1", "b={key} '; rm", "--x", "y z", "end"]);
    }

    #[test]
    fn other_braces_stay() {
        let words = filled(r#"run '{"a":{}}' '{' '{{key}}' '}{'"#);
        assert_eq!(words, ["run", r#"{"a":{}}"#, "{", "{1/2/3}", "}{"]);
    }

    #[test]
    fn what_cannot_be_filled_is_refused() {
        for text in ["", "  ", "run 'x", "run {jobkey}", "run --x={args}"] {
            assert!(Template::parse(text).is_err(), "{text}");
        }
    }
}
