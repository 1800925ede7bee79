//! A job as a row of `jobq/P/list` (contract 4).

use spiderq_proto::{
    Timestamp,
    v1::{Job, JobCounters},
};

use super::{
    Object,
    fields::{field, state_name, tags, time},
    time::ms,
};

/// Fields that every row has.
const ALWAYS: [&str; 4] = ["key", "ts", "state", "elapsed"];
/// Fields of metadata in the usual row.
const USUAL_METADATA: [&str; 2] = ["close_reason", "version"];

/// The fields of metadata that a row with this `jobmeta` may show.
pub(crate) fn metadata_fields(jobmeta: &[String]) -> Vec<String> {
    match jobmeta {
        [] => USUAL_METADATA.map(str::to_owned).into(),
        named => named.to_vec(),
    }
}

/// A row as of `read_time`, the clock of the service. Another server, whose clock is ahead, may have
/// moved the job.
pub(crate) fn row_at(job: &Job, read_time: Option<&Timestamp>, jobmeta: &[String]) -> String {
    let elapsed = ms(read_time) - ms(job.state_time.as_ref());
    row(job, elapsed.max(0), jobmeta)
}

/// `elapsed` is in milliseconds. With `jobmeta` the row has just the fields that it names;
/// without, the usual ones.
pub(crate) fn row(job: &Job, elapsed: i64, jobmeta: &[String]) -> String {
    let mut row = Object::new();
    row.text("key", &job.key)
        .number("ts", ms(job.state_time.as_ref()))
        .text("state", state_name(job.state()))
        .number("elapsed", elapsed);
    if jobmeta.is_empty() {
        add_usual(&mut row, job);
    } else {
        add_named(&mut row, job, jobmeta);
    }
    row.finish()
}

fn add_usual(row: &mut Object, job: &Job) {
    row.text("spider", &job.spider_name);
    for (name, time_of_state) in [
        ("pending_time", &job.pending_time),
        ("running_time", &job.running_time),
        ("finished_time", &job.finished_time),
    ] {
        if let Some(millis) = time(time_of_state.as_ref()) {
            row.raw(name, &millis);
        }
    }
    if !job.tags.is_empty() {
        row.raw("tags", &tags(job));
    }
    for name in USUAL_METADATA {
        if let Some(json) = field(job, name) {
            row.raw(name, &json);
        }
    }
    for name in ["items", "logs", "pages", "errors"] {
        if let Some(count) = counter(job, name) {
            row.number(name, count);
        }
    }
}

fn add_named(row: &mut Object, job: &Job, jobmeta: &[String]) {
    if !job.tags.is_empty() && !jobmeta.iter().any(|name| name == "tags") {
        row.raw("tags", &tags(job));
    }
    for (index, name) in jobmeta.iter().enumerate() {
        let repeated = jobmeta[..index].contains(name);
        if repeated || ALWAYS.contains(&name.as_str()) {
            continue;
        }
        if let Some(json) = field(job, name) {
            row.raw(name, &json);
        } else if let Some(count) = counter(job, name) {
            row.number(name, count);
        }
    }
}

fn counter(job: &Job, name: &str) -> Option<i64> {
    let JobCounters { items, pages, logs, errors } = job.counters?;
    match name {
        "items" => items,
        "pages" => pages,
        "logs" => logs,
        "errors" => errors,
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use spiderq_proto::{time::timestamp, v1::JobState};

    fn job() -> Job {
        Job {
            key: "53/7/81".to_owned(),
            spider_name: "s".to_owned(),
            state: JobState::Finished.into(),
            state_time: Some(timestamp(1_397_762_393_489)),
            pending_time: Some(timestamp(1)),
            finished_time: Some(timestamp(3)),
            tags: vec!["t".to_owned()],
            counters: Some(JobCounters { items: Some(5), logs: Some(0), ..JobCounters::default() }),
            metadata_json: [("close_reason", "\"no_reason\""), ("my", "[1.0, 2]")]
                .map(|(n, v)| (n.to_owned(), v.to_owned()))
                .into(),
            ..Job::default()
        }
    }

    #[test]
    fn a_usual_row_has_the_fields_that_are_set() {
        assert_eq!(
            row(&job(), 7, &[]),
            concat!(
                r#"{"key":"53/7/81","ts":1397762393489,"state":"finished","elapsed":7,"#,
                r#""spider":"s","pending_time":1,"finished_time":3,"tags":["t"],"#,
                r#""close_reason":"no_reason","items":5,"logs":0}"#
            )
        );
    }

    #[test]
    fn a_jobmeta_row_has_the_named_fields_and_those_of_every_row() {
        let names = ["my", "missing", "spider", "ts", "my", "items", "pages"];
        assert_eq!(
            row(&job(), 7, &names.map(str::to_owned)),
            concat!(
                r#"{"key":"53/7/81","ts":1397762393489,"state":"finished","elapsed":7,"#,
                r#""tags":["t"],"my":[1.0, 2],"spider":"s","items":5}"#
            )
        );
        assert_eq!(
            row(&job(), 7, &["tags".to_owned()]),
            concat!(
                r#"{"key":"53/7/81","ts":1397762393489,"state":"finished","elapsed":7,"#,
                r#""tags":["t"]}"#
            )
        );
    }
}
