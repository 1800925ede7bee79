//! Counters that are sums over the jobs of a sorted set.

use serde::Serialize;
use spiderq_core::{
    error::Result,
    model::{ProjectId, State},
    store::{CheckProgress, Subject},
};

use super::{Check, FindingRow};
use crate::{
    names::{RUNNING_UNITS, bytes_in, letter},
    scripts,
};

/// Jobs that one script adds up.
const PART: usize = 500;
/// How often a sum is begun anew when the project changes meanwhile.
const MAX_TRIES: usize = 5;

/// A field of the jobs of a state that is added up, and the counter that says how much it is.
#[derive(Clone, Copy)]
struct Sum {
    state: State,
    field: &'static str,
    counter: &'static str,
    text: &'static str,
}

fn sums() -> impl Iterator<Item = Sum> {
    let bytes = |state, text| {
        let sum = |counter| Sum { state, field: "z", counter, text };
        bytes_in(state).map(sum)
    };
    let units = Sum {
        state: State::Running,
        field: "u",
        counter: RUNNING_UNITS,
        text: "the units of the running jobs",
    };
    let finished = bytes(State::Finished, "the bytes of the finished jobs");
    let deleted = bytes(State::Deleted, "the bytes of the deleted jobs");
    [Some(units), finished, deleted].into_iter().flatten()
}

#[derive(Serialize)]
struct SumArg<'a> {
    repair: bool,
    set: &'a str,
    field: &'a str,
    counter: &'a str,
    text: &'a str,
    skip: usize,
    max_members: usize,
    sum: String,
    mark: String,
    sure: bool,
}

/// A sum, and the mark of the set and the counter at that time.
type Marked = (String, String);

/// What one walk over a set came to.
enum Walked {
    /// The sum agrees, or the difference was reported.
    Done,
    Differs(Marked),
    /// The set or the counter changed meanwhile.
    Changed,
}

impl Check<'_> {
    /// A set that is too long for one script is walked in parts, and counts only if nothing
    /// changed meanwhile; a difference, only if it is the same twice.
    pub(crate) async fn sums(&mut self, project: ProjectId) -> Result<()> {
        for sum in sums() {
            if !self.sum(project, sum).await? {
                let what = format!("{} could not be added up: they do not stand still", sum.text);
                (self.report)(CheckProgress::Unchecked(Subject::Project(project), what));
            }
        }
        Ok(())
    }

    /// Whether it could be checked.
    async fn sum(&mut self, project: ProjectId, sum: Sum) -> Result<bool> {
        let mut before = None;
        for _ in 0..MAX_TRIES {
            match self.walk_sum(project, sum, before.as_ref()).await? {
                Walked::Done => return Ok(true),
                Walked::Differs(marked) => before = Some(marked),
                Walked::Changed => before = None,
            }
        }
        Ok(false)
    }

    async fn walk_sum(
        &mut self,
        project: ProjectId,
        sum: Sum,
        before: Option<&Marked>,
    ) -> Result<Walked> {
        let (mut skip, mut total, mut mark) = (0, "0".to_owned(), String::new());
        loop {
            let argument = SumArg {
                repair: self.repair,
                set: letter(sum.state),
                field: sum.field,
                counter: sum.counter,
                text: sum.text,
                skip,
                max_members: PART,
                sum: total,
                mark: mark.clone(),
                // One script is one moment.
                sure: skip == 0 || before.is_some_and(|(_, before)| *before == mark),
            };
            let (now, part, done, counted, rows): (String, String, bool, String, Vec<FindingRow>) =
                self.run(project, &scripts::FSCK_SUM, &argument).await?;
            if !mark.is_empty() && now != mark {
                return Ok(Walked::Changed);
            }
            let agrees = counted == part || !rows.is_empty();
            self.report_rows(project, rows);
            match (done, agrees) {
                (true, true) => return Ok(Walked::Done),
                (true, false) => return Ok(Walked::Differs((part, now))),
                (false, _) => (mark, total, skip) = (now, part, skip + PART),
            }
        }
    }
}
