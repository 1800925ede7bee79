//! The command line of a script: the field `job_cmd` of jobs of spiders named `py:NAME`
//! (`docs/contract.md`, 3, run).

use spiderq_core::{
    error::{Error, Result},
    model::{JsonText, Metadata, SpiderName},
};

const JOB_CMD: &str = "job_cmd";
const CMD_ARGS: &str = "cmd_args";

/// Sets the field, if the spider is a script: its name, then the words of `cmd_args`. A job that
/// is pushed without those, but with a command of another job, keeps that.
pub(super) fn set_job_cmd(spider: &SpiderName, metadata: &mut Metadata) -> Result<()> {
    if !spider.is_script() {
        return Ok(());
    }
    let arguments = match metadata.get(CMD_ARGS).filter(|json| json.as_str() != "null") {
        Some(json) => words(json)?,
        None if metadata.get(JOB_CMD).is_some_and(is_command) => return Ok(()),
        None => Vec::new(),
    };
    let command = std::iter::once(spider.as_str().to_owned()).chain(arguments);
    let command: serde_json::Value = command.collect();
    metadata.set(JOB_CMD, JsonText::stored(command.to_string()));
    metadata.check_size()
}

/// The words of a text, as a POSIX shell splits it; a list of strings is split already.
fn words(cmd_args: &JsonText) -> Result<Vec<String>> {
    if let Ok(words) = serde_json::from_str(cmd_args.as_str()) {
        return Ok(words);
    }
    let bad =
        || Error::invalid(CMD_ARGS, "must be words as a shell takes them, with closed quotes");
    split(&cmd_args.as_text().ok_or_else(bad)?).ok_or_else(bad)
}

/// `None` where a quote is not closed, or nothing comes after the last backslash.
fn split(text: &str) -> Option<Vec<String>> {
    // The library takes `#` for the beginning of a comment, which an argument can't have. A
    // character that the text does not have stands in for it.
    let stand_in = ('\u{e000}'..).find(|unused| !text.contains(*unused))?;
    let words = shlex::split(&text.replace('#', stand_in.encode_utf8(&mut [0; 4])))?;
    Some(words.into_iter().map(|word| word.replace(stand_in, "#")).collect())
}

fn is_command(json: &JsonText) -> bool {
    serde_json::from_str::<Vec<String>>(json.as_str()).is_ok_and(|words| !words.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn job_cmd(spider: &str, fields: &[(&str, &str)]) -> Result<Option<String>> {
        let spider = SpiderName::parse(spider).unwrap();
        let mut metadata = Metadata::default();
        for (name, json) in fields {
            metadata.set(name, JsonText::parse(json).unwrap());
        }
        set_job_cmd(&spider, &mut metadata)?;
        Ok(metadata.remove(JOB_CMD).map(JsonText::into_string))
    }

    #[test]
    fn a_script_has_its_name_and_the_words_of_its_arguments() {
        for (cmd_args, expected) in [
            (r#""a \"b c\"""#, r#"["py:s.py","a","b c"]"#),
            (r#""""#, r#"["py:s.py"]"#),
            ("null", r#"["py:s.py"]"#),
            (
                r#"" --x='1 2'\t\\$y \"\\$z\\\\\" ''  é\ue000\n""#,
                "[\"py:s.py\",\"--x=1 2\",\"$y\",\"$z\\\\\",\"\",\"é\u{e000}\"]",
            ),
            (r##""#1 a#2 '#'""##, r##"["py:s.py","#1","a#2","#"]"##),
            (r#"["a b", ""]"#, r#"["py:s.py","a b",""]"#),
        ] {
            let found = job_cmd("py:s.py", &[("cmd_args", cmd_args)]).unwrap();
            assert_eq!(found.as_deref(), Some(expected), "{cmd_args}");
        }
        assert_eq!(job_cmd("py:s.py", &[]).unwrap().as_deref(), Some(r#"["py:s.py"]"#));
        assert_eq!(job_cmd("s", &[("cmd_args", "\"a\"")]).unwrap(), None);
    }

    #[test]
    fn arguments_that_are_no_words_are_refused() {
        for cmd_args in [r#""a \"b""#, r#""it's""#, r#""a \\""#, "7", "{}", "[1]", "true"] {
            let error = job_cmd("py:s.py", &[("cmd_args", cmd_args)]).unwrap_err();
            let message = "cmd_args: must be words as a shell takes them, with closed quotes";
            assert_eq!(error.to_string(), message, "{cmd_args}");
        }
    }

    #[test]
    fn the_command_of_another_job_is_kept_unless_there_are_arguments() {
        let command = ("job_cmd", r#"["py:s.py", "x"]"#);
        let kept = job_cmd("py:s.py", &[command]).unwrap();
        assert_eq!(kept.as_deref(), Some(command.1));
        let replaced = job_cmd("py:s.py", &[command, ("cmd_args", "\"y\"")]).unwrap();
        assert_eq!(replaced.as_deref(), Some(r#"["py:s.py","y"]"#));
        for bad in ["[]", "[1]", "\"x\"", "null"] {
            let replaced = job_cmd("py:s.py", &[("job_cmd", bad)]).unwrap();
            assert_eq!(replaced.as_deref(), Some(r#"["py:s.py"]"#), "{bad}");
        }
    }
}
