//! The messages of `SummarizeQueue` and `ListLastJobs`.

use spiderq_proto::v1;

use super::{decode, encode};
use crate::domain::{LastJobsQuery, StateSummary, SummarizeQuery};
use spiderq_core::{error::Result, model::Millis};

pub(super) fn decode(message: &v1::SummarizeQueueRequest) -> Result<SummarizeQuery> {
    Ok(SummarizeQuery {
        project: decode::project(message.project)?,
        spider: decode::some_spider_id("spider_id", message.spider_id)?,
        state: decode::state(message.state)?,
        limit: message.count,
        skip: message.start,
        fields: decode::fields(v1::JobView::Row.into(), &message.metadata_fields)?,
    })
}

pub(super) fn encode(states: Vec<StateSummary>, now: Millis) -> v1::SummarizeQueueResponse {
    let states = states.into_iter().map(|summary| v1::StateSummary {
        state: encode::state(summary.state).into(),
        count: encode::count(summary.count),
        jobs: encode::jobs(summary.jobs),
    });
    v1::SummarizeQueueResponse { states: states.collect(), now: encode::millis(now) }
}

pub(super) fn decode_last(message: &v1::ListLastJobsRequest) -> Result<LastJobsQuery> {
    Ok(LastJobsQuery {
        project: decode::project(message.project)?,
        spider: decode::some_spider_id("spider_id", message.spider_id)?,
        after: decode::some_spider_id("start_after", message.start_after)?,
        skip: message.start,
        limit: message.count,
    })
}
