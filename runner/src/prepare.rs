//! Makes what a job's program needs before it starts: files for its output, a folder, a pipe, its
//! command line and environment. Also writes the metadata that only the runner knows.

use std::{collections::BTreeMap, env, ffi::OsString, io, path::Path};

use serde_json::Value;
use spiderq_proto::v1::{JobUpdate, OutputKind};
use tokio::time::timeout;

use crate::{
    child::ProcessSpec,
    client::{AppendError, CALL_TIMEOUT, CallError},
    code_version::code_version,
    context::Context,
    environment::JobEnvironment,
    fifo::Fifo,
    job::StartedJob,
    job_folder::JobFolder,
    output_files::OutputFiles,
    output_sender::OutputSender,
    output_sink::OutputSink,
    scrapy_project::link_project,
    settings::Work,
    spool_record::Owner,
    template::Values,
    users::User,
};

pub(crate) struct Prepared {
    pub(crate) sink: OutputSink,
    /// `None`: the server keeps no output.
    pub(crate) sender: Option<OutputSender>,
    pub(crate) folder: JobFolder,
    pub(crate) fifo: Fifo,
    pub(crate) spec: ProcessSpec,
    /// Metadata that the server could not take yet: it is sent when the job ends.
    pub(crate) unsent_fields: BTreeMap<String, String>,
}

impl Context {
    /// `None`: the lease is lost. An error means that this runner can't run jobs.
    pub(crate) async fn prepare(&self, started: &mut StartedJob) -> io::Result<Option<Prepared>> {
        let data = self.settings.data_dir.join(started.key());
        let (rotate_bytes, max_bytes) = (self.settings.rotate_bytes, self.settings.max_bytes);
        let is_sent = self.server_keeps_output(started).await;
        let (server, attempt) = (&self.settings.server, started.job.attempt);
        let owner = is_sent.then(|| Owner::new(server, &started.held, attempt));
        let files = OutputFiles::create(&data, rotate_bytes, max_bytes, owner.as_ref())?;
        let (client, held) = (self.client.clone(), started.held.clone());
        let readers = files.readers(self.settings.keep_local);
        let (wake, record) = (files.wake(), files.record());
        let mut sink = OutputSink::new(started.key(), files, started.counters.clone());
        let fields = self.runner_fields(started, &sink).await;
        // The program finds them in its job data too.
        started.job.metadata_json.extend(fields.clone());
        let update = JobUpdate { metadata_json: fields.clone(), ..JobUpdate::default() };
        let unsent_fields = match self.client.update(&started.held, update, String::new()).await {
            Ok(()) => BTreeMap::new(),
            Err(CallError::LeaseLost) => return Ok(None),
            Err(error) => {
                let job = started.key();
                tracing::warn!(job, %error, "metadata not written, retrying at the job's end");
                fields
            }
        };
        // Only now: the lease may have been lost.
        let sender = is_sent.then(|| OutputSender::start(client, held, readers, record, wake));
        let folder = JobFolder::create()?;
        let fifo = Fifo::create(&folder.fifo())?;
        let spec = match self.process_spec(started, &folder) {
            Ok(spec) => spec,
            Err(error) => {
                sink.not_run(&error.to_string())?;
                if let Some(mut sender) = sender {
                    // A server that is away by now never gets this line.
                    let _ = timeout(CALL_TIMEOUT, sender.finish()).await;
                }
                return Err(error);
            }
        };
        if let Some(user) = spec.user {
            folder.give_to(user)?;
        }
        Ok(Some(Prepared { sink, sender, folder, fifo, spec, unsent_fields }))
    }

    /// Whether the job's output goes to the server. One that is away may keep it later.
    async fn server_keeps_output(&self, started: &StartedJob) -> bool {
        let (client, held) = (&self.client, &started.held);
        let answer = client.append_output(held, OutputKind::Logs, 0, Vec::new()).await;
        answer != Err(AppendError::Disabled)
    }

    /// Metadata that only the runner knows: its name, where the output goes if it stays here, and
    /// which code runs.
    async fn runner_fields(
        &self,
        started: &StartedJob,
        sink: &OutputSink,
    ) -> BTreeMap<String, String> {
        let mut fields = BTreeMap::new();
        let [log, items] = sink.paths();
        fields.insert("runner".to_owned(), Value::from(self.settings.name.as_str()).to_string());
        let stays = self.settings.keep_local || !sink.is_sent();
        for (name, path) in [("log_path", log), ("items_path", items)].into_iter().filter(|_| stays)
        {
            let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
            fields.insert(name.to_owned(), Value::from(path.to_string_lossy()).to_string());
        }
        let metadata = &started.job.metadata_json;
        if !metadata.contains_key("version")
            && let Some(version) = self.code_version(started.held.project).await
        {
            fields.insert("version".to_owned(), Value::from(version).to_string());
        }
        if !metadata.contains_key("deploy_id")
            && let Some(id) = self.settings.deploy_id
        {
            fields.insert("deploy_id".to_owned(), id.to_string());
        }
        fields
    }

    async fn code_version(&self, project: i64) -> Option<String> {
        if let Some(version) = &self.settings.version {
            return Some(version.clone());
        }
        match &self.settings.work {
            Work::Scrapy { project: Some(folder), .. } => {
                code_version(folder, self.settings.users.of(project)).await
            }
            Work::Scrapy { project: None, .. } | Work::Command { .. } => None,
        }
    }

    fn process_spec(&self, started: &StartedJob, folder: &JobFolder) -> io::Result<ProcessSpec> {
        let job = JobEnvironment {
            job: &started.job,
            token: &started.token,
            server: self.settings.server.trim_end_matches('/'),
            unit_memory: self.settings.unit_memory,
            allowed: match &self.settings.work {
                Work::Scrapy { .. } => None,
                Work::Command { allowed, .. } => Some(allowed),
            },
        };
        let units = u32::try_from(started.job.units).unwrap_or(1).max(1);
        let user = self.settings.users.of(started.held.project);
        let mut environment = user.map(User::variables).unwrap_or_default();
        environment.extend(job.variables(&folder.fifo(), folder.path())?);
        environment.push(("TMPDIR".into(), folder.temporary().into()));
        let command = match &self.settings.work {
            Work::Scrapy { start, project } => {
                if let Some(project) = project {
                    let path = python_path(&environment, project, folder)?;
                    environment.push(("PYTHONPATH".into(), path));
                }
                start.clone()
            }
            Work::Command { template, .. } => {
                let filled = template.fill(&Values {
                    job_key: started.key(),
                    project: &started.held.project.to_string(),
                    spider: &started.job.spider_name,
                    spider_args: &job.spider_args(),
                    cmd_args: &job.cmd_args(),
                });
                filled.map_err(|why| io::Error::new(io::ErrorKind::InvalidInput, why))?
            }
        };
        Ok(ProcessSpec {
            command: command.into_iter().map(OsString::from).collect(),
            environment,
            user: user.map(|user| (user.uid, user.gid)),
            limits: self.settings.limits.of_units(units),
        })
    }
}

/// The project first, then the `PYTHONPATH` of the job or else of the runner.
fn python_path(
    environment: &[(OsString, OsString)],
    project: &Path,
    folder: &JobFolder,
) -> io::Result<OsString> {
    let of_job = environment.iter().find(|(name, _)| name == "PYTHONPATH");
    let path = of_job.map(|(_, value)| value.clone()).or_else(|| env::var_os("PYTHONPATH"));
    link_project(project, &folder.work(), &folder.site_packages(), path)
}
