//! The queue of a project: adding jobs, handing them to workers, and its events.

use async_trait::async_trait;
use rusqlite::{Connection, Row, named_params, params};
use spiderq_core::{
    effect::{self, StoredJob, check_running, tags_with_spider},
    error::{self, Error},
    model::{ClaimFilter, Fence, FieldSelection, JobKey, Millis, ProjectId, State, UniqueKey},
    store::{
        AddOutcome, Added, Changed, Claimed, Effect, EventCursor, Events, NewJob, Notifications,
        Pushed, QueueStore, RequestDigest, RunningLimit,
    },
};

use crate::{
    SqliteStore,
    error::Result,
    events,
    job_row::{self, JobRow, first, int, job_id, spider_id},
    jobs::save,
    next_job,
    project_step::ProjectStep,
    projects::find_spider,
    request_ids::{self, Once},
    spiders::default_tags,
};

#[async_trait]
impl QueueStore for SqliteStore {
    async fn add(
        &self,
        project: ProjectId,
        jobs: Vec<NewJob>,
        now: Millis,
        request_id: Option<&RequestDigest>,
    ) -> error::Result<Vec<AddOutcome>> {
        let once = Once { project, request_id: request_id.cloned(), now };
        let step = move |connection: &_| {
            once.run_parts(connection, jobs, false, |jobs| add(connection, project, jobs, now))
        };
        self.write(project, step, |outcomes| outcomes.iter().any(AddOutcome::is_ok)).await
    }

    async fn claim(
        &self,
        project: ProjectId,
        wanted: &ClaimFilter,
        effect: &Effect,
        now: Millis,
        request_id: Option<&RequestDigest>,
    ) -> error::Result<Option<Claimed>> {
        let once = Once { project, request_id: request_id.cloned(), now };
        let (wanted, effect) = (wanted.clone(), effect.clone());
        let step = move |connection: &_| {
            let work = || claim(connection, project, &wanted, &effect, now);
            let encode = |claimed: &Option<_>| claimed.as_ref().map(request_ids::encode_claimed);
            once.run(connection, work, encode, |reply| {
                let (key, fence) = request_ids::decode_claimed(project, reply)?;
                claimed_before(connection, key, fence, now)
            })
        };
        self.write(project, step, Option::is_some).await
    }

    async fn oldest_pending(&self, project: ProjectId, limit: usize) -> error::Result<Vec<JobKey>> {
        let read = move |connection: &_| oldest_pending(connection, project, limit);
        self.readers.call(project, read).await
    }

    async fn subscribe(&self, project: ProjectId) -> error::Result<Notifications> {
        Ok(self.notifiers.subscribe(project))
    }

    async fn subscribe_output(&self, project: ProjectId) -> error::Result<Notifications> {
        Ok(self.output_notifiers.subscribe(project))
    }

    async fn notify_output(&self, project: ProjectId) -> error::Result<()> {
        self.output_notifiers.notify(project);
        Ok(())
    }

    async fn events(
        &self,
        project: ProjectId,
        after: Option<EventCursor>,
        limit: usize,
    ) -> error::Result<Events> {
        let read = move |connection: &_| events::read(connection, project, after, limit);
        let (events, kept) = match self.readers.call(project, read).await? {
            Some(events) => (events, true),
            None => {
                let step =
                    move |connection: &_| events::begin_and_read(connection, project, after, limit);
                self.writer.call(step).await?
            }
        };
        if kept {
            self.last_reads.read_now(project);
        }
        Ok(events)
    }
}

/// Adds `jobs` in order.
pub(crate) fn add(
    connection: &Connection,
    project: ProjectId,
    jobs: Vec<NewJob>,
    now: Millis,
) -> Result<Vec<AddOutcome>> {
    let mut project = ProjectStep::load(connection, project)?;
    let outcomes = jobs.into_iter().map(|job| add_one(&mut project, job, now));
    let outcomes = outcomes.collect::<Result<_>>()?;
    project.save()?;
    Ok(outcomes)
}

fn add_one(project: &mut ProjectStep<'_>, new: NewJob, now: Millis) -> Result<AddOutcome> {
    if let Some(unique) = &new.unique
        && let Some(holder) = holder(project, unique)?
    {
        return Ok(Err(Pushed::Duplicate(holder)));
    }
    let tags = if new.spider_tags {
        let spider = default_tags(project.connection, project.id, &new.spider)?;
        match tags_with_spider(&spider, &new.tags) {
            Some(tags) => tags,
            None => return Ok(Err(Pushed::TooManyTags)),
        }
    } else {
        new.tags.clone()
    };
    if let Some(limit) = limit(project, &new)? {
        return Ok(Err(Pushed::AtLimit(limit)));
    }
    // Numbers last: a refused job takes none.
    let spider = project.spider(&new.spider)?;
    let key = JobKey { project: project.id, spider, job: project.next_job(spider)? };
    let position = project.next_position(now);
    let stored = StoredJob::added(new, tags, key, position, now);
    let stored = JobRow::insert(project.connection, stored)?;
    project.added(&stored)?;
    Ok(Ok(Added { key, position, time: now, tags: stored.job.tags }))
}

/// What does not allow the job to begin running, if it is to. A spider without a number has no
/// limit of its own.
fn limit(project: &mut ProjectStep<'_>, new: &NewJob) -> Result<Option<RunningLimit>> {
    if new.state != State::Running {
        return Ok(None);
    }
    let spider = find_spider(project.connection, project.id, new.spider.as_str())?;
    check_running(project, 1, new.units.get().into(), spider)
}

/// The active job that holds the unique key.
fn holder(project: &ProjectStep<'_>, unique: &UniqueKey) -> Result<Option<JobKey>> {
    let sql = "SELECT spider, job FROM jobs WHERE project = ?1 AND unique_key = ?2";
    let key = params![int(project.id.get()), unique.as_str()];
    let read = |row: &Row<'_>| Ok((row.get("spider")?, row.get("job")?));
    let found = first(project.connection, sql, key, read)?;
    let key = |(spider, job)| {
        Ok(JobKey { project: project.id, spider: spider_id(spider)?, job: job_id(job)? })
    };
    found.map(key).transpose()
}

/// Takes the next job that is wanted, if it may run.
pub(crate) fn claim(
    connection: &Connection,
    project: ProjectId,
    wanted: &ClaimFilter,
    effect: &Effect,
    now: Millis,
) -> Result<Option<Claimed>> {
    let mut project = ProjectStep::load(connection, project)?;
    // Where not even the lightest job may run, there is no need to look for one.
    if check_running(&mut project, 1, 1, None)?.is_some() {
        return Ok(None);
    }
    let Some(id) = next_job::find(&mut project, wanted)? else {
        return Ok(None);
    };
    let row = JobRow::by_id(connection, id, &FieldSelection::Full)?;
    let next = project.next_position(now);
    let applied = match effect::apply(&row.stored, effect, now, next, &mut project)? {
        Ok(applied) => applied,
        Err(Changed::AtLimit(_)) => return Ok(None),
        Err(refusal) => return Err(Error::bug(format!("a claim is refused: {refusal:?}")).into()),
    };
    let fence = applied.after.fence.clone();
    let fence = fence.ok_or_else(|| Error::bug("a claim does not start its job"))?;
    let job = save(&mut project, row, applied)?;
    project.save()?;
    Ok(Some(Claimed { job, fence }))
}

/// The job of a claim that was made before, as it is now, if that attempt still holds it.
fn claimed_before(
    connection: &Connection,
    key: JobKey,
    fence: Fence,
    now: Millis,
) -> Result<Option<Claimed>> {
    let row = JobRow::by_key(connection, key, Some(&FieldSelection::Full))?;
    let held = row.filter(|row| row.stored.is_held_by(&fence, now));
    let row = held.ok_or_else(|| spiderq_core::error::Error::Stale(key))?;
    Ok(Some(Claimed { job: row.stored.job, fence }))
}

/// Pending jobs of lowest position.
fn oldest_pending(
    connection: &Connection,
    project: ProjectId,
    limit: usize,
) -> Result<Vec<JobKey>> {
    let mut statement = connection.prepare_cached(include_str!("sql/oldest_pending.sql"))?;
    let bounds = named_params! { ":project": int(project.get()), ":limit": job_row::limit(limit) };
    let mut rows = statement.query(bounds)?;
    let mut keys = Vec::new();
    while let Some(row) = rows.next()? {
        let (spider, job) = (spider_id(row.get("spider")?)?, job_id(row.get("job")?)?);
        keys.push(JobKey { project, spider, job });
    }
    Ok(keys)
}
