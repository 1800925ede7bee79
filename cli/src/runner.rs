//! `spiderq runner`: turns flags into the settings of a runner.

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
    time::Duration,
};

use spiderq_runner::{
    AllowedEnvironment, OnDrain, ResourceLimits, RunnerError, Settings, Template, Users, Work,
    find_project,
};

use crate::{
    args::{self, JobLimits, JobSettings, OnDrainArg, Runner},
    error::Error,
    secrets,
};

/// Runs jobs until a signal; with `--once`, until none is left.
pub(crate) async fn run(flags: Runner) -> Result<(), Error> {
    let result = spiderq_runner::run(settings(flags)?).await;
    result.map_err(|error| match error {
        RunnerError::Option { option, problem } => Error::option(option, problem),
        RunnerError::Failed(why) => Error::new(why),
    })
}

/// Blocks until the job's program has ended, and ends as it did.
pub(crate) fn supervise(flags: args::Supervise) -> ExitCode {
    spiderq_runner::supervise(spiderq_runner::Supervise {
        parent: flags.parent,
        folder: flags.folder,
        user: flags.uid.zip(flags.gid),
        no_new_privileges: flags.no_new_privileges,
        limits: ResourceLimits {
            memory: flags.memory,
            open_files: flags.open_files,
            processes: flags.processes,
            file_size: flags.file_size,
        },
        command: flags.command,
    })
}

fn settings(flags: Runner) -> Result<Settings, Error> {
    let file = flags.api_key_file.as_deref();
    let what = "an API key of role worker";
    let api_key = secrets::required("api-key", flags.api_key, file, what)?.into_inner();
    let job = flags.job;
    let users = Users::parse(&job.users, &flags.projects);
    Ok(Settings {
        endpoint: flags.connection.endpoint()?,
        server: flags.connection.server,
        api_key,
        projects: flags.projects,
        spiders: flags.spiders,
        tags: flags.tags,
        lacks_tags: flags.lacks_tags,
        units: flags.units,
        lease: job.lease,
        work: work(&job)?,
        rotate_bytes: job.rotate_bytes,
        max_bytes: job.max_bytes,
        limits: limits(&job.limits),
        users: users.map_err(|why| Error::option("user", why))?,
        runtime_limit: job.runtime_limit,
        stall_limit: job.stall_limit,
        cancel_grace: job.cancel_grace,
        unit_memory: job.unit_memory,
        once: flags.once,
        drain: drain(&job),
        on_drain: on_drain(job.on_drain),
        version: job.code_version,
        deploy_id: job.deploy_id,
        name: format!("{}@{}", flags.name.unwrap_or_else(default_name), spiderq_runner::host()),
        keep_local: job.keep_local,
        data_dir: job.data_dir,
    })
}

fn work(job: &JobSettings) -> Result<Work, Error> {
    if let Some(template) = &job.command {
        let template = Template::parse(template.expose());
        let template = template.map_err(|why| Error::option("command", why))?;
        let allowed = AllowedEnvironment::parse(&job.allowed_env);
        let allowed = allowed.map_err(|why| Error::option("allow-env", why))?;
        return Ok(Work::Command { template, allowed });
    }
    let start = match &job.python {
        Some(python) => {
            let python = python.to_str().map(str::to_owned);
            let python = python.ok_or_else(|| Error::option("python", "must be valid UTF-8"))?;
            vec![python, "-m".to_owned(), "sh_scrapy.crawl".to_owned()]
        }
        None => vec![job.start_crawl.clone()],
    };
    Ok(Work::Scrapy {
        // Each job runs in a folder of its own, where a relative path would lead elsewhere.
        start: start.into_iter().map(absolute).collect(),
        project: project(job)?,
    })
}

fn on_drain(flag: OnDrainArg) -> OnDrain {
    match flag {
        OnDrainArg::Finish => OnDrain::Finish,
        OnDrainArg::Requeue => OnDrain::Requeue,
    }
}

/// Another one for each runner of a machine.
fn default_name() -> String {
    format!("runner-{}", std::process::id())
}

/// Jobs that go back to the queue need not be waited for.
fn drain(job: &JobSettings) -> Option<Duration> {
    match job.on_drain {
        OnDrainArg::Finish => job.drain,
        OnDrainArg::Requeue => Some(job.drain.unwrap_or_default()),
    }
}

fn limits(flags: &JobLimits) -> ResourceLimits {
    ResourceLimits {
        memory: flags.memory_limit.map(|mb| u64::from(mb) << 20),
        open_files: flags.open_files_limit.map(u64::from),
        processes: flags.processes_limit.map(u64::from),
        file_size: flags.file_size_limit,
    }
}

fn project(job: &JobSettings) -> Result<Option<PathBuf>, Error> {
    let Some(folder) = &job.project_dir else {
        return Ok(find_project(Path::new(".")));
    };
    find_project(folder).map(Some).ok_or_else(|| {
        let problem = format!("there is no scrapy.cfg in {} or above", folder.display());
        Error::option("project-dir", problem)
    })
}

/// A word with a slash is a path and becomes absolute; a bare name stays, to be found on PATH.
fn absolute(word: String) -> String {
    if !word.contains('/') {
        return word;
    }
    match std::path::absolute(&word) {
        Ok(path) => path.to_string_lossy().into_owned(),
        Err(_) => word,
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;
    use crate::args::{Cli, Command};

    fn parsed(more: &[&str]) -> Result<Settings, Error> {
        let key = "0123456789abcdef0123456789abcdef";
        let args = ["spiderq", "runner", "--project", "1,2", "--api-key", key];
        let cli = Cli::parse_from([args.as_slice(), more].concat());
        assert!(!format!("{cli:?}").contains(key));
        let Some(Command::Runner(flags)) = cli.command else {
            panic!("{cli:?}");
        };
        let settings = settings(*flags)?;
        assert!(!format!("{settings:?}").contains(key));
        Ok(settings)
    }

    #[test]
    fn flags_become_settings_and_debug_output_hides_the_api_key() {
        let settings = parsed(&["--units", "3", "--lease", "5", "--python", "bin/py"]).unwrap();
        assert_eq!((settings.units, settings.lease), (3, Duration::from_secs(5)));
        assert_eq!(settings.projects, [1, 2]);
        let Work::Scrapy { start, .. } = settings.work else {
            panic!("{settings:?}");
        };
        assert!(start[0].starts_with('/') && start[0].ends_with("/bin/py"), "{start:?}");
        assert_eq!(start[1..], ["-m", "sh_scrapy.crawl"]);
    }

    #[test]
    fn limits_of_jobs_become_bytes() {
        let settings = parsed(&["--memory-limit", "5000", "--open-files-limit", "100"]).unwrap();
        let expected = ResourceLimits {
            memory: Some(5_242_880_000),
            open_files: Some(100),
            processes: None,
            file_size: None,
        };
        assert_eq!(settings.limits, expected);
        assert_eq!(settings.max_bytes, 10 << 30);
        assert_eq!(settings.users, Users::default());
    }

    #[test]
    fn jobs_that_go_back_are_not_waited_for_unless_a_time_is_given() {
        let seconds = |seconds| Some(Duration::from_secs(seconds));
        for (flags, on_drain, drain) in [
            (&[][..], OnDrain::Finish, None),
            (&["--drain", "60"], OnDrain::Finish, seconds(60)),
            (&["--on-drain", "requeue"], OnDrain::Requeue, seconds(0)),
            (&["--on-drain", "requeue", "--drain", "9"], OnDrain::Requeue, seconds(9)),
        ] {
            let settings = parsed(flags).unwrap();
            assert_eq!((settings.on_drain, settings.drain), (on_drain, drain), "{flags:?}");
        }
    }

    #[test]
    fn a_bad_command_flag_or_folder_is_named() {
        let failed = parsed(&["--command", "run {x}"]).unwrap_err().to_string();
        assert!(failed.starts_with("--command: {x} is none of"), "{failed}");
        let failed = parsed(&["--command", "run", "--allow-env", "LANG,LD_PRELOAD"]);
        let failed = failed.unwrap_err().to_string();
        assert!(failed.starts_with("--allow-env: LD_PRELOAD: never allowed"), "{failed}");
        let failed = parsed(&["--user", "1=nosuch"]).unwrap_err().to_string();
        assert!(failed.starts_with("--user: "), "{failed}");
        let failed = parsed(&["--project-dir", "/"]).unwrap_err().to_string();
        assert!(failed.contains("there is no scrapy.cfg"), "{failed}");
    }
}
