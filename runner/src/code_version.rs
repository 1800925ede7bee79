//! The version of a project's code, as `shub deploy` names it: `6d32f52-master`.

use std::{fs, path::Path};

use tokio::process::Command;

use crate::{child::withhold_secrets, users::User};

/// `COMMIT-BRANCH` if `folder` is under Git, else the version in its `pyproject.toml`. Git runs as
/// `user`, who may be able to write its configuration, which names programs to run.
pub(crate) async fn code_version(folder: &Path, user: Option<&User>) -> Option<String> {
    if let Some(version) = git_version(folder, user).await {
        return Some(version);
    }
    let text = fs::read_to_string(folder.join("pyproject.toml")).ok()?;
    pyproject_version(&text)
}

async fn git_version(folder: &Path, user: Option<&User>) -> Option<String> {
    let commit = run_git(folder, user, &["describe", "--always", "--dirty"]).await?;
    let branch = run_git(folder, user, &["rev-parse", "--abbrev-ref", "HEAD"]).await?;
    let version = format!("{commit}-{branch}");
    let allowed = |letter: &char| letter.is_alphanumeric() || "_.-".contains(*letter);
    Some(version.chars().filter(allowed).collect())
}

async fn run_git(folder: &Path, user: Option<&User>, args: &[&str]) -> Option<String> {
    let mut git = Command::new("git");
    withhold_secrets(&mut git);
    if let Some(user) = user {
        // The folder may be another user's.
        git.uid(user.uid).gid(user.gid).envs(user.variables()).args(["-c", "safe.directory=*"]);
    }
    let output = git.arg("-C").arg(folder).args(args).output().await.ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    let text = text.trim();
    (output.status.success() && !text.is_empty()).then(|| text.to_owned())
}

/// Reads `version = "…"` of the table `[project]`: all that is needed of TOML here.
fn pyproject_version(text: &str) -> Option<String> {
    let lines = text.lines().map(str::trim);
    let lines = lines.skip_while(|line| *line != "[project]").skip(1);
    let mut lines = lines.take_while(|line| !line.starts_with('['));
    let (_, value) = lines.find_map(|line| {
        let (name, value) = line.split_once('=')?;
        (name.trim() == "version").then_some((name, value))
    })?;
    let value = value.trim();
    let value = value.strip_prefix('"')?.split_once('"')?.0;
    (!value.is_empty()).then(|| value.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_package_has_the_version_of_its_pyproject_toml() {
        let text = "[tool.x]\nversion = \"9\"\n[project]\nname = \"a\"\nversion = \"1.2\" # x\n";
        assert_eq!(pyproject_version(text).as_deref(), Some("1.2"));
        assert_eq!(pyproject_version("[project]\nname = \"a\"\n[b]\nversion = \"1\""), None);
        assert_eq!(pyproject_version(""), None);
    }

    #[tokio::test]
    async fn code_under_git_has_its_commit_and_branch_as_version() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(code_version(folder.path(), None).await, None);
        let commands: [&[&str]; 3] = [
            &["init", "--quiet", "--initial-branch", "main"],
            &[
                "-c",
                "user.name=a",
                "-c",
                "user.email=a@localhost",
                "commit",
                "--quiet",
                "--allow-empty",
                "--message",
                "x",
            ],
            &["tag", "--no-sign", "-m", "x", "1.0"],
        ];
        for args in commands {
            let mut git = Command::new("git");
            let git = git.arg("-C").arg(folder.path()).args(args);
            git.env("GIT_COMMITTER_NAME", "a").env("GIT_COMMITTER_EMAIL", "a@localhost");
            assert!(git.status().await.unwrap().success(), "{args:?}");
        }
        assert_eq!(code_version(folder.path(), None).await.as_deref(), Some("1.0-main"));
    }
}
