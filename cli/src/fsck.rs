//! `spiderq fsck`: prints where the records of a store do not agree, and repairs them if asked
//! to. The store decides what is a finding and how to word it.

use std::{
    fmt::Display,
    io::{self, IsTerminal as _, Write as _},
};

use spiderq_core::{
    model::ProjectId,
    store::{CheckProgress, CheckScope, CheckSummary},
};
use spiderq_server::{output_check, store_url::StoreUrl};

use crate::{
    args::Fsck,
    error::{Error, with_cause},
    store,
};

/// Exit code where the check could not be completed.
const NOT_CHECKED_EXIT_CODE: u8 = 2;

/// Fails with exit code 1 where findings are left, and with 2 where the check failed.
pub(crate) async fn run(flags: Fsck) -> Result<(), Error> {
    let not_checked = |error: Error| error.with_exit_code(NOT_CHECKED_EXIT_CODE);
    let mut report = Report::new();
    let summary = check(&flags, &mut report).await.map_err(not_checked)?;
    report.finish(&summary);
    if let Some(error) = report.print_error {
        return Err(not_checked(Error::new(format!("can't print the findings: {error}"))));
    }
    match report.findings - report.repaired {
        0 => Ok(()),
        1 => Err(Error::new("1 finding is left")),
        left => Err(Error::new(format!("{left} findings are left"))),
    }
}

async fn check(flags: &Fsck, report: &mut Report) -> Result<CheckSummary, Error> {
    let url = store::parse(flags.store.clone())?;
    if let StoreUrl::Sqlite(path) = &url
        && !path.exists()
    {
        return Err(Error::new(format!("can't open {url}: there is no such file")));
    }
    let place = store::output(flags.output.clone(), &url)?;
    let projects = flags.projects.iter();
    let projects: Result<_, _> = projects.map(|number| ProjectId::new(*number)).collect();
    let scope = CheckScope { projects: projects? };
    let store =
        if flags.repair { store::open(&url).await? } else { store::open_to_check(&url).await? };
    let mut on_progress = |progress| report.add(progress);
    let cannot = |place: &dyn Display, error| {
        Error::new(format!("can't check {place}: {}", with_cause(&error)))
    };
    let checked = store.check(&scope, flags.repair, &mut on_progress).await;
    let summary = checked.map_err(|error| cannot(&url, error))?;
    if let Some(outputs) = place.open()? {
        let store = store.as_ref();
        let checked =
            output_check::check(store, &outputs, &scope, flags.repair, &mut on_progress).await;
        checked.map_err(|error| cannot(&place, error))?;
    }
    Ok(summary)
}

/// Prints findings to standard output, a line each, and the progress to a terminal only.
#[derive(Default)]
struct Report {
    findings: u64,
    repaired: u64,
    unchecked: u64,
    terminal: bool,
    /// The first line that could not be printed.
    print_error: Option<io::Error>,
}

impl Report {
    fn new() -> Self {
        Self { terminal: io::stderr().is_terminal(), ..Self::default() }
    }

    fn add(&mut self, progress: CheckProgress) {
        match progress {
            CheckProgress::Finding(finding) => {
                self.findings += 1;
                self.repaired += u64::from(finding.repaired);
                self.line(&finding.to_string());
            }
            CheckProgress::Unchecked(subject, why) => {
                self.unchecked += 1;
                self.line(&format!("{subject}: {why}"));
            }
            CheckProgress::Jobs(jobs) => self.progress(&format!("{jobs} jobs checked")),
        }
    }

    fn finish(&mut self, summary: &CheckSummary) {
        let mut line = format!("{} projects, {} jobs: ", summary.projects, summary.jobs);
        line.push_str(&match (self.findings, self.repaired) {
            (0, _) => "no findings".to_owned(),
            (findings, repaired) => format!("{findings} findings, {repaired} repaired"),
        });
        if self.unchecked > 0 {
            line.push_str(&format!(", {} not checked", self.unchecked));
        }
        if summary.set_aside > 0 {
            line.push_str(&format!(", {} set aside", summary.set_aside));
        }
        self.line(&line);
    }

    fn line(&mut self, line: &str) {
        self.progress("");
        if let Err(error) = writeln!(io::stdout(), "{line}") {
            self.print_error.get_or_insert(error);
        }
    }

    /// Replaces the progress line; an empty `text` removes it.
    fn progress(&self, text: &str) {
        if self.terminal {
            // Progress that cannot be shown is no reason to stop.
            let _ = write!(io::stderr(), "\r\x1b[K{text}");
        }
    }
}
