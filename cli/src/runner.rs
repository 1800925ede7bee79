//! `spiderq runner`: from flags to a runner.

use std::{path::Path, time::Duration};

use spiderq_runner::{Settings, Template, Work, find_project};

use crate::{
    args::{JobSettings, Runner},
    failure::Failure,
    tls,
};

/// Runs jobs until a signal.
pub(crate) async fn run(flags: Runner) -> Result<(), Failure> {
    let done = spiderq_runner::run(settings(flags)?).await;
    done.map_err(|failure| Failure::new(failure.to_string()))
}

fn settings(flags: Runner) -> Result<Settings, Failure> {
    if flags.api_key.is_empty() {
        return Err(Failure::new("--api-key or SPIDERQ_API_KEY is required: a key of role worker"));
    }
    let job = flags.job;
    let seconds = Duration::from_secs;
    Ok(Settings {
        endpoint: tls::endpoint(&flags.server, "server", flags.tls_ca.as_deref())?,
        server: flags.server,
        api_key: flags.api_key,
        projects: flags.projects,
        spiders: flags.spiders,
        tags: flags.tags,
        lacks_tags: flags.lacks_tags,
        units: flags.units,
        lease: seconds(job.lease),
        work: work(&job)?,
        rotate_bytes: job.rotate_bytes,
        runtime_limit: job.runtime_limit.map(seconds),
        stall_limit: job.stall_limit.map(seconds),
        cancel_grace: seconds(job.cancel_grace),
        unit_memory: job.unit_memory,
        once: flags.once,
        version: job.code_version,
        deploy_id: job.deploy_id,
        data_dir: job.data_dir,
    })
}

fn work(job: &JobSettings) -> Result<Work, Failure> {
    if let Some(template) = &job.command {
        let template = Template::parse(template);
        let template = template.map_err(|why| Failure::new(format!("--command: {why}")))?;
        return Ok(Work::Command(template));
    }
    let start = match &job.python {
        Some(python) => {
            let python = python.to_str().map(str::to_owned);
            let python = python.ok_or_else(|| Failure::new("--python: must be text"))?;
            vec![python, "-m".to_owned(), "sh_scrapy.crawl".to_owned()]
        }
        None => vec![job.start_crawl.clone()],
    };
    let project = match &job.project_dir {
        Some(folder) => {
            let none = || {
                Failure::new(format!(
                    "--project-dir: there is no scrapy.cfg in {} or above",
                    folder.display()
                ))
            };
            Some(find_project(folder).ok_or_else(none)?)
        }
        None => find_project(Path::new(".")),
    };
    Ok(Work::Scrapy {
        // Jobs work in folders of their own: a path must hold there.
        start: start.into_iter().map(absolute).collect(),
        project,
    })
}

/// A path with a folder in it, from the root; a bare name is looked for on PATH.
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

    fn parsed(more: &[&str]) -> Result<Settings, Failure> {
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
    fn flags_become_settings_and_the_key_shows_nowhere() {
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
    fn a_bad_command_or_folder_is_named() {
        let failed = parsed(&["--command", "run {x}"]).unwrap_err().to_string();
        assert!(failed.starts_with("--command: {x} is none of"), "{failed}");
        let failed = parsed(&["--project-dir", "/"]).unwrap_err().to_string();
        assert!(failed.contains("there is no scrapy.cfg"), "{failed}");
    }
}
