//! `KeyService`: creating, listing and revoking API keys.

use spiderq_proto::v1::{self, key_service_server::KeyService};
use tonic::{Request, async_trait};

use super::{Handlers, RpcResult, decode};
use spiderq_core::{
    error::{Error, Result},
    model::{Actor, ApiKeyRecord, Role},
};

/// The gRPC service `spiderq.v1.KeyService`.
#[derive(Clone, Debug)]
pub struct KeyApi(pub(crate) Handlers);

#[async_trait]
impl KeyService for KeyApi {
    async fn create_key(
        &self,
        request: Request<v1::CreateKeyRequest>,
    ) -> RpcResult<v1::CreateKeyResponse> {
        self.0
            .run("CreateKey", request, |call, message| async move {
                let name = Actor::parse(&message.name)?;
                let role = role(message.role)?;
                let projects = decode::projects(message.projects)?;
                let created = call.domain.create_key(&call.caller, &name, role, &projects);
                let (key, record) = created.await?;
                Ok(v1::CreateKeyResponse {
                    secret: key.expose().to_owned(),
                    key: Some(api_key(record)),
                })
            })
            .await
    }

    async fn list_keys(
        &self,
        request: Request<v1::ListKeysRequest>,
    ) -> RpcResult<v1::ListKeysResponse> {
        self.0
            .run("ListKeys", request, |call, _| async move {
                let keys = call.domain.list_keys(&call.caller).await?;
                Ok(v1::ListKeysResponse { keys: keys.into_iter().map(api_key).collect() })
            })
            .await
    }

    async fn revoke_key(
        &self,
        request: Request<v1::RevokeKeyRequest>,
    ) -> RpcResult<v1::RevokeKeyResponse> {
        self.0
            .run("RevokeKey", request, |call, message| async move {
                call.domain.revoke_key(&call.caller, &message.id).await?;
                Ok(v1::RevokeKeyResponse {})
            })
            .await
    }

    async fn get_identity(
        &self,
        request: Request<v1::GetIdentityRequest>,
    ) -> RpcResult<v1::GetIdentityResponse> {
        self.0
            .run("GetIdentity", request, |call, _| async move {
                let identity = call.domain.get_identity(call.caller)?;
                Ok(v1::GetIdentityResponse {
                    name: identity.name.to_string(),
                    role: proto_role(identity.role).into(),
                    projects: numbers(identity.projects),
                })
            })
            .await
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

const fn proto_role(role: Role) -> v1::Role {
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
        id: record.id,
        name: record.name,
        role: proto_role(record.role).into(),
        projects: numbers(record.projects),
        created: record.created.try_into().unwrap_or(i64::MAX),
    }
}
