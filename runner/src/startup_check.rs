//! What a runner finds out before it takes a job: whether its program is there, imports what it
//! needs and knows the project's spiders. A runner that can't run jobs would fail all of them.

use std::{collections::BTreeSet, ffi::OsString, io, path::Path, time::Duration};

use serde::Deserialize;
use tokio::{
    io::{AsyncRead, AsyncReadExt as _},
    join,
    time::timeout,
};

use crate::{
    child::{Child, ProcessSpec},
    close_reason::Exit,
    error::RunnerError,
    find_program::{can_run, find_program},
    job_folder::JobFolder,
    scrapy_project::link_project,
    settings::{Settings, Work},
    users::User,
};

/// How long the list of spiders may take: a large project on a busy machine imports for long.
const LIST_TIMEOUT: Duration = Duration::from_secs(120);
/// The list has all spiders in one line.
const MAX_LIST_BYTES: usize = 16 << 20;
/// Of what the program says on its standard error, the end is kept.
const MAX_ERROR_BYTES: usize = 8 << 10;
/// Lists the spiders with a Python that is given, without the environment's commands.
const LIST_SPIDERS: &str = "from sh_scrapy.crawl import shub_image_info; shub_image_info()";
/// The commands beside `start-crawl` that list spiders, in the order in which they are tried.
const LIST_COMMANDS: [&str; 2] = ["shub-image-info", "list-spiders"];
/// What helps where the entry point is missing.
const INSTALL: &str = "activate its environment (pip install scrapy scrapinghub-entrypoint-scrapy), \
                       or name it by --start-crawl FILE or --python FILE";

/// Makes the program of `settings` an absolute path, and lists the spiders of the project; `None`
/// where nothing can list them: a program of `--command`, or a `--start-crawl` that comes alone.
///
/// # Errors
/// Jobs can't be run here: the text says what was looked for, where, and what to do.
pub(crate) async fn check(settings: &mut Settings) -> Result<Option<Vec<String>>, RunnerError> {
    let (list, project) = match &mut settings.work {
        Work::Command { template, .. } => {
            if let Some(program) = template.program() {
                let found =
                    find_program(program).map_err(|why| cannot_run(&why, "check --command"))?;
                template.set_program(found.to_string_lossy().into_owned());
            }
            return Ok(None);
        }
        Work::Scrapy { start, project } => {
            let Some((program, _)) = start.split_first_mut() else {
                return Err(RunnerError::option("start-crawl", "must not be empty".to_owned()));
            };
            let found = find_program(program).map_err(|why| cannot_run(&why, INSTALL))?;
            *program = found.to_string_lossy().into_owned();
            (list_command(start), project.clone())
        }
    };
    let Some(list) = list else {
        tracing::info!(command = LIST_COMMANDS[0], "nothing beside --start-crawl lists spiders");
        return Ok(None);
    };
    let mut spiders = BTreeSet::new();
    let users: BTreeSet<_> =
        settings.projects.iter().map(|project| settings.users.of(*project)).collect();
    for user in users {
        spiders.extend(list_spiders(settings, &list, project.as_deref(), user).await?);
    }
    if spiders.is_empty() && project.is_none() {
        let why = "there is no Scrapy project: no scrapy.cfg in this folder or above, and no \
                   installed package with spiders";
        return Err(cannot_run(why, "name its folder by --project-dir"));
    }
    tracing::info!(spiders = spiders.len(), "found the project's spiders");
    Ok(Some(spiders.into_iter().collect()))
}

fn cannot_run(why: &str, advice: &str) -> RunnerError {
    RunnerError::Failed(format!("can't run jobs: {why}; {advice}"))
}

/// The command that lists the spiders which `start` can run.
fn list_command(start: &[String]) -> Option<Vec<String>> {
    let (program, args) = start.split_first()?;
    if !args.is_empty() {
        return Some(vec![program.clone(), "-c".to_owned(), LIST_SPIDERS.to_owned()]);
    }
    let folder = Path::new(program).parent()?;
    let mut commands = LIST_COMMANDS.iter().map(|command| folder.join(command));
    let command = commands.find(|command| can_run(command))?;
    Some(vec![command.to_string_lossy().into_owned()])
}

/// Runs `list` as a job of `user` would be run, since the project's code is run by it.
async fn list_spiders(
    settings: &Settings,
    list: &[String],
    project: Option<&Path>,
    user: Option<&User>,
) -> Result<Vec<String>, RunnerError> {
    let shown = list.first().cloned().unwrap_or_default();
    let failed = |why: String| cannot_run(&format!("{shown}, which lists spiders, {why}"), INSTALL);
    let output = match timeout(LIST_TIMEOUT, run(settings, list, project, user)).await {
        Ok(Ok(output)) => output,
        Ok(Err(error)) => return Err(failed(format!("can't be started: {error}"))),
        Err(_) => return Err(failed(format!("did not end within {LIST_TIMEOUT:?}"))),
    };
    let errors = String::from_utf8_lossy(&output.errors);
    let last = errors.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or_default().trim();
    if output.exit != Exit::Code(0) {
        tracing::error!(program = shown, exit = %output.exit, output = errors.trim_end(), "ended");
        return Err(failed(format!("ended with {}: {last}", output.exit)));
    }
    let printed = String::from_utf8_lossy(&output.printed);
    spiders_of(&printed, list).ok_or_else(|| failed("printed no list of them".to_owned()))
}

struct ListOutput {
    exit: Exit,
    printed: Vec<u8>,
    errors: Vec<u8>,
}

async fn run(
    settings: &Settings,
    list: &[String],
    project: Option<&Path>,
    user: Option<&User>,
) -> io::Result<ListOutput> {
    let folder = JobFolder::create()?;
    let mut environment = user.map(User::variables).unwrap_or_default();
    environment.push(("TMPDIR".into(), folder.temporary().into()));
    if let Some(project) = project {
        let inherited = std::env::var_os("PYTHONPATH");
        let path = link_project(project, &folder.work(), &folder.site_packages(), inherited)?;
        environment.push(("PYTHONPATH".into(), path));
    }
    let spec = ProcessSpec {
        command: list.iter().map(OsString::from).collect(),
        environment,
        user: user.map(|user| (user.uid, user.gid)),
        limits: settings.limits.of_units(1),
    };
    if let Some(user) = spec.user {
        folder.give_to(user)?;
    }
    let (mut child, output) = Child::start(&spec, folder.path(), &folder.work()).await?;
    let (printed, errors, exit) = join!(
        read_end(output.out, MAX_LIST_BYTES),
        read_end(output.err, MAX_ERROR_BYTES),
        child.wait(),
    );
    Ok(ListOutput { exit: exit?, printed, errors })
}

/// At least the last `max_bytes` of `output`, and at most twice as many.
async fn read_end(mut output: impl AsyncRead + Unpin, max_bytes: usize) -> Vec<u8> {
    let (mut kept, mut buffer) = (Vec::new(), vec![0; 16 << 10]);
    loop {
        match output.read(&mut buffer).await {
            // A failed read ends the output too.
            Ok(0) | Err(_) => return kept,
            Ok(count) => kept.extend_from_slice(&buffer[..count]),
        }
        if kept.len() > 2 * max_bytes {
            kept.drain(..kept.len() - max_bytes);
        }
    }
}

#[derive(Deserialize)]
struct ImageInfo {
    spiders: Vec<String>,
}

/// The spiders that such a command has printed: `list-spiders` one a line, the others as JSON in
/// their last line.
fn spiders_of(printed: &str, list: &[String]) -> Option<Vec<String>> {
    let mut lines = printed.lines().map(str::trim).filter(|line| !line.is_empty());
    if list.first().is_some_and(|command| command.ends_with(LIST_COMMANDS[1])) {
        return Some(lines.map(str::to_owned).collect());
    }
    let info: ImageInfo = serde_json::from_str(lines.next_back()?).ok()?;
    Some(info.spiders)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spiders_are_lines_or_in_the_last_line() {
        let spiders = |command: &str, printed| spiders_of(printed, &[command.to_owned()]);
        let all = Some(vec!["a".to_owned(), "b".to_owned()]);
        assert_eq!(spiders("/x/list-spiders", "a\n\nb\n"), all);
        let printed = "a warning\n{\"project_type\":\"scrapy\",\"spiders\":[\"a\",\"b\"]}\n\n";
        assert_eq!(spiders("/x/shub-image-info", printed), all);
        assert_eq!(spiders("/x/shub-image-info", "a\nb\n"), None);
        assert_eq!(spiders("/x/shub-image-info", ""), None);
    }

    #[tokio::test]
    async fn the_end_of_a_long_output_is_kept() {
        let kept = read_end(&b"0123456789"[..], 20).await;
        assert_eq!(kept, b"0123456789");
        let long = vec![b'x'; 100_000];
        let kept = read_end([long.as_slice(), b"end"].concat().as_slice(), 100).await;
        assert!((100..=200).contains(&kept.len()) && kept.ends_with(b"xend"), "{}", kept.len());
    }
}
