//! `spiderq key`: API keys of a running server, over gRPC.

use std::{
    io::{self, Write as _},
    time::Duration,
};

use spiderq_proto::v1::{
    self, ApiKey, CreateKeyRequest, ListKeysRequest, RevokeKeyRequest,
    key_service_client::KeyServiceClient,
};
use tonic::{Request, Status, transport::Channel};

use crate::{
    args::{Key, KeyAction, RoleArg},
    failure::Failure,
    tls,
};

/// Does what `settings` say.
pub(crate) async fn run(settings: Key) -> Result<(), Failure> {
    let text = match settings.action.clone() {
        KeyAction::Create { name, role, projects } => {
            let request = CreateKeyRequest { name, role: proto(role).into(), projects };
            let request = authorized(&settings, request)?;
            let made = client(&settings).await?.create_key(request).await.map_err(refused)?;
            let made = made.into_inner();
            let key = made.key.unwrap_or_default();
            format!("{}\n{}", made.secret, table(&[key]))
        }
        KeyAction::List => {
            let request = authorized(&settings, ListKeysRequest {})?;
            let keys = client(&settings).await?.list_keys(request).await.map_err(refused)?;
            table(&keys.into_inner().keys)
        }
        KeyAction::Revoke { id } => {
            let request = authorized(&settings, RevokeKeyRequest { id: id.clone() })?;
            client(&settings).await?.revoke_key(request).await.map_err(refused)?;
            format!("key {id} is revoked\n")
        }
    };
    io::stdout()
        .write_all(text.as_bytes())
        .map_err(|error| Failure::new(format!("can't print: {error}")))
}

async fn client(settings: &Key) -> Result<KeyServiceClient<Channel>, Failure> {
    let endpoint = tls::endpoint(&settings.server, "server", settings.tls_ca.as_deref())?;
    let channel = endpoint.connect_timeout(Duration::from_secs(5)).connect().await;
    let channel = channel.map_err(|_| {
        Failure::new(format!(
            "no server answers at {}; start it with `spiderq serve`",
            settings.server
        ))
    })?;
    Ok(KeyServiceClient::new(channel))
}

fn authorized<T>(settings: &Key, message: T) -> Result<Request<T>, Failure> {
    if settings.admin_key.is_empty() {
        return Err(Failure::new(
            "--admin-key or SPIDERQ_ADMIN_KEY is required: a key of role admin",
        ));
    }
    let value = format!("Bearer {}", settings.admin_key).parse();
    let value =
        value.map_err(|_| Failure::new("--admin-key: must be 32 hexadecimal characters"))?;
    let mut request = Request::new(message);
    request.metadata_mut().insert("authorization", value);
    Ok(request)
}

#[expect(clippy::needless_pass_by_value, reason = "the shape that map_err takes")]
fn refused(status: Status) -> Failure {
    Failure::new(status.message())
}

const fn proto(role: RoleArg) -> v1::Role {
    match role {
        RoleArg::Read => v1::Role::Read,
        RoleArg::Worker => v1::Role::Worker,
        RoleArg::User => v1::Role::User,
        RoleArg::Admin => v1::Role::Admin,
    }
}

/// A line per key: id, role, projects, name.
fn table(keys: &[ApiKey]) -> String {
    let line = |key: &ApiKey| {
        let projects: Vec<_> = key.projects.iter().map(i64::to_string).collect();
        let projects = if projects.is_empty() { "all".to_owned() } else { projects.join(",") };
        let role = key.role().as_str_name().trim_start_matches("ROLE_").to_lowercase();
        format!("{:<10} {role:<7} {projects:<16} {}\n", key.id, key.name)
    };
    let head = format!("{:<10} {:<7} {:<16} {}\n", "ID", "ROLE", "PROJECTS", "OWNER");
    keys.iter().map(line).fold(head, |text, line| text + &line)
}
