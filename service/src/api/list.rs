//! `ListJobs`: a page of a list, and the token of the next page.

use spiderq_proto::v1;

use super::{decode, encode};
use crate::{
    auth::Caller,
    domain::{Domain, ListOrder, ListQuery, PageCursor},
};
use spiderq_core::{
    error::{Error, Result},
    limits::{DEFAULT_PAGE_SIZE, MAX_PAGE_SIZE},
    model::{FieldName, FieldSelection, Job, Position, State, StateSet},
};

/// A field that each row of this list has, as those of the Jobs API do.
const SPIDER_ARGS: &str = "spider_args";

/// The page token holds the position of the last job, so that jobs that come or go in between
/// shift nothing.
pub(super) async fn list(
    domain: &Domain,
    caller: &Caller,
    message: v1::ListJobsRequest,
) -> Result<v1::ListJobsResponse> {
    let (size, with_total) = (size(message.page_size)?, message.with_total);
    let query = query(message, size)?;
    let mut total = 0;
    if with_total {
        total = domain.count_jobs(caller, query.project, &query.filter, &query.keys).await?;
    }
    let now = domain.now();
    let mut jobs = domain.list_jobs(caller, query).await?.collect().await?;
    let more = jobs.len() > size;
    jobs.truncate(size);
    let last = jobs.last().filter(|_| more);
    Ok(v1::ListJobsResponse {
        next_page_token: last.map(token).unwrap_or_default(),
        jobs: encode::jobs(jobs),
        total: encode::count(total),
        now: encode::millis(now),
    })
}

fn query(message: v1::ListJobsRequest, size: usize) -> Result<ListQuery> {
    let project = decode::project(message.project)?;
    let (filter, keys) = decode::filter(message.filter, StateSet::NOT_DELETED, StateSet::ALL)?;
    Ok(ListQuery {
        keys,
        order: order(message.order)?,
        after: cursor(&message.page_token)?,
        skip: message.offset,
        // One more than asked for shows whether there is a next page.
        limit: size as u64 + 1,
        fields: fields(message.view, &message.metadata_fields)?,
        ..ListQuery::new(project, filter)
    })
}

fn fields(view: i32, names: &[String]) -> Result<FieldSelection> {
    let spider_args = FieldName::known(SPIDER_ARGS);
    Ok(match decode::fields(view, names)? {
        FieldSelection::Full => FieldSelection::Full,
        FieldSelection::Row => FieldSelection::Named(vec![spider_args]),
        FieldSelection::Named(names) => {
            FieldSelection::Named(names.into_iter().chain([spider_args]).collect())
        }
    })
}

fn size(asked: u32) -> Result<usize> {
    match usize::try_from(asked) {
        Ok(0) => Ok(DEFAULT_PAGE_SIZE),
        Ok(size @ 1..=MAX_PAGE_SIZE) => Ok(size),
        Ok(_) | Err(_) => {
            Err(Error::invalid("page_size", format!("must be from 1 to {MAX_PAGE_SIZE}")))
        }
    }
}

fn order(number: i32) -> Result<ListOrder> {
    let bad = |_| Error::invalid("order", "must be LIST_ORDER_LATEST or LIST_ORDER_STATE");
    Ok(match v1::ListOrder::try_from(number).map_err(bad)? {
        v1::ListOrder::Unspecified | v1::ListOrder::Latest => ListOrder::Latest,
        v1::ListOrder::State => ListOrder::State,
    })
}

/// State and position, in hexadecimal: `2-cf1e2a8b0000`.
fn token(job: &Job) -> String {
    format!("{:x}-{:x}", job.state.index(), job.position.0)
}

fn cursor(token: &str) -> Result<Option<PageCursor>> {
    if token.is_empty() {
        return Ok(None);
    }
    let parsed = token.split_once('-').and_then(|(state, position)| {
        let index: usize = state.parse().ok()?;
        Some(PageCursor {
            state: *State::ALL.get(index)?,
            position: Position(u64::from_str_radix(position, 16).ok()?),
        })
    });
    parsed
        .map(Some)
        .ok_or_else(|| Error::invalid("page_token", "must be the next_page_token of a page before"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_token_holds_state_and_position() {
        let expected = PageCursor { state: State::Finished, position: Position(0xcf) };
        assert_eq!(cursor("2-cf").unwrap(), Some(expected));
        assert_eq!(cursor("").unwrap(), None);
        for bad in ["nonsense", "2", "2-", "4-cf", "-cf", "2-xyz", "+2-cf-1", "2-fffffffffffffffff"]
        {
            assert!(cursor(bad).is_err(), "{bad}");
        }
    }
}
