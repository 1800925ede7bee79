//! `spiderq fsck`: holds a store's records against each other, prints what does not agree, and
//! mends it if told to. Rules and words of what is found are the store's.

use std::io::{self, IsTerminal as _, Write as _};

use spiderq_core::{
    model::ProjectId,
    store::{CheckProgress, CheckScope, CheckSummary},
};
use spiderq_server::store_url::StoreUrl;

use crate::{
    args::Fsck,
    error::{Error, with_cause},
    store,
};

/// Exit code where nothing was checked, or not to the end.
const NOT_CHECKED: u8 = 2;

/// Checks; an error where findings are left, or where it could not be done.
pub(crate) async fn run(settings: Fsck) -> Result<(), Error> {
    let mut report = Report::new();
    let checked =
        check(&settings, &mut report).await.map_err(|error| error.with_exit_code(NOT_CHECKED))?;
    report.end(&checked);
    if let Some(error) = report.broken {
        let text = format!("can't print what was found: {error}");
        return Err(Error::new(text).with_exit_code(NOT_CHECKED));
    }
    match report.found - report.repaired {
        0 => Ok(()),
        1 => Err(Error::new("1 finding is left")),
        left => Err(Error::new(format!("{left} findings are left"))),
    }
}

async fn check(settings: &Fsck, report: &mut Report) -> Result<CheckSummary, Error> {
    let url = store::parse(&settings.store.url)?;
    if let StoreUrl::Sqlite(path) = &url
        && !path.exists()
    {
        let text = format!("can't open {url}: there is no such file");
        return Err(Error::new(text));
    }
    let projects = settings.projects.iter();
    let projects: Result<_, _> = projects.map(|number| ProjectId::new(*number)).collect();
    let scope =
        CheckScope { projects: projects.map_err(|error| Error::new(format!("--{error}")))? };
    let store = store::open(&url).await?;
    let mut tell = |told| report.tell(told);
    store
        .check(&scope, settings.repair, &mut tell)
        .await
        .map_err(|error| Error::new(format!("can't check {url}: {}", with_cause(&error))))
}

/// Findings go to standard output, a line each; how far it is, to a terminal.
struct Report {
    found: u64,
    repaired: u64,
    unchecked: u64,
    terminal: bool,
    /// Why a line could not be printed.
    broken: Option<io::Error>,
}

impl Report {
    fn new() -> Self {
        Self {
            found: 0,
            repaired: 0,
            unchecked: 0,
            terminal: io::stderr().is_terminal(),
            broken: None,
        }
    }

    fn tell(&mut self, told: CheckProgress) {
        match told {
            CheckProgress::Finding(finding) => {
                self.found += 1;
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

    fn end(&mut self, checked: &CheckSummary) {
        let mut line = format!("{} projects, {} jobs: ", checked.projects, checked.jobs);
        line.push_str(&match (self.found, self.repaired) {
            (0, _) => "no findings".to_owned(),
            (found, repaired) => format!("{found} findings, {repaired} repaired"),
        });
        if self.unchecked > 0 {
            line.push_str(&format!(", {} not checked", self.unchecked));
        }
        if checked.aside > 0 {
            line.push_str(&format!(", {} set aside", checked.aside));
        }
        self.line(&line);
    }

    fn line(&mut self, line: &str) {
        self.progress("");
        if let Err(error) = writeln!(io::stdout(), "{line}") {
            self.broken.get_or_insert(error);
        }
    }

    /// The one line that is written over again and again.
    fn progress(&self, text: &str) {
        if self.terminal {
            // Who cannot be shown it misses nothing.
            let _ = write!(io::stderr(), "\r\x1b[K{text}");
        }
    }
}
