//! How options were given. An error names the flag, the variable, the file or the credential that
//! the user did set: a message about a flag that is nowhere on the command line helps nobody.

use std::{collections::BTreeSet, env, ffi::OsString, fs};

use clap::error::{ContextKind, ContextValue};

use crate::secrets;

/// The environment variable of the flag `--NAME`.
pub(crate) fn variable(name: &str) -> String {
    format!("SPIDERQ_{}", name.to_uppercase().replace('-', "_"))
}

/// How this process was given the option `name`: as `--NAME` where nothing gave it.
pub(crate) fn source(name: &str) -> String {
    Given::of_process().source(name)
}

/// The same error of the command line, which names variables where they gave the values.
pub(crate) fn with_sources(error: clap::Error) -> clap::Error {
    Given::of_process().with_sources(error)
}

/// The names of all that gives values to options.
#[derive(Debug, Default)]
struct Given {
    /// Without `--` and without values.
    flags: BTreeSet<String>,
    variables: BTreeSet<String>,
    /// Files in the folder of systemd's credentials.
    credentials: BTreeSet<String>,
}

impl Given {
    fn of_process() -> Self {
        let text = |text: OsString| text.to_string_lossy().into_owned();
        let words = env::args_os().skip(1).map(text).take_while(|word| word != "--");
        let flags = words.filter_map(|word| flag_name(&word).map(str::to_owned));
        let folder = secrets::credentials_folder().and_then(|folder| fs::read_dir(folder).ok());
        let credentials = folder.into_iter().flatten().flatten();
        Self {
            flags: flags.collect(),
            variables: env::vars_os().map(|(name, _)| text(name)).collect(),
            credentials: credentials.map(|entry| text(entry.file_name())).collect(),
        }
    }

    fn source(&self, name: &str) -> String {
        let file = || self.set_directly(&format!("{name}-file"));
        let credential = secrets::credential(name);
        let credential =
            self.credentials.contains(&credential).then(|| format!("credential {credential}"));
        let found = self.set_directly(name).or_else(file).or(credential);
        found.unwrap_or_else(|| format!("--{name}"))
    }

    /// The flag or else the variable, as the command line has precedence.
    fn set_directly(&self, name: &str) -> Option<String> {
        if self.flags.contains(name) {
            return Some(format!("--{name}"));
        }
        let variable = variable(name);
        self.variables.contains(&variable).then_some(variable)
    }

    fn with_sources(&self, mut error: clap::Error) -> clap::Error {
        for kind in [ContextKind::InvalidArg, ContextKind::PriorArg] {
            let renamed = match error.get(kind) {
                Some(ContextValue::String(shown)) => ContextValue::String(self.renamed(shown)),
                Some(ContextValue::Strings(all)) => {
                    ContextValue::Strings(all.iter().map(|shown| self.renamed(shown)).collect())
                }
                Some(_) | None => continue,
            };
            if error.get(kind) != Some(&renamed) {
                error.insert(kind, renamed);
                // It would show the flag.
                error.remove(ContextKind::Usage);
            }
        }
        error
    }

    /// A flag as clap shows it, such as `--threads <N>`, or the variable that gave its value.
    fn renamed(&self, shown: &str) -> String {
        let set = flag_name(shown).and_then(|name| self.set_directly(name));
        set.filter(|source| !source.starts_with('-')).unwrap_or_else(|| shown.to_owned())
    }
}

/// `threads` of `--threads`, `--threads=4` and `--threads <N>`.
fn flag_name(word: &str) -> Option<&str> {
    let name = word.strip_prefix("--")?;
    Some(name.split(['=', ' ']).next().unwrap_or(name))
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory as _, error::ErrorKind};

    use super::*;
    use crate::args::Cli;

    fn given(flags: &[&str], variables: &[&str], credentials: &[&str]) -> Given {
        let set = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
        Given { flags: set(flags), variables: set(variables), credentials: set(credentials) }
    }

    #[test]
    fn an_option_is_named_by_what_gave_it() {
        let both = given(&["admin-key"], &["SPIDERQ_ADMIN_KEY"], &[]);
        for (given, source) in [
            (given(&[], &[], &[]), "--admin-key"),
            (given(&["listen"], &["SPIDERQ_ADMIN_KEY"], &[]), "SPIDERQ_ADMIN_KEY"),
            (both, "--admin-key"),
            (given(&["admin-key-file"], &[], &["spiderq.admin-key"]), "--admin-key-file"),
            (given(&[], &["SPIDERQ_ADMIN_KEY_FILE"], &[]), "SPIDERQ_ADMIN_KEY_FILE"),
            (given(&[], &[], &["spiderq.admin-key"]), "credential spiderq.admin-key"),
        ] {
            assert_eq!(given.source("admin-key"), source, "{given:?}");
        }
    }

    #[test]
    fn errors_of_the_command_line_name_variables() {
        let refused = |args: &[&str], kind: ErrorKind, given: &Given| {
            let args = [&["spiderq"], args].concat();
            let error = Cli::command().try_get_matches_from(args).unwrap_err();
            assert_eq!(error.kind(), kind);
            given.with_sources(error).to_string()
        };
        let args = ["serve", "--admin-key", "k", "--admin-key-file", "f"];
        let variable = given(&["admin-key-file"], &["SPIDERQ_ADMIN_KEY"], &[]);
        let told = refused(&args, ErrorKind::ArgumentConflict, &variable);
        assert!(
            told.contains("'SPIDERQ_ADMIN_KEY' cannot") && !told.contains("--admin-key "),
            "{told}"
        );
        let bad = ["--threads", "many"];
        let told =
            refused(&bad, ErrorKind::ValueValidation, &given(&[], &["SPIDERQ_THREADS"], &[]));
        assert!(told.contains("invalid value 'many' for 'SPIDERQ_THREADS'"), "{told}");
        let told = refused(&bad, ErrorKind::ValueValidation, &given(&["threads"], &[], &[]));
        assert!(told.contains("for '--threads <N>'"), "{told}");
    }

    #[test]
    fn each_variable_is_named_after_its_flag() {
        let mut command = Cli::command();
        command.build();
        let mut checked = 0;
        for command in command.get_subcommands().chain([&command]) {
            for arg in command.get_arguments() {
                if let (Some(name), Some(set)) = (arg.get_long(), arg.get_env()) {
                    assert_eq!(set, &*variable(name), "--{name}");
                    checked += 1;
                }
            }
        }
        assert!(checked > 100, "{checked}");
    }
}
