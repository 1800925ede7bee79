//! POST /jobq/P/update → UpdateQueue. A line for each job that was changed or refused. A
//! body with a bad line is refused before anything is done.

use spiderq_proto::v1::{JobUpdate, UpdateQueueRequest, UpdatedJob};

use super::{BATCH, StorageResult, batch_id, lines, nothing_to_do, told};
use crate::{
    call::Call,
    errors::Problem,
    lines::{Fields, entries},
    render::{Object, metadata::state},
};

pub(in crate::routes) async fn update(call: Call) -> StorageResult {
    let (project, request_id) = (call.project()?, call.request_id()?);
    let updates = entries(call.text()?)?.into_iter();
    let updates = updates.map(|entry| entry.fields.and_then(decode));
    let updates = updates.collect::<Result<Vec<_>, _>>()?;
    let mut updates = updates.into_iter().peekable();
    let (mut body, mut batch) = (String::new(), 0);
    // An empty body still asks, so that a wrong key is told.
    while batch == 0 || updates.peek().is_some() {
        let updates: Vec<JobUpdate> = updates.by_ref().take(BATCH).collect();
        let keys: Vec<String> = updates.iter().map(|update| update.key.clone()).collect();
        let request = call.request(UpdateQueueRequest {
            project,
            updates,
            request_id: batch_id(&request_id, batch),
        });
        match call.app.services.queue.update_queue(request).await {
            Ok(answer) => body.extend(answer.into_inner().results.iter().map(line)),
            Err(status) if nothing_to_do(&status, keys.len()) => {}
            Err(status) if batch == 0 => return Err(status.into()),
            // The batches before were done: say which were not.
            Err(status) => {
                let message = Problem::from(status).into_message();
                body.extend(keys.iter().map(|key| refused(key, &message)));
            }
        }
        batch += 1;
    }
    Ok(lines(body))
}

fn decode(mut fields: Fields<'_>) -> Result<JobUpdate, Problem> {
    let Some(key) = fields.text("key")? else {
        return Err(Problem::invalid("key", "is required, a job key like 123/1/2"));
    };
    Ok(JobUpdate {
        key,
        state: fields.state()?.into(),
        fence: fields.text("fence")?.unwrap_or_default(),
        metadata: fields.into_metadata(),
        ..JobUpdate::default()
    })
}

fn line(job: &UpdatedJob) -> String {
    if let Some(error) = &job.error {
        return refused(&job.key, &told(error));
    }
    let mut line = Object::new();
    line.text("key", &job.key).text("prevstate", state(job.previous_state()));
    line.finish() + "\n"
}

fn refused(key: &str, message: &str) -> String {
    let mut line = Object::new();
    line.text("key", key).text("error", message);
    line.finish() + "\n"
}
