//! The messages of `SummarizeQueue` and `ListLastJobs`.

use spiderq_proto::v1;

use super::{
    decode, encode,
    fields::Fields,
    paging::{self, PageTokens},
    view::View,
};
use crate::{
    auth::Caller,
    domain::{Domain, LastJobs, LastJobsQuery, StateSummary, SummarizeQuery, jobs_per_state},
};
use spiderq_core::{
    Reservation,
    error::{Error, Result},
    limits::MAX_ROWS,
    model::{Millis, SpiderId},
};

pub(super) fn decode(message: v1::SummarizeQueueRequest) -> Result<(SummarizeQuery, View)> {
    let mut fields = Fields::default();
    let project = fields.field("project", decode::project(message.project, None));
    let spider = fields.within("spider", decode::some_spider_ref(message.spider, "spider_id"));
    let state = fields.field("state", decode::state(message.state));
    let limit = fields.field("jobs_per_state", jobs_per_state(message.jobs_per_state));
    let skip = fields.field("skip", decode::not_negative("skip", message.skip));
    let view = fields.part(View::row_with(&message.metadata_fields));
    let (Some(project), Some(spider), Some(state), Some(limit), Some(skip), Some(view)) =
        (project, spider, state, limit, skip, view)
    else {
        return Err(fields.into_error());
    };
    let fields = view.fields.clone();
    Ok((SummarizeQuery { project, spider, state, limit, skip, fields }, view))
}

pub(super) fn encode(
    states: Vec<StateSummary>,
    view: &View,
    now: Millis,
) -> v1::SummarizeQueueResponse {
    let states = states.into_iter().map(|summary| v1::StateSummary {
        state: encode::state(summary.state).into(),
        count: encode::count(summary.count),
        jobs: encode::jobs(summary.jobs, view),
    });
    v1::SummarizeQueueResponse { states: states.collect(), read_time: Some(encode::time(now)) }
}

pub(super) async fn last_jobs(
    domain: &Domain,
    caller: &Caller,
    message: v1::ListLastJobsRequest,
) -> Result<(v1::ListLastJobsResponse, Reservation)> {
    let tokens = PageTokens::of(
        "ListLastJobs",
        &v1::ListLastJobsRequest { page_size: 0, page_token: String::new(), ..message.clone() },
    );
    let (query, view) = decode_last(message, &tokens)?;
    let now = encode::time(domain.now());
    let mut room = domain.response_to(caller);
    let LastJobs { jobs, more } = domain.list_last_jobs(caller, &query, &mut room).await?;
    let last = jobs.last().filter(|_| more).map(|job| job.key.spider.get());
    let token = last.map(|spider| tokens.token(format_args!("{spider:x}")));
    let response = v1::ListLastJobsResponse {
        jobs: encode::jobs(jobs, &view),
        next_page_token: token.unwrap_or_default(),
        read_time: Some(now),
    };
    Ok((response, room.into_memory()))
}

fn decode_last(
    message: v1::ListLastJobsRequest,
    tokens: &PageTokens,
) -> Result<(LastJobsQuery, View)> {
    let mut fields = Fields::default();
    let project = fields.field("project", decode::project(message.project, None));
    let spider = fields.within("spider", decode::some_spider_ref(message.spider, "spider_id"));
    let begin = fields.field("after_spider_id", after(message.after_spider_id));
    let skip = fields.field("skip", decode::not_negative("skip", message.skip));
    let size = paging::page_size(message.page_size, MAX_ROWS, MAX_ROWS);
    let size = fields.field("page_size", size);
    let cursor = tokens.cursor(&message.page_token, |text| spider_id(paging::number(text)?));
    let cursor = fields.field("page_token", cursor);
    let view = fields.part(View::row_with(&message.metadata_fields));
    let (
        Some(project),
        Some(spider),
        Some(begin),
        Some(skip),
        Some(size),
        Some(cursor),
        Some(view),
    ) = (project, spider, begin, skip, size, cursor, view)
    else {
        return Err(fields.into_error());
    };
    // Those to skip come before the first page.
    let skip = if cursor.is_some() { 0 } else { skip };
    let (after, limit, fields) = (cursor.or(begin), size, view.fields.clone());
    Ok((LastJobsQuery { project, spider, after, skip, limit, fields }, view))
}

/// `None` for 0: no spider comes before the first.
fn after(number: i64) -> Result<Option<SpiderId>> {
    match number {
        0 => Ok(None),
        number => {
            let bad = |_| Error::invalid("after_spider_id", "must be 0 or a spider's number");
            SpiderId::new(number).map(Some).map_err(bad)
        }
    }
}

pub(super) fn spider_id(number: u64) -> Option<SpiderId> {
    SpiderId::new(number.try_into().ok()?).ok()
}
