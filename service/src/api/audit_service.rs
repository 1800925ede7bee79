//! `AuditService`: what the audit kept.

use spiderq_proto::v1::{self, audit_service_server::AuditService};
use tonic::{Request, async_trait};

use super::{
    Handlers, RpcResult,
    api_key_service::proto_role,
    decode, encode,
    fields::Fields,
    paging::{self, PageTokens},
    project_service::number,
};
use crate::domain::{AuditPlace, AuditQuery};
use spiderq_core::{
    error::Result,
    limits::MAX_ROWS,
    model::{AuditEvent, Millis},
};

/// The gRPC service `spiderq.v1.AuditService`.
#[derive(Clone, Debug)]
pub struct AuditApi(pub(crate) Handlers);

#[async_trait]
impl AuditService for AuditApi {
    async fn list_audit_events(
        &self,
        request: Request<v1::ListAuditEventsRequest>,
    ) -> RpcResult<v1::ListAuditEventsResponse> {
        self.0
            .run("ListAuditEvents", request, |call, message| async move {
                let mut bound = message.clone();
                (bound.page_size, bound.page_token) = (0, String::new());
                let tokens = PageTokens::of("ListAuditEvents", &bound);
                let query = query(message, &tokens)?;
                let (events, next) = call.domain.list_audit_events(&call.caller, query).await?;
                let token = |place: AuditPlace| {
                    tokens.token(format_args!("{:x}-{:x}", place.time.0, place.number))
                };
                Ok(v1::ListAuditEventsResponse {
                    events: events.into_iter().map(event).collect(),
                    next_page_token: next.map(token).unwrap_or_default(),
                })
            })
            .await
    }
}

fn query(message: v1::ListAuditEventsRequest, tokens: &PageTokens) -> Result<AuditQuery> {
    let mut fields = Fields::default();
    let from = fields.field("from_time", decode::time("from_time", message.from_time));
    let before = fields.field("before_time", decode::time("before_time", message.before_time));
    let project = (message.project != 0).then(|| decode::project(message.project, None));
    let project = fields.field("project", project.transpose());
    let limit = paging::page_size(message.page_size, MAX_ROWS, MAX_ROWS);
    let limit = fields.field("page_size", limit);
    let after = fields.field("page_token", tokens.cursor(&message.page_token, place));
    let (Some(from), Some(before), Some(project), Some(limit), Some(after)) =
        (from, before, project, limit, after)
    else {
        return Err(fields.into_error());
    };
    Ok(AuditQuery {
        from: from.unwrap_or_default(),
        until: before.unwrap_or(Millis(u64::MAX)),
        owner: message.owner,
        call: message.call,
        project,
        after,
        limit,
    })
}

fn place(text: &str) -> Option<AuditPlace> {
    let (time, number) = text.split_once('-')?;
    Some(AuditPlace { time: Millis(paging::number(time)?), number: paging::number(number)? })
}

fn event(event: AuditEvent) -> v1::AuditEvent {
    v1::AuditEvent {
        time: Some(encode::time(event.time)),
        owner: event.owner,
        key_id: event.key_id,
        role: event.role.map_or(v1::Role::Unspecified, proto_role).into(),
        peer: event.peer,
        call: event.call,
        project: event.project.map(number).unwrap_or_default(),
        subject: event.subject,
        result: event.result,
        count: event.count.map(encode::count),
        request_id: event.request_id,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_wrong_field_of_a_query_is_named() {
        let tokens = PageTokens::of("ListAuditEvents", &());
        let before = spiderq_proto::Timestamp { seconds: -1, nanos: 0 };
        let message = v1::ListAuditEventsRequest {
            from_time: Some(before),
            before_time: Some(before),
            project: -1,
            page_size: -1,
            page_token: "x".to_owned(),
            ..Default::default()
        };
        let violations = query(message, &tokens).unwrap_err().violations();
        let paths: Vec<&str> = violations.iter().map(|one| one.path.as_str()).collect();
        assert_eq!(paths, ["from_time", "before_time", "project", "page_size", "page_token"]);
    }
}
