//! `ListJobs`: a page of a list, and the token that leads to the next.

use spiderq_proto::v1;

use super::{decode, encode};
use crate::{
    auth::Caller,
    domain::{Domain, Order, Place, Walk},
};
use spiderq_core::{
    error::{Error, Result},
    model::{Job, Position, State, StateSet},
};

/// A page. Its token is the place of its last job: jobs that come or go move nothing.
pub(super) async fn list(
    domain: &Domain,
    caller: &Caller,
    message: v1::ListJobsRequest,
) -> Result<v1::ListJobsResponse> {
    let project = decode::project(message.project)?;
    let (filter, keys) = decode::filter(message.filter, StateSet::LIVE, StateSet::LIVE)?;
    let size = size(message.page_size)?;
    let total =
        if message.with_total { domain.count(caller, project, &filter, &keys).await? } else { 0 };
    let walk = Walk {
        project,
        filter,
        keys,
        order: order(message.order)?,
        after: place(&message.page_token)?,
        skip: message.offset,
        // One more than asked for tells whether there is a next page.
        most: size as u64 + 1,
        stop: None,
        fields: decode::fields(message.view, &message.metadata_fields)?,
    };
    let now = domain.now();
    let mut rows = domain.walk(caller, walk).await?;
    let mut jobs = Vec::new();
    while let Some(job) = rows.next().await? {
        jobs.push(job);
    }
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

fn size(asked: u32) -> Result<usize> {
    match usize::try_from(asked) {
        Ok(0) => Ok(100),
        Ok(size @ 1..=1_000) => Ok(size),
        Ok(_) | Err(_) => Err(Error::invalid("page_size", "must be from 1 to 1000")),
    }
}

fn order(number: i32) -> Result<Order> {
    let bad = |_| Error::invalid("order", "must be LIST_ORDER_LATEST or LIST_ORDER_STATE");
    Ok(match v1::ListOrder::try_from(number).map_err(bad)? {
        v1::ListOrder::Unspecified | v1::ListOrder::Latest => Order::Latest,
        v1::ListOrder::State => Order::State,
    })
}

/// State and position, in hexadecimal: `2-cf1e2a8b0000`.
fn token(job: &Job) -> String {
    format!("{:x}-{:x}", job.state.index(), job.position.0)
}

fn place(token: &str) -> Result<Option<Place>> {
    if token.is_empty() {
        return Ok(None);
    }
    let parsed = token.split_once('-').and_then(|(state, position)| {
        let index: usize = state.parse().ok()?;
        Some(Place {
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
    fn a_token_is_a_place() {
        let expected = Place { state: State::Finished, position: Position(0xcf) };
        assert_eq!(place("2-cf").unwrap(), Some(expected));
        assert_eq!(place("").unwrap(), None);
        for bad in ["nonsense", "2", "2-", "4-cf", "-cf", "2-xyz", "+2-cf-1", "2-fffffffffffffffff"]
        {
            assert!(place(bad).is_err(), "{bad}");
        }
    }
}
