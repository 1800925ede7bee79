//! Jobs by key and by filter: reading, counting, changing, removing one. How a change applies is
//! [`spiderq_core::effect`]'s; here a job is only looked up and written.

use async_trait::async_trait;
use rusqlite::Connection;
use spiderq_core::{
    effect::{self, Applied},
    error::{self, Error},
    model::{FieldSelection, Filter, Job, JobKey, Millis, ProjectId, State},
    query::Wanted,
    store::{
        Change, Changed, Effect, JobStore, Page, PageRoom, Purged, RequestDigest, Skipped,
        count_by_steps, skip_a_page,
    },
};

use crate::{
    SqliteStore, count,
    error::{Result, StepError},
    job_row::JobRow,
    list,
    project_step::ProjectStep,
    request_ids::Once,
    writer::in_savepoint,
};

#[async_trait]
impl JobStore for SqliteStore {
    async fn get_first(
        &self,
        keys: &[JobKey],
        fields: &FieldSelection,
    ) -> error::Result<Vec<Option<Job>>> {
        // Only the reaper asks for jobs of several projects.
        let project = keys.first().map(|key| key.project);
        let (keys, fields) = (keys.to_vec(), fields.clone());
        let read = move |connection: &_| {
            let row = |key| JobRow::by_key(connection, key, Some(&fields));
            read_with_room(keys.into_iter().map(|key| Ok(row(key)?.map(|row| row.stored.job))))
        };
        self.readers.call(project, read).await
    }

    async fn page(
        &self,
        project: ProjectId,
        filter: &Filter,
        limit: usize,
        fields: &FieldSelection,
    ) -> error::Result<Page> {
        let (filter, fields) = (filter.clone(), fields.clone());
        let read = move |connection: &_| list::page(connection, project, &filter, limit, &fields);
        self.readers.call(project, read).await
    }

    async fn skip(&self, project: ProjectId, filter: &Filter, most: u64) -> error::Result<Skipped> {
        if filter.looks_into_jobs() {
            return skip_a_page(self, project, filter, most).await;
        }
        let filter = filter.clone();
        let read = move |connection: &_| list::skip(connection, project, &filter, most);
        self.readers.call(project, read).await
    }

    async fn count(&self, project: ProjectId, filter: &Filter) -> error::Result<u64> {
        if filter.looks_into_jobs() {
            return count_by_steps(self, project, filter).await;
        }
        let Some(wanted) = Wanted::new(filter) else { return Ok(0) };
        let plan = move |connection: &_| count::plan(connection, project, wanted.clone());
        let count = self.readers.call(project, plan).await?;
        tracing::debug!(project = project.get(), %count, "counting");
        let mut sum = count.known;
        for (sign, walk) in count.walks {
            let mut rest = Some(walk);
            while let Some(walk) = rest {
                let step = move |connection: &_| list::count(connection, project, &walk);
                let (jobs, next) = self.readers.call(project, step).await?;
                sum += sign * jobs;
                rest = next;
            }
        }
        Ok(u64::try_from(sum).unwrap_or(0))
    }

    async fn change(
        &self,
        project: ProjectId,
        changes: Vec<Change>,
        all_or_nothing: bool,
        now: Millis,
        request_id: Option<&RequestDigest>,
    ) -> error::Result<Vec<Changed>> {
        let once = Once { project, request_id: request_id.cloned(), now };
        let step = move |connection: &_| {
            let mut notify = false;
            let work = |changes: Vec<_>| {
                let changed;
                (changed, notify) = change(connection, project, &changes, all_or_nothing, now)?;
                Ok(changed)
            };
            let changed = once.run_parts(connection, changes, all_or_nothing, work)?;
            Ok((changed, notify))
        };
        let (changed, _) = self.write(project, step, |(_, notify)| *notify).await?;
        Ok(changed)
    }

    async fn purge(&self, key: JobKey) -> error::Result<Purged> {
        let step = move |connection: &_| purge(connection, key);
        self.write(key.project, step, |purged| *purged == Purged::Done).await
    }
}

/// The jobs, until the room of a step is used up, or until one cannot be read, which is an error
/// where it is the first.
pub(crate) fn read_with_room(
    jobs: impl Iterator<Item = Result<Option<Job>>>,
) -> Result<Vec<Option<Job>>> {
    let (mut read, mut room) = (Vec::new(), PageRoom::default());
    for job in jobs {
        let job = match job {
            Err(StepError::Store(Error::JobDamaged { .. })) if !read.is_empty() => break,
            job => job?,
        };
        let has_room = room.take(job.as_ref().map_or(0, Job::memory));
        read.push(job);
        if !has_room {
            break;
        }
    }
    Ok(read)
}

/// Applies `changes` in order; with `all_or_nothing` none of them after a refusal. Also tells
/// whether somebody may wait for what was done.
fn change(
    connection: &Connection,
    project: ProjectId,
    changes: &[Change],
    all_or_nothing: bool,
    now: Millis,
) -> Result<(Vec<Changed>, bool)> {
    in_savepoint(connection, |connection| {
        let mut project = ProjectStep::load(connection, project)?;
        let mut notify = false;
        let mut answers = Vec::with_capacity(changes.len());
        for change in changes {
            let (changed, notifies) = change_one(&mut project, change, now)?;
            answers.push(changed);
            notify |= notifies;
        }
        project.save()?;
        let keep = !(all_or_nothing && answers.iter().any(Changed::is_refusal));
        Ok(((answers, notify && keep), keep))
    })
}

fn change_one(
    project: &mut ProjectStep<'_>,
    change: &Change,
    now: Millis,
) -> Result<(Changed, bool)> {
    if change.key.project != project.id {
        return Err(Error::bug("a change names another project's job").into());
    }
    // Metadata may be long, and a heartbeat needs none of it.
    let fields = change.effects.iter().any(needs_metadata).then_some(&FieldSelection::Full);
    let row = JobRow::by_key(project.connection, change.key, fields)?;
    let next = project.next_position(now);
    let found = row.as_ref().map(|row| &row.stored);
    let (changed, applied) = effect::change(found, change, now, next, project)?;
    let Some((row, applied)) = row.zip(applied) else {
        return Ok((changed, false));
    };
    let notify = applied.notify;
    save(project, row, applied)?;
    Ok((changed, notify))
}

/// A job that enters the queue is read whole although nothing is done with its metadata: one that
/// is damaged would make every claim fail.
fn needs_metadata(effect: &Effect) -> bool {
    effect.touches_metadata() || matches!(effect.enter, Some((State::Pending, _)))
}

/// Writes what has become of a job, and its event.
pub(crate) fn save(project: &mut ProjectStep<'_>, row: JobRow, applied: Applied) -> Result<Job> {
    project.applied(&row.stored, &applied)?;
    Ok(row.update(project.connection, applied.after)?.job)
}

fn purge(connection: &Connection, key: JobKey) -> Result<Purged> {
    let Some(row) = JobRow::by_key(connection, key, None)? else {
        return Ok(Purged::Missing);
    };
    let state = row.stored.job.state;
    if state != State::Deleted {
        return Ok(Purged::Refused(state));
    }
    row.delete(connection)?;
    let mut project = ProjectStep::load(connection, key.project)?;
    project.removed(&row.stored)?;
    project.save()?;
    Ok(Purged::Done)
}
