//! Changes of the jobs that a filter selects: what their requests have in common.

use spiderq_proto::v1;

use super::{
    fields::Fields,
    filter,
    paging::{self, PageTokens},
};
use crate::domain::{BulkDone, BulkQuery, request_id::RequestId};
use spiderq_core::{
    error::{Error, Result},
    model::{Position, State, StateSet},
};

/// What the requests of bulk calls have in common.
pub(super) struct BulkRequest {
    pub(super) project: i64,
    pub(super) filter: Option<v1::JobFilter>,
    pub(super) validate_only: bool,
    pub(super) page_token: String,
}

impl BulkRequest {
    /// Without states it selects those in one of `default`.
    pub(super) fn decode(
        self,
        default: StateSet,
        tokens: &PageTokens,
        request_id: Option<RequestId>,
    ) -> Result<BulkQuery> {
        let mut fields = Fields::default();
        let jobs = fields.part(filter::selection(self.project, self.filter, default));
        let position = |text: &str| paging::number(text).map(Position);
        let after = fields.field("page_token", tokens.cursor(&self.page_token, position));
        let (Some(jobs), Some(after)) = (jobs, after) else { return Err(fields.into_error()) };
        Ok(BulkQuery { jobs, after, validate_only: self.validate_only, request_id })
    }

    /// The same for deleted jobs only.
    pub(super) fn decode_deleted(
        self,
        tokens: &PageTokens,
        request_id: Option<RequestId>,
    ) -> Result<BulkQuery> {
        let mut fields = Fields::default();
        let allowed = [v1::JobState::Unspecified, v1::JobState::Deleted].map(i32::from);
        let states = self.filter.iter().flat_map(|filter| &filter.states);
        let states = match states.into_iter().all(|state| allowed.contains(state)) {
            true => Ok(()),
            false => Err(Error::invalid("states", "may only be deleted")),
        };
        fields.field("filter.states", states);
        let deleted = StateSet::from_iter([State::Deleted]);
        match fields.part(self.decode(deleted, tokens, request_id)) {
            Some(query) => fields.check(query),
            None => Err(fields.into_error()),
        }
    }
}

/// The count and the token of a response.
pub(super) fn done(done: BulkDone, tokens: &PageTokens) -> (i64, String) {
    let token = done.next.map(|position| tokens.token(format_args!("{:x}", position.0)));
    (super::encode::count(done.count), token.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(states: &[i32], page_token: &str) -> BulkRequest {
        let filter = v1::JobFilter { states: states.to_vec(), ..v1::JobFilter::default() };
        let page_token = page_token.to_owned();
        BulkRequest { project: 53, filter: Some(filter), validate_only: false, page_token }
    }

    #[test]
    fn only_deleted_jobs_are_restored() {
        let tokens = PageTokens::of("RestoreJobs", &v1::RestoreJobsRequest::default());
        let states = |states: &[i32]| {
            let query = request(states, "").decode_deleted(&tokens, None)?;
            Ok::<_, Error>(query.jobs.filter.states)
        };
        let deleted = StateSet::from_iter([State::Deleted]);
        assert_eq!(states(&[]).unwrap(), deleted);
        assert_eq!(states(&[4]).unwrap(), deleted);
        assert_eq!(states(&[0]).unwrap(), deleted);
        let refused = states(&[3, 4]).unwrap_err();
        assert_eq!(refused.to_string(), "states: may only be deleted");
        assert_eq!(refused.violations()[0].path, "filter.states");
        let mut by_key = request(&[0], "");
        by_key.filter.as_mut().unwrap().keys = vec!["53/1/1".to_owned()];
        assert!(by_key.decode_deleted(&tokens, None).is_ok());
        let wrong = BulkRequest { project: 0, ..request(&[3], "") };
        let violations = wrong.decode_deleted(&tokens, None).unwrap_err().violations();
        let paths: Vec<&str> = violations.iter().map(|one| one.path.as_str()).collect();
        assert_eq!(paths, ["filter.states", "project"]);
    }

    #[test]
    fn a_call_goes_on_where_the_one_before_ended() {
        let tokens = PageTokens::of("StopJobs", &v1::StopJobsRequest::default());
        let first = BulkDone { count: 7, next: Some(Position(31)) };
        let (count, token) = done(first, &tokens);
        assert_eq!(count, 7);
        let next = request(&[], &token).decode(filter::LIVE, &tokens, None).unwrap();
        assert_eq!(next.after, first.next);
        assert_eq!(done(BulkDone { count: 0, next: None }, &tokens), (0, String::new()));
        let other = PageTokens::of("DeleteJobs", &v1::DeleteJobsRequest::default());
        assert!(request(&[], &token).decode(filter::LIVE, &other, None).is_err());
    }
}
