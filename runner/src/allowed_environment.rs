//! `--allow-env`: the variables that a job may set for a program of `--command`. Never one by which
//! a shell, an interpreter, the dynamic linker or a common tool loads code or finds programs:
//! whoever may schedule a job would run code through it.

use std::collections::BTreeSet;

/// Variables that a job may set; by default none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AllowedEnvironment(BTreeSet<String>);

/// Names that begin so are refused.
const REFUSED_PREFIXES: [&str; 30] = [
    // The dynamic linker, the C library and its converters.
    "LD_",
    "DYLD_",
    "GLIBC_",
    "MALLOC_",
    "GCONV_",
    // Shells.
    "BASH",
    "ZSH",
    // Interpreters, their packages and their options.
    "PYTHON",
    "PERL",
    "RUBY",
    "GEM_",
    "BUNDLE_",
    "NODE_",
    "NPM_",
    "npm_",
    "PHP",
    "LUA_",
    "R_",
    "JAVA_",
    "_JAVA_",
    "JDK_JAVA_",
    "DOTNET_",
    "CORECLR_",
    "COMPlus_",
    // Libraries and tools that load modules or run commands.
    "OPENSSL_",
    "GIT_",
    "XDG_",
    // The runner's own, and what describes the job.
    "SPIDERQ_",
    "SHUB_",
    "DBUS_",
];

/// Names that are refused as a whole.
const REFUSED: [&str; 38] = [
    // Where programs and start-up files are found.
    "PATH",
    "HOME",
    "CDPATH",
    "SHELL",
    "TMPDIR",
    "PWD",
    // Shells.
    "ENV",
    "IFS",
    "PS1",
    "PS4",
    "PROMPT_COMMAND",
    "SHELLOPTS",
    "GLOBIGNORE",
    "ZDOTDIR",
    "FPATH",
    // Programs that other programs call.
    "EDITOR",
    "VISUAL",
    "PAGER",
    "MANPAGER",
    "LESSOPEN",
    "LESSCLOSE",
    "BROWSER",
    "SUDO_ASKPASS",
    "SSH_ASKPASS",
    "RSYNC_RSH",
    "CVS_RSH",
    // Modules and data that libraries load.
    "CLASSPATH",
    "LUAROCKS_CONFIG",
    "ERL_LIBS",
    "GOFLAGS",
    "MAKEFLAGS",
    "GTK_MODULES",
    "GIO_EXTRA_MODULES",
    "QT_PLUGIN_PATH",
    "LOCPATH",
    "NLSPATH",
    "TERMINFO",
    "CREDENTIALS_DIRECTORY",
];

impl AllowedEnvironment {
    /// Of these names.
    ///
    /// # Errors
    /// A name is none of a variable, or one that is never allowed.
    pub fn parse(names: &[String]) -> Result<Self, String> {
        for name in names {
            let valid = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
            if name.is_empty() || !name.chars().all(valid) {
                return Err(format!("{name:?}: must be letters, digits and _"));
            }
            if is_refused(name) {
                return Err(format!("{name}: never allowed, since programs find code by it"));
            }
        }
        Ok(Self(names.iter().cloned().collect()))
    }

    pub(crate) fn contains(&self, name: &str) -> bool {
        self.0.contains(name)
    }
}

fn is_refused(name: &str) -> bool {
    REFUSED.contains(&name) || REFUSED_PREFIXES.iter().any(|prefix| name.starts_with(prefix))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(name: &str) -> Result<AllowedEnvironment, String> {
        AllowedEnvironment::parse(&[name.to_owned()])
    }

    #[test]
    fn only_names_that_were_given_are_allowed() {
        let allowed = parsed("COLOUR").unwrap();
        assert!(allowed.contains("COLOUR"));
        assert!(!allowed.contains("colour") && !AllowedEnvironment::default().contains("COLOUR"));
        assert!(["http_proxy", "LANG", "PATHS", "MY_PATH"].iter().all(|name| parsed(name).is_ok()));
    }

    #[test]
    fn variables_that_load_code_are_never_allowed() {
        let refused = [
            "LD_PRELOAD",
            "LD_AUDIT",
            "DYLD_INSERT_LIBRARIES",
            "GCONV_PATH",
            "GLIBC_TUNABLES",
            "PATH",
            "HOME",
            "ENV",
            "BASH_ENV",
            "BASHOPTS",
            "SHELLOPTS",
            "PS4",
            "PROMPT_COMMAND",
            "PYTHONPATH",
            "PYTHONSTARTUP",
            "PYTHONINSPECT",
            "PERL5LIB",
            "PERL5OPT",
            "PERL5DB",
            "RUBYOPT",
            "RUBYLIB",
            "NODE_OPTIONS",
            "NODE_PATH",
            "JAVA_TOOL_OPTIONS",
            "_JAVA_OPTIONS",
            "PHPRC",
            "LUA_INIT",
            "GIT_SSH_COMMAND",
            "OPENSSL_CONF",
            "SPIDERQ_API_KEY",
            "SPIDERQ_LOG",
            "SHUB_FIFO_PATH",
        ];
        for name in refused {
            let why = parsed(name).unwrap_err();
            assert_eq!(why, format!("{name}: never allowed, since programs find code by it"));
        }
        for name in ["", "A B", "BASH_FUNC_x%%", "A=1", "é"] {
            let why = parsed(name).unwrap_err();
            assert_eq!(why, format!("{name:?}: must be letters, digits and _"));
        }
    }
}
