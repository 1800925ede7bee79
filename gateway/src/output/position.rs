//! Which lines a request asks for: `start`, `startafter`, `offset`, `index` and `count`.

use spiderq_core::limits::MAX_ITEMS;

use crate::{accepted_values, errors::Problem, params::Params};

/// A line among all of a project: its spider, job and offset.
pub(crate) type Position = (i64, i64, i64);

/// Offset of the first line that is asked for: the last of what the parameters name.
pub(crate) fn first_offset(params: &Params, job: &str) -> Result<i64, Problem> {
    let mut first = params.rows("offset")?.unwrap_or_default();
    for (name, more) in [("start", 0), ("startafter", 1)] {
        for key in given(params, name) {
            let offset = match key.rsplit_once('/') {
                None => number(&key),
                Some((of, offset)) if of == job => number(offset),
                Some(_) => None,
            };
            let accepted = || format!("must be the key of a line of this job, like {job}/0");
            let offset = offset.ok_or_else(|| Problem::invalid(name, accepted()))?;
            first = first.max(offset.saturating_add(more));
        }
    }
    Ok(first)
}

/// The first line that is asked for of a project, or of one spider of it.
pub(crate) fn first_position(
    params: &Params,
    project: i64,
    spider: Option<i64>,
) -> Result<Position, Problem> {
    let mut first = (0, 0, 0);
    for (name, more) in [("start", 0), ("startafter", 1)] {
        for key in given(params, name) {
            let numbers: Option<Vec<i64>> = key.split('/').map(number).collect();
            let position = match numbers.as_deref() {
                Some(&[of, spider, job, offset]) if of == project => {
                    Some((spider, job, offset.saturating_add(more)))
                }
                // After a job are the lines of the next.
                Some(&[of, spider, job]) if of == project => {
                    Some((spider, job.saturating_add(more), 0))
                }
                _ => None,
            };
            let position = position.filter(|(of, ..)| spider.is_none_or(|spider| spider == *of));
            let parent =
                spider.map_or(format!("{project}/1"), |spider| format!("{project}/{spider}"));
            let accepted = || format!("must be the key of a line of this list, like {parent}/1/0");
            first = first.max(position.ok_or_else(|| Problem::invalid(name, accepted()))?);
        }
    }
    Ok(first)
}

/// Runs of lines that `index` names, each with its first offset and its length; `None` where there
/// is no `index`.
pub(crate) fn indexed(params: &Params) -> Result<Option<Vec<(i64, i64)>>, Problem> {
    let given = given(params, "index");
    if given.is_empty() {
        return Ok(None);
    }
    if given.len() > MAX_ITEMS {
        let accepted = format!("must be given at most {MAX_ITEMS} times");
        return Err(Problem::invalid("index", accepted));
    }
    let offsets: Option<Vec<i64>> = given.iter().map(|text| number(text)).collect();
    let mut offsets =
        offsets.ok_or_else(|| Problem::invalid("index", accepted_values::NOT_NEGATIVE))?;
    offsets.sort_unstable();
    offsets.dedup();
    let mut runs: Vec<(i64, i64)> = Vec::new();
    for offset in offsets {
        match runs.last_mut() {
            Some((first, length)) if *first + *length == offset => *length += 1,
            _ => runs.push((offset, 1)),
        }
    }
    Ok(Some(runs))
}

/// The values of a repeatable parameter. Clients send an empty one for none.
fn given(params: &Params, name: &str) -> Vec<String> {
    let mut values = params.all(name);
    values.retain(|value| !value.is_empty());
    values
}

/// A number without a sign.
fn number(text: &str) -> Option<i64> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    fn params(query: &str) -> Params {
        Params::parse(query.as_bytes())
    }

    #[test]
    fn lines_of_a_job_begin_at_a_key_or_a_number() {
        for (query, offset) in [
            ("", 0),
            ("start=&startafter=", 0),
            ("start=1/2/3/7", 7),
            ("start=7", 7),
            ("startafter=1/2/3/7", 8),
            ("startafter=1/2/3/7&start=1/2/3/5&start=1/2/3/6", 8),
            ("offset=4", 4),
            ("startafter=9223372036854775807", i64::MAX),
        ] {
            assert_eq!(first_offset(&params(query), "1/2/3").unwrap(), offset, "{query}");
        }
        for (query, name) in [
            ("start=1/2/4/7", "start"),
            ("start=-1", "start"),
            ("startafter=1/2/3", "startafter"),
            ("startafter=1/2/3/x", "startafter"),
            ("startafter=1/2/3/", "startafter"),
        ] {
            let message = first_offset(&params(query), "1/2/3").unwrap_err().into_message();
            let accepted = "must be the key of a line of this job, like 1/2/3/0";
            assert_eq!(message, format!("{name}: {accepted}"), "{query}");
        }
    }

    #[test]
    fn lines_of_many_jobs_begin_at_a_key_of_one() {
        for (query, spider, position) in [
            ("", None, (0, 0, 0)),
            ("start=1/2/3/4", None, (2, 3, 4)),
            ("start=1/2/3/4", Some(2), (2, 3, 4)),
            ("startafter=1/2/3/4", None, (2, 3, 5)),
            ("start=1/2/3", None, (2, 3, 0)),
            ("startafter=1/2/3&start=1/2/1/9", None, (2, 4, 0)),
        ] {
            assert_eq!(first_position(&params(query), 1, spider).unwrap(), position, "{query}");
        }
        for (query, spider) in
            [("start=2/2/3/4", None), ("start=1/3/3/4", Some(2)), ("start=4", None)]
        {
            let message = first_position(&params(query), 1, spider).unwrap_err().into_message();
            let like = spider.unwrap_or(1);
            let accepted = format!("must be the key of a line of this list, like 1/{like}/1/0");
            assert_eq!(message, format!("start: {accepted}"), "{query}");
        }
    }

    #[test]
    fn neighbours_among_indexes_are_read_together() {
        assert_eq!(indexed(&params("")).unwrap(), None);
        let runs = indexed(&params("index=5&index=3&index=4&index=9&index=3")).unwrap();
        assert_eq!(runs, Some(vec![(3, 3), (9, 1)]));
        let message = indexed(&params("index=-1")).unwrap_err().into_message();
        assert_eq!(message, "index: must be an integer, 0 or more");
        let many = "index=1&".repeat(MAX_ITEMS + 1);
        let message = indexed(&params(&many)).unwrap_err().into_message();
        assert_eq!(message, "index: must be given at most 1000 times");
    }
}
