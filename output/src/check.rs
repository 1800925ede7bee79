//! Checking the output of a job: that all its objects can be read, and no line is missing.

use std::collections::BTreeMap;

use spiderq_core::{
    error::{Error, Result},
    model::JobKey,
};
use tokio::task::spawn_blocking;

use crate::{OutputId, OutputKind, Outputs, SegmentName, backend::Peeked, segment, tail::Tail};

/// The name of a tail, after the stem of its output.
const TAIL: &str = "tail";

/// Something that is wrong with the output of a job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// What is wrong; one line.
    pub what: String,
    /// Objects that should not be there: removing them is the repair. None: it can't be repaired.
    pub superfluous: Vec<String>,
}

impl Problem {
    const fn lasting(what: String) -> Self {
        Self { what, superfluous: Vec::new() }
    }
}

impl Outputs {
    /// Reads all output of a job, which was started `attempts` times. Changes nothing.
    pub async fn check(&self, key: JobKey, attempts: u32) -> Result<Vec<Problem>> {
        let (mut problems, mut outputs) = (Vec::new(), BTreeMap::new());
        for (name, _) in self.objects(key).await? {
            match OutputId::split(&name) {
                Some((output, rest)) if rest == TAIL || SegmentName::parse(rest).is_some() => {
                    outputs.entry(output).or_insert_with(Vec::new).push(name);
                }
                Some(_) | None => {
                    problems.push(Problem::lasting(format!("{name} is no part of an output")));
                }
            }
        }
        for ((attempt, kind), names) in outputs {
            if attempt > attempts {
                let kind = kind.as_str();
                problems.push(Problem {
                    what: format!(
                        "has {kind} of attempt {attempt}, but was started {attempts} times"
                    ),
                    superfluous: names,
                });
                continue;
            }
            problems.extend(self.check_output(OutputId { key, attempt, kind }, &names).await?);
        }
        Ok(problems)
    }

    async fn check_output(&self, id: OutputId, names: &[String]) -> Result<Vec<Problem>> {
        let stem = format!("{}.", id.stem());
        let parsed = |name: &String| SegmentName::parse(name.strip_prefix(&stem)?);
        let mut segments: Vec<SegmentName> = names.iter().filter_map(parsed).collect();
        segments.sort_unstable();
        let (mut problems, mut next) = (Vec::new(), 0);
        for segment in &segments {
            let name = format!("{stem}{}", segment.text());
            let within = |other: &SegmentName| {
                other != segment && other.start <= segment.start && other.end >= segment.end
            };
            if segments.iter().any(within) {
                let what = format!("{name} has lines that another segment has too");
                problems.push(Problem { what, superfluous: vec![name] });
                continue;
            }
            if segment.start > next {
                problems.push(missing(&id, next, segment.start));
            }
            next = next.max(segment.end);
            let object = self.backend().get(id.key, &name).await?;
            let (own, segment) = (id, *segment);
            let check = move || is_good(&own, segment, object.as_deref());
            if !spawn_blocking(check).await.map_err(Error::bug)? {
                problems.push(Problem::lasting(format!("{name} is damaged")));
            }
        }
        match self.tail_start(&id).await {
            Ok(Some(start)) if start > next => problems.push(missing(&id, next, start)),
            Ok(_) => {}
            Err(Error::Damaged(_)) => {
                problems.push(Problem::lasting(format!("{stem}{TAIL} is damaged")));
            }
            Err(error) => return Err(error),
        }
        Ok(problems)
    }

    async fn tail_start(&self, id: &OutputId) -> Result<Option<u64>> {
        Ok(match self.backend().peek_tail(id, None).await? {
            Peeked::Whole(bytes) | Peeked::More(bytes) => Some(Tail::parse(id, &bytes)?.start()),
            Peeked::Missing => None,
        })
    }

    /// Removes what a check found superfluous.
    pub async fn repair(&self, key: JobKey, problem: &Problem) -> Result<bool> {
        for name in &problem.superfluous {
            self.backend().remove(key, name).await?;
        }
        Ok(!problem.superfluous.is_empty())
    }
}

fn missing(id: &OutputId, from: u64, to: u64) -> Problem {
    let OutputId { attempt, kind, .. } = id;
    let kind: &OutputKind = kind;
    let what =
        format!("{} of attempt {attempt}: lines {from} to {} are missing", kind.as_str(), to - 1);
    Problem::lasting(what)
}

/// Whether the segment has the lines that its name says.
fn is_good(id: &OutputId, name: SegmentName, object: Option<&[u8]>) -> bool {
    let Some(object) = object else { return false };
    let (Ok((header, _)), Ok(lines)) = (segment::header(object), segment::lines(object)) else {
        return false;
    };
    let count = memchr::memchr_iter(b'\n', &lines).count() as u64;
    header.kind == id.kind
        && header.attempt == id.attempt
        && header.key == id.key.to_string()
        && header.start == name.start
        && count == header.own.lines
        && name.end == name.start + count
}
