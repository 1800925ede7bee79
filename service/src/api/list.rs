//! `ListJobs`: a page of a list, and the token of the next page.

use spiderq_proto::v1;

use super::{
    decode, encode,
    fields::Fields,
    filter,
    paging::{self, PageTokens},
    view::View,
};
use crate::{
    auth::Caller,
    domain::{Domain, JobPage, JobSelection, ListOrder, ListQuery, PageCursor},
};
use spiderq_core::{
    Reservation,
    error::{Error, Result},
    limits::{DEFAULT_PAGE_SIZE, MAX_PAGE_SIZE},
    model::{Position, State},
};

struct Page {
    jobs: JobSelection,
    size: usize,
    after: Option<PageCursor>,
    skip: u64,
    order: ListOrder,
    view: View,
}

/// The page token holds the place of the last job, so that jobs that come or go in between
/// shift nothing.
pub(super) async fn list(
    domain: &Domain,
    caller: &Caller,
    message: v1::ListJobsRequest,
) -> Result<(v1::ListJobsResponse, Reservation)> {
    let tokens = PageTokens::of(
        "ListJobs",
        &v1::ListJobsRequest { page_size: 0, page_token: String::new(), ..message.clone() },
    );
    let with_total = message.with_total_size;
    let Page { jobs, size, after, skip, order, view } = decode(message, &tokens)?;
    let total = if with_total { domain.count_jobs(caller, &jobs).await? } else { 0 };
    let now = domain.now();
    // One more than asked for shows whether there is a next page.
    let (limit, fields) = (size as u64 + 1, view.fields.clone());
    let query = ListQuery { order, after, skip, limit, fields, ..ListQuery::from(jobs) };
    let mut room = domain.response_to(caller);
    let list = domain.list_jobs(caller, query).await?;
    let JobPage { jobs, next } = list.page(size, &mut room).await?;
    let response = v1::ListJobsResponse {
        next_page_token: next.map(|last| tokens.token(cursor(last))).unwrap_or_default(),
        jobs: encode::jobs(jobs, &view),
        total_size: encode::count(total),
        read_time: Some(encode::time(now)),
    };
    Ok((response, room.into_memory()))
}

fn decode(message: v1::ListJobsRequest, tokens: &PageTokens) -> Result<Page> {
    let mut fields = Fields::default();
    let jobs = fields.part(filter::selection(message.project, message.filter, filter::LIVE));
    let size = paging::page_size(message.page_size, DEFAULT_PAGE_SIZE, MAX_PAGE_SIZE);
    let size = fields.field("page_size", size);
    let after = fields.field("page_token", tokens.cursor(&message.page_token, parse_cursor));
    let skip = fields.field("skip", decode::not_negative("skip", message.skip));
    let order = fields.field("order", order(message.order));
    let view = fields.part(View::of(message.view, &message.metadata_fields));
    let (Some(jobs), Some(size), Some(after), Some(skip), Some(order), Some(view)) =
        (jobs, size, after, skip, order, view)
    else {
        return Err(fields.into_error());
    };
    // Those to skip come before the first page.
    let skip = if after.is_some() { 0 } else { skip };
    Ok(Page { jobs, size, after, skip, order, view })
}

fn order(number: i32) -> Result<ListOrder> {
    let bad = |_| Error::invalid("order", "must be LIST_ORDER_LATEST or LIST_ORDER_STATE");
    Ok(match v1::ListOrder::try_from(number).map_err(bad)? {
        v1::ListOrder::Unspecified | v1::ListOrder::Latest => ListOrder::Latest,
        v1::ListOrder::State => ListOrder::State,
    })
}

/// State and position, in hexadecimal: `2-cf1e2a8b0000`.
fn cursor(last: PageCursor) -> String {
    format!("{:x}-{:x}", last.state.index(), last.position.0)
}

fn parse_cursor(text: &str) -> Option<PageCursor> {
    let (state, position) = text.split_once('-')?;
    let index: usize = paging::number(state)?.try_into().ok()?;
    Some(PageCursor {
        state: *State::ALL.get(index)?,
        position: Position(paging::number(position)?),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_holds_state_and_position() {
        let expected = PageCursor { state: State::Finished, position: Position(0xcf) };
        assert_eq!(parse_cursor("2-cf"), Some(expected));
        for bad in ["", "nonsense", "2", "2-", "4-cf", "-cf", "2-xyz", "+2-cf", "2-0cf"] {
            assert_eq!(parse_cursor(bad), None, "{bad}");
        }
    }

    #[test]
    fn jobs_are_skipped_before_the_first_page_only() {
        let request = |page_token: String| v1::ListJobsRequest {
            project: 53,
            skip: 7,
            page_token,
            ..v1::ListJobsRequest::default()
        };
        let tokens = PageTokens::of("ListJobs", &request(String::new()));
        assert_eq!(decode(request(String::new()), &tokens).unwrap().skip, 7);
        let token = tokens.token("2-cf");
        assert_eq!(decode(request(token), &tokens).unwrap().skip, 0);
    }
}
