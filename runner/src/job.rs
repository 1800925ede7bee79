//! A job in this runner's hands, from its start to the acknowledgement of its end.

use std::{collections::BTreeMap, env, ffi::OsString, io, sync::Arc};

use serde_json::Value;
use spiderq_proto::v1::{Job, StartJobResponse};
use tokio::{
    net::unix::pipe::{Receiver, Sender},
    sync::{OwnedSemaphorePermit, oneshot},
};

use crate::{
    child::{Child, Plan},
    context::Context,
    counts::Counts,
    crawl::{Crawl, Limits, Went},
    environment::View,
    finish::{End, finish},
    folder::Folder,
    output,
    phase::Phase,
    project,
    pulse::{Pulse, Told},
    queue::{Held, Refusal},
    record::Record,
    settings::Work,
    template::Places,
    terminal::Row,
    version,
};

/// A job that was started on the server.
#[derive(Debug)]
pub(crate) struct Started {
    held: Held,
    token: String,
    job: Job,
    counts: Arc<Counts>,
}

impl Started {
    /// `None`: nothing was pending.
    pub(crate) fn of(project: i64, answer: StartJobResponse) -> Option<Self> {
        let job = answer.job?;
        Some(Self {
            held: Held { project, key: job.key.clone(), fence: answer.fence },
            token: answer.token,
            job,
            counts: Arc::default(),
        })
    }

    fn key(&self) -> &str {
        &self.held.key
    }
}

impl Context {
    /// Runs a job to its end; `first` is one of the units that it takes. Says when it has
    /// them all.
    pub(crate) async fn run(
        mut self,
        mut started: Started,
        first: OwnedSemaphorePermit,
        ready: oneshot::Sender<()>,
    ) {
        let lease = self.settings.lease;
        let counts = Arc::clone(&started.counts);
        let mut pulse = Pulse::start(self.queue.clone(), started.held.clone(), lease, counts);
        let permit = match self.gather(&started.job, first, &mut pulse).await {
            Gathered::All(permit) => permit,
            Gathered::Stop => {
                let end = End::early("cancelled", &started.counts);
                return self.end(&started, &end, "").await;
            }
            Gathered::Gone => return,
        };
        // An error means that nobody waits for it.
        let _ = ready.send(());
        tracing::info!(job = started.key(), spider = started.job.spider, "started");
        let worked = self.work(&mut started, &mut pulse).await;
        drop(pulse);
        self.conclude(&started, worked).await;
        drop(permit);
    }

    async fn conclude(&self, started: &Started, worked: Worked) {
        let job = started.key();
        match worked {
            Worked::Ended { end, tail, unfit } => {
                self.end(started, &end, &tail).await;
                if unfit {
                    self.unfit.notify_one();
                }
            }
            Worked::Lost => tracing::warn!(job, "lost: killed, and nothing more is written"),
            Worked::Impossible(error) => {
                tracing::warn!(job, %error, "can't be run");
                let end = End::early("failed", &started.counts);
                self.end(started, &end, "").await;
            }
            Worked::Unfit(error) => {
                tracing::error!(job, %error, "can't be run here; its lease runs out");
                self.unfit.notify_one();
            }
        }
    }

    /// Waits until there are units enough. The job is ours meanwhile, and is kept so.
    async fn gather(
        &mut self,
        job: &Job,
        mut first: OwnedSemaphorePermit,
        pulse: &mut Pulse,
    ) -> Gathered {
        // One for more units than there are has them all.
        let more = job.units.clamp(1, self.settings.units) - 1;
        let rest = Arc::clone(&self.units).acquire_many_owned(more);
        tokio::pin!(rest);
        tokio::select! {
            biased;
            rest = &mut rest => match rest {
                Ok(rest) => {
                    first.merge(rest);
                    Gathered::All(first)
                }
                Err(_) => Gathered::Gone,
            },
            told = pulse.told() => match told {
                Told::Stop => Gathered::Stop,
                Told::Lost => Gathered::Gone,
            },
            // It never ran: its lease runs out, and another runs it.
            _ = self.phase.wait_for(|phase| *phase == Phase::Stopping) => Gathered::Gone,
        }
    }

    /// Runs its program.
    async fn work(&mut self, started: &mut Started, pulse: &mut Pulse) -> Worked {
        let ready = match self.prepare(started).await {
            Ok(Some(ready)) => ready,
            Ok(None) => return Worked::Lost,
            Err(error) => return Worked::Unfit(error),
        };
        let Ready { mut record, folder, pipe, plan, fields } = ready;
        let (child, printed) = match Child::start(&plan, folder.path(), &folder.work()) {
            Ok(child) => child,
            Err(error) if is_of_the_job(&error) => return Worked::Impossible(error),
            Err(error) => return Worked::Unfit(error),
        };
        let limits = Limits {
            runtime: self.settings.runtime_limit,
            stall: self.settings.stall_limit,
            grace: self.settings.cancel_grace,
        };
        let counts = Arc::clone(&started.counts);
        let row = Row::show(started.key(), &started.job.spider, counts);
        let crawl = Crawl::new(child, pipe, output::lines_of(printed), limits);
        let went = crawl.follow(&mut record, pulse, &mut self.phase).await;
        drop(row);
        match went {
            Went::Lost => Worked::Lost,
            Went::Ended { exit, close_reason, unfit } => Worked::Ended {
                end: End {
                    exit: Some(exit),
                    close_reason,
                    fields,
                    stats: record.stats(),
                    counters: record.counters(),
                },
                tail: record.tail(),
                unfit: unfit || record.flush().is_err(),
            },
        }
    }

    /// Makes all that its program needs; `None`: the job was lost meanwhile. An error: this
    /// runner can't do its work.
    async fn prepare(&self, started: &mut Started) -> io::Result<Option<Ready>> {
        let files = self.settings.data_dir.join(started.key());
        let most = self.settings.rotate_bytes;
        let counts = Arc::clone(&started.counts);
        let record = Record::create(started.key(), &files, most, counts)?;
        let fields = self.describe(started, &record).await;
        let fields = match self.tell(started, fields).await {
            Ok(()) => BTreeMap::new(),
            Err((_, Refusal::Lost)) => return Ok(None),
            Err((fields, refusal)) => {
                tracing::warn!(job = started.key(), %refusal, "paths and version are not written yet");
                fields
            }
        };
        let folder = Folder::create()?;
        let (path, receiver, sender) = folder.pipe()?;
        let plan = self.plan(started, &folder, &path)?;
        Ok(Some(Ready { record, folder, pipe: (receiver, sender), plan, fields }))
    }

    /// What only the runner knows of the job: metadata to write.
    async fn describe(&self, started: &mut Started, record: &Record) -> BTreeMap<String, String> {
        let mut fields = BTreeMap::new();
        let [log, items] = record.paths();
        for (name, path) in [("log_path", log), ("items_path", items)] {
            let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
            let json = Value::from(path.to_string_lossy()).to_string();
            fields.insert(name.to_owned(), json);
        }
        let metadata = &mut started.job.metadata;
        if !metadata.contains_key("version")
            && let Some(version) = self.version().await
        {
            let json = Value::from(version).to_string();
            fields.insert("version".to_owned(), json);
        }
        if !metadata.contains_key("deploy_id")
            && let Some(id) = self.settings.deploy_id
        {
            fields.insert("deploy_id".to_owned(), id.to_string());
        }
        // Its program is told too.
        metadata.extend(fields.clone());
        fields
    }

    /// Writes it; gives it back where that was not done.
    async fn tell(
        &self,
        started: &Started,
        fields: BTreeMap<String, String>,
    ) -> Result<(), (BTreeMap<String, String>, Refusal)> {
        let mut update = started.held.update();
        update.metadata.clone_from(&fields);
        let project = started.held.project;
        let done = self.queue.update(project, update, String::new()).await;
        done.map_err(|refusal| (fields, refusal))
    }

    async fn version(&self) -> Option<String> {
        if let Some(version) = &self.settings.version {
            return Some(version.clone());
        }
        match &self.settings.work {
            Work::Scrapy { project: Some(project), .. } => version::of(project).await,
            Work::Scrapy { project: None, .. } | Work::Command(_) => None,
        }
    }

    fn plan(&self, started: &Started, folder: &Folder, pipe: &std::path::Path) -> io::Result<Plan> {
        let view = View {
            job: &started.job,
            token: &started.token,
            server: self.settings.server.trim_end_matches('/'),
            unit_memory: self.settings.unit_memory,
        };
        let mut environment = view.variables(pipe, folder.path())?;
        environment.push(("TMPDIR".into(), folder.temporary().into()));
        let command = match &self.settings.work {
            Work::Scrapy { start, project } => {
                if let Some(project) = project {
                    let own = environment.iter().find(|(name, _)| name == "PYTHONPATH");
                    let more = own.map(|(_, value)| value.clone());
                    let more = more.or_else(|| env::var_os("PYTHONPATH"));
                    let path = project::join(project, &folder.work(), &folder.site(), more)?;
                    environment.push(("PYTHONPATH".into(), path));
                }
                start.clone()
            }
            Work::Command(template) => template.fill(&Places {
                key: started.key(),
                project: &started.held.project.to_string(),
                spider: &started.job.spider,
                spider_args: &view.spider_args(),
                cmd_args: &view.cmd_args(),
            }),
        };
        Ok(Plan { command: command.into_iter().map(OsString::from).collect(), environment })
    }

    /// Finishes it on the server, then says so here.
    async fn end(&self, started: &Started, end: &End, tail: &str) {
        if !finish(self, &started.held, end).await {
            return;
        }
        let (job, reason, counters) = (started.key(), &end.close_reason, end.counters);
        let (items, pages) = (counters.items(), counters.pages());
        let errors = counters.errors();
        if reason == "failed" {
            let exit = end.exit.map(|exit| exit.to_string());
            let exit = exit.unwrap_or_default();
            tracing::warn!(job, reason, items, pages, errors, exit, "ended; it said last:\n{tail}");
        } else {
            tracing::info!(job, reason, items, pages, errors, "ended");
        }
    }
}

/// Whether a program can't be started because of what its job says: arguments or environment
/// that no system takes.
fn is_of_the_job(error: &io::Error) -> bool {
    let too_big = rustix::io::Errno::TOOBIG.raw_os_error();
    error.raw_os_error() == Some(too_big) || error.kind() == io::ErrorKind::InvalidInput
}

/// All that a job's program needs.
struct Ready {
    record: Record,
    folder: Folder,
    pipe: (Receiver, Sender),
    plan: Plan,
    /// Metadata that the server has not heard.
    fields: BTreeMap<String, String>,
}

/// What became of a job's program.
enum Worked {
    Ended {
        end: End,
        tail: String,
        /// Whether this runner could not write its files.
        unfit: bool,
    },
    /// The job is no longer ours.
    Lost,
    /// Nobody could run it.
    Impossible(io::Error),
    /// This runner can't; another may.
    Unfit(io::Error),
}

enum Gathered {
    All(OwnedSemaphorePermit),
    Stop,
    Gone,
}
