//! A body may have more lines than one gRPC call takes. Its items then go in several calls, one
//! after the other.

use spiderq_core::{error::OUTCOME_UNKNOWN, limits::MAX_ITEMS};
use tonic::{Code, Status};

use crate::errors::Problem;

/// The items of one call.
pub(super) struct Batch<T> {
    pub(super) index: usize,
    pub(super) items: Vec<T>,
    pub(super) request_id: String,
}

/// There is always a first batch. That of a body without items is empty: it is sent so that the
/// service checks the credentials.
pub(super) fn batches<T>(items: Vec<T>, request_id: &str) -> impl Iterator<Item = Batch<T>> {
    let mut items = items.into_iter().peekable();
    (0..).map_while(move |index| {
        if index > 0 && items.peek().is_none() {
            return None;
        }
        let items = items.by_ref().take(MAX_ITEMS).collect();
        Some(Batch { index, items, request_id: batch_request_id(request_id, index) })
    })
}

/// The first batch keeps the caller's request id.
fn batch_request_id(request_id: &str, index: usize) -> String {
    match index {
        1.. if !request_id.is_empty() => format!("{request_id}/{index}"),
        _ => request_id.to_owned(),
    }
}

/// What a failed call of the batch at `index` means. If it was the first, its error is the
/// response. After that some lines are done already: the message goes to the lines that are not,
/// or may not be. A body without items is not an error in this API.
pub(super) fn failure(status: Status, index: usize, items: usize) -> Result<String, Problem> {
    let nothing_to_do = items == 0 && status.code() == Code::InvalidArgument;
    let problem = Problem::from(status);
    if index == 0 && !nothing_to_do {
        return Err(problem);
    }
    Ok(if problem.leaves_outcome_unknown() {
        OUTCOME_UNKNOWN.to_owned()
    } else {
        problem.into_message()
    })
}
