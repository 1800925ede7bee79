//! The command line of `--command`: words with placeholders such as `{key}`, filled in for each
//! job. No shell reads it, and no word of the job becomes an option where the template has none.

use std::collections::BTreeMap;

/// The words of the command line; all placeholders in them are known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template(Vec<String>);

#[derive(Debug)]
pub(crate) struct Values<'a> {
    pub(crate) job_key: &'a str,
    pub(crate) project: &'a str,
    pub(crate) spider: &'a str,
    pub(crate) spider_args: &'a BTreeMap<String, String>,
    pub(crate) cmd_args: &'a [String],
}

/// Only as a whole word, since it becomes one word for each argument of the job.
const ARGS: &str = "{args}";

impl Template {
    /// Splits `text` into words like a shell, with quotes and backslashes but no expansions.
    ///
    /// # Errors
    /// There are no words, a quote is not closed, or a placeholder is unknown.
    pub fn parse(text: &str) -> Result<Self, String> {
        let words = shlex::split(text).ok_or("a quote is not closed")?;
        if words.is_empty() {
            return Err("must not be empty".to_owned());
        }
        for word in words.iter().filter(|word| *word != ARGS) {
            let unknown = placeholders(word).find(|name| !is_known(name));
            if let Some(unknown) = unknown {
                return Err(format!(
                    "{{{unknown}}} is none of {{key}}, {{project}}, {{spider}}, {{arg:NAME}}, \
                     and {{args}} as a word of its own"
                ));
            }
        }
        Ok(Self(words))
    }

    /// The program, unless a job says which one it is.
    pub(crate) fn program(&self) -> Option<&str> {
        let program = self.0.first().filter(|word| *word != ARGS)?;
        placeholders(program).next().is_none().then_some(program.as_str())
    }

    /// Sets the program, in which nothing is replaced but known placeholders.
    pub(crate) fn set_program(&mut self, program: String) {
        if let Some(first) = self.0.first_mut() {
            *first = program;
        }
    }

    /// Fails if a value would become an option: it begins with `-`, a word begins with it, and
    /// there is no `--` before. Only the words of `cmd_args` may, which are options by design.
    pub(crate) fn fill(&self, values: &Values<'_>) -> Result<Vec<String>, String> {
        let mut words = Vec::new();
        let mut options_ended = false;
        for word in &self.0 {
            let mut filled = Vec::new();
            if word == ARGS {
                let pairs = values.spider_args.iter();
                filled.extend(pairs.map(|(name, value)| format!("{name}={value}")));
            } else {
                filled.push(fill(word, values));
            }
            let is_option = |filled: &String| filled.starts_with('-') && !word.starts_with('-');
            if !options_ended && filled.iter().any(is_option) {
                let name = placeholders(word).next().unwrap_or_default();
                return Err(format!(
                    "{{{name}}} of --command would become an option, since its value begins with \
                     `-` and the command has no `--` before it"
                ));
            }
            options_ended |= word == "--";
            words.append(&mut filled);
            if word == ARGS {
                words.extend(values.cmd_args.iter().cloned());
            }
        }
        Ok(words)
    }
}

impl<'a> Values<'a> {
    /// An argument that the job does not have is empty.
    fn get(&self, name: &str) -> &'a str {
        match name {
            "key" => self.job_key,
            "project" => self.project,
            "spider" => self.spider,
            other => other
                .strip_prefix("arg:")
                .and_then(|name| self.spider_args.get(name))
                .map_or("", String::as_str),
        }
    }
}

fn is_known(name: &str) -> bool {
    ["key", "project", "spider"].contains(&name) || name.starts_with("arg:")
}

/// The names between braces in `word`. They begin with a lower-case letter, so that `{"a":1}` is
/// none.
fn placeholders(word: &str) -> impl Iterator<Item = &str> {
    let parts = word.split('{').skip(1);
    parts
        .filter_map(|part| part.split_once('}'))
        .map(|(name, _)| name)
        .filter(|name| name.starts_with(|letter: char| letter.is_ascii_lowercase()))
}

/// Fills in the placeholders of the template, but not what looks like one in a value.
fn fill(word: &str, values: &Values<'_>) -> String {
    let mut filled = String::new();
    let mut rest = word;
    while let Some(at) = rest.find('{') {
        filled.push_str(&rest[..at]);
        rest = &rest[at..];
        let name = placeholders(rest).next();
        match name.filter(|name| rest[1..].starts_with(name)) {
            Some(name) => {
                filled.push_str(values.get(name));
                rest = &rest[name.len() + 2..];
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
        filled_with(template, &[("a", "1"), ("b", "{key} '; rm")]).unwrap()
    }

    fn filled_with(template: &str, spider_args: &[(&str, &str)]) -> Result<Vec<String>, String> {
        let spider_args = spider_args.iter().copied();
        let spider_args = spider_args.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let values = Values {
            job_key: "1/2/3",
            project: "1",
            spider: "some spider",
            spider_args: &spider_args.collect(),
            cmd_args: &["--x".to_owned(), "y z".to_owned()],
        };
        Template::parse(template).unwrap().fill(&values)
    }

    #[test]
    fn placeholders_are_filled_and_words_stay_words() {
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
    fn a_value_does_not_become_an_option() {
        for (template, args, name) in [
            ("python3 {arg:a}", [("a", "-cimport os")], "arg:a"),
            ("run '{arg:none}{arg:a}'", [("a", "--x")], "arg:none"),
            ("run x {args} --", [("-c", "1")], "args"),
        ] {
            let why = filled_with(template, &args).unwrap_err();
            let expected = format!("{{{name}}} of --command would become an option, ");
            assert!(why.starts_with(&expected), "{why}");
        }
        for (template, args, expected) in [
            ("run -- {arg:a}", [("a", "-x")], "run -- -x"),
            ("run --n={arg:a} -{arg:a}", [("a", "-1")], "run --n=-1 --1"),
            ("run -- {args}", [("-c", "1")], "run -- -c=1 --x y z"),
            ("run x{arg:a}", [("a", "-1")], "run x-1"),
        ] {
            assert_eq!(filled_with(template, &args).unwrap().join(" "), expected);
        }
    }

    #[test]
    fn braces_that_are_not_placeholders_stay() {
        let words = filled(r#"run '{"a":{}}' '{' '{{key}}' '}{'"#);
        assert_eq!(words, ["run", r#"{"a":{}}"#, "{", "{1/2/3}", "}{"]);
    }

    #[test]
    fn the_program_is_known_unless_a_job_names_it() {
        let program = |text| Template::parse(text).unwrap().program().map(str::to_owned);
        assert_eq!(program("run {key}").as_deref(), Some("run"));
        for text in ["{spider} x", "run-{arg:n}", "{args}"] {
            assert_eq!(program(text), None, "{text}");
        }
    }

    #[test]
    fn a_template_that_cannot_be_filled_is_refused() {
        for text in ["", "  ", "run 'x", "run {jobkey}", "run --x={args}"] {
            assert!(Template::parse(text).is_err(), "{text}");
        }
    }
}
