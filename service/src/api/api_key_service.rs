//! `ApiKeyService`: creating, listing, rotating and revoking API keys.

use spiderq_proto::{
    time::duration,
    v1::{self, api_key_service_server::ApiKeyService},
};
use tonic::{Request, Response, async_trait};

use super::{
    Handlers, RpcResult, credentials, decode, encode,
    fields::Fields,
    paging::{self, PageTokens},
    status_of,
};
use crate::domain::NewApiKey;
use spiderq_core::{
    error::{Error, Result},
    limits::{MAX_QUOTA, MAX_ROWS},
    model::{Actor, ApiKeyRecord, Millis, Quota, Quotas, Role},
};

/// The gRPC service `spiderq.v1.ApiKeyService`.
#[derive(Clone, Debug)]
pub struct KeyApi(pub(crate) Handlers);

#[async_trait]
impl ApiKeyService for KeyApi {
    async fn create_api_key(
        &self,
        request: Request<v1::CreateApiKeyRequest>,
    ) -> RpcResult<v1::CreateApiKeyResponse> {
        self.0
            .audited("CreateApiKey", request, |call, message| async move {
                let (key, record) = call.domain.create_key(&call.caller, new(message)?).await?;
                Ok(v1::CreateApiKeyResponse {
                    secret: key.expose().to_owned(),
                    api_key: Some(api_key(record)),
                })
            })
            .await
    }

    async fn list_api_keys(
        &self,
        request: Request<v1::ListApiKeysRequest>,
    ) -> RpcResult<v1::ListApiKeysResponse> {
        self.0
            .run("ListApiKeys", request, |call, message| async move {
                let tokens = PageTokens::of("ListApiKeys", &());
                let page = page(&message, &tokens)?;
                let keys = call.domain.list_keys(&call.caller).await?;
                Ok(page.of(keys, &tokens))
            })
            .await
    }

    async fn revoke_api_key(
        &self,
        request: Request<v1::RevokeApiKeyRequest>,
    ) -> RpcResult<v1::RevokeApiKeyResponse> {
        self.0
            .audited("RevokeApiKey", request, |call, message| async move {
                if message.id.is_empty() {
                    return Err(Error::invalid("id", "is required"));
                }
                call.domain.revoke_key(&call.caller, &message.id).await?;
                Ok(v1::RevokeApiKeyResponse {})
            })
            .await
    }

    async fn rotate_api_key(
        &self,
        request: Request<v1::RotateApiKeyRequest>,
    ) -> RpcResult<v1::RotateApiKeyResponse> {
        self.0
            .audited("RotateApiKey", request, |call, message| async move {
                if message.id.is_empty() {
                    return Err(Error::invalid("id", "is required"));
                }
                let keep = decode::span(message.keep);
                let rotated = call.domain.rotate_key(&call.caller, &message.id, keep).await?;
                let (key, record) = rotated.made;
                Ok(v1::RotateApiKeyResponse {
                    secret: key.expose().to_owned(),
                    api_key: Some(api_key(record)),
                    replaced_api_key: Some(api_key(rotated.replaced)),
                })
            })
            .await
    }

    async fn create_session(
        &self,
        request: Request<v1::CreateSessionRequest>,
    ) -> RpcResult<v1::CreateSessionResponse> {
        let credentials = credentials(request.metadata().as_ref());
        self.0
            .audited("CreateSession", request, |call, _| async move {
                let made = call.domain.auth().create_session(credentials).await?;
                let lifetime = i64::try_from(made.lifetime_ms).map_err(Error::bug)?;
                Ok(v1::CreateSessionResponse {
                    session: made.text,
                    expire_time: Some(encode::time(made.end)),
                    lifetime: Some(duration(lifetime)),
                })
            })
            .await
    }

    async fn get_identity(
        &self,
        request: Request<v1::GetIdentityRequest>,
    ) -> RpcResult<v1::GetIdentityResponse> {
        // The gateway asks it beside a call that counts.
        let credentials = credentials(request.metadata().as_ref());
        let caller = self.0.caller("GetIdentity", request).await?;
        let session_end = self.0.domain().auth().session_end(credentials.as_ref());
        let identity = self.0.domain().get_identity(caller).map_err(|error| status_of(&error))?;
        Ok(Response::new(v1::GetIdentityResponse {
            owner: identity.name.to_string(),
            role: proto_role(identity.role).into(),
            projects: numbers(identity.projects),
            session_expire_time: session_end.map(encode::time),
        }))
    }
}

fn new(message: v1::CreateApiKeyRequest) -> Result<NewApiKey> {
    let mut fields = Fields::default();
    let owner = Actor::parse(&message.owner).map_err(|error| error.with_field("owner"));
    let owner = fields.field("owner", owner);
    let role = fields.field("role", role(message.role));
    let projects = fields.part(decode::projects(message.projects));
    let quotas = fields.within("quotas", quotas(message.quotas.unwrap_or_default()));
    let expires = fields.field("expire_time", decode::time("expire_time", message.expire_time));
    let (Some(owner), Some(role), Some(projects), Some(quotas), Some(expires)) =
        (owner, role, projects, quotas, expires)
    else {
        return Err(fields.into_error());
    };
    let (all_projects, request_id) = (message.all_projects, message.request_id);
    Ok(NewApiKey { owner, role, projects, all_projects, expires, quotas, request_id })
}

fn quotas(message: v1::Quotas) -> Result<Quotas> {
    let mut fields = Fields::default();
    let v1::Quotas { rate, burst, calls, waits, watches, projects, jobs, bytes } = message;
    let given = [
        (Quota::Rate, rate),
        (Quota::Burst, burst),
        (Quota::Calls, calls),
        (Quota::Waits, waits),
        (Quota::Watches, watches),
        (Quota::Projects, projects),
        (Quota::Jobs, jobs),
        (Quota::Bytes, bytes),
    ];
    let quotas = Quotas::new(given.map(|(quota, most)| {
        let name = quota.as_str();
        (quota, most.and_then(|most| fields.field(name, checked(name, most))))
    }));
    fields.check(quotas)
}

fn checked(name: &str, most: i64) -> Result<u64> {
    let most = u64::try_from(most).ok().filter(|most| *most <= MAX_QUOTA);
    most.ok_or_else(|| {
        Error::invalid(name, format!("must be 0 (no limit) or from 1 to {MAX_QUOTA}"))
    })
}

/// `None` for an API key without any.
fn proto_quotas(quotas: &Quotas) -> Option<v1::Quotas> {
    quotas.iter().next()?;
    let given = |quota| quotas.given(quota).map(encode::count);
    Some(v1::Quotas {
        rate: given(Quota::Rate),
        burst: given(Quota::Burst),
        calls: given(Quota::Calls),
        waits: given(Quota::Waits),
        watches: given(Quota::Watches),
        projects: given(Quota::Projects),
        jobs: given(Quota::Jobs),
        bytes: given(Quota::Bytes),
    })
}

/// When an API key was made, and its id: the order of lists.
type Place = (u64, String);

struct Page {
    size: usize,
    after: Option<Place>,
}

fn page(message: &v1::ListApiKeysRequest, tokens: &PageTokens) -> Result<Page> {
    let mut fields = Fields::default();
    let size = paging::page_size(message.page_size, MAX_ROWS, MAX_ROWS);
    let size = fields.field("page_size", size);
    let place = |text: &str| {
        let (created, id) = text.split_once('-')?;
        Some((paging::number(created)?, id.to_owned()))
    };
    let after = fields.field("page_token", tokens.cursor(&message.page_token, place));
    let (Some(size), Some(after)) = (size, after) else { return Err(fields.into_error()) };
    Ok(Page { size, after })
}

impl Page {
    /// This page of all keys, which come in the order of their places.
    fn of(self, keys: Vec<ApiKeyRecord>, tokens: &PageTokens) -> v1::ListApiKeysResponse {
        let place = |key: &ApiKeyRecord| (key.created, key.id.clone());
        let is_after =
            |key: &ApiKeyRecord| self.after.as_ref().is_none_or(|last| place(key) > *last);
        let mut keys: Vec<_> = keys.into_iter().filter(is_after).collect();
        let more = keys.len() > self.size;
        keys.truncate(self.size);
        let last = keys.last().filter(|_| more);
        let token = last.map(|key| tokens.token(format_args!("{:x}-{}", key.created, key.id)));
        v1::ListApiKeysResponse {
            next_page_token: token.unwrap_or_default(),
            api_keys: keys.into_iter().map(api_key).collect(),
        }
    }
}

fn role(number: i32) -> Result<Role> {
    let bad = || Error::invalid("role", "must be read, worker, user or admin");
    match v1::Role::try_from(number).map_err(|_| bad())? {
        v1::Role::Unspecified => Err(bad()),
        v1::Role::Read => Ok(Role::Read),
        v1::Role::Worker => Ok(Role::Worker),
        v1::Role::User => Ok(Role::User),
        v1::Role::Admin => Ok(Role::Admin),
    }
}

pub(super) const fn proto_role(role: Role) -> v1::Role {
    match role {
        Role::Read => v1::Role::Read,
        Role::Worker => v1::Role::Worker,
        Role::User => v1::Role::User,
        Role::Admin => v1::Role::Admin,
    }
}

fn numbers(projects: Option<Vec<u64>>) -> Vec<i64> {
    let projects = projects.unwrap_or_default();
    projects.into_iter().filter_map(|id| id.try_into().ok()).collect()
}

fn api_key(record: ApiKeyRecord) -> v1::ApiKey {
    v1::ApiKey {
        quotas: proto_quotas(&record.quotas),
        id: record.id,
        owner: record.name,
        role: proto_role(record.role).into(),
        projects: numbers(record.projects),
        create_time: Some(encode::time(Millis(record.created))),
        expire_time: record.expires.map(|time| encode::time(Millis(time))),
        last_use_time: record.last_used.map(|time| encode::time(Millis(time))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_come_in_pages_by_the_time_they_were_made() {
        let record = |created, id: &str| ApiKeyRecord {
            id: id.to_owned(),
            name: "ann".to_owned(),
            role: Role::User,
            projects: None,
            created,
            quotas: Quotas::default(),
            expires: None,
            last_used: None,
        };
        let keys = || vec![record(1, "b"), record(2, "a"), record(2, "c"), record(30, "a")];
        let tokens = PageTokens::of("ListApiKeys", &());
        let (mut token, mut pages) = (String::new(), Vec::new());
        loop {
            let message = v1::ListApiKeysRequest { page_size: 2, page_token: token };
            let response = page(&message, &tokens).unwrap().of(keys(), &tokens);
            pages.push(response.api_keys.into_iter().map(|key| key.id).collect::<Vec<_>>());
            token = response.next_page_token;
            if token.is_empty() {
                break;
            }
        }
        assert_eq!(pages, [["b", "a"], ["c", "a"]]);
    }

    #[test]
    fn every_wrong_field_of_a_new_key_is_named() {
        let most = i64::try_from(MAX_QUOTA).unwrap();
        let quotas = v1::Quotas {
            rate: Some(-1),
            calls: Some(most),
            jobs: Some(most + 1),
            ..Default::default()
        };
        let message = v1::CreateApiKeyRequest {
            projects: vec![1, 0],
            quotas: Some(quotas),
            ..Default::default()
        };
        let error = new(message).unwrap_err();
        assert!(error.to_string().starts_with("owner: must be 1 to 64 bytes"), "{error}");
        let violations = error.violations();
        let paths: Vec<&str> = violations.iter().map(|one| one.path.as_str()).collect();
        assert_eq!(paths, ["owner", "role", "projects[1]", "quotas.rate", "quotas.jobs"]);
    }
}
