//! `spiderq key`: manages the API keys of a running server, over gRPC.

use std::{
    io::{self, Write as _},
    time::Duration,
};

use spiderq_proto::v1::{
    self, ApiKey, CreateApiKeyRequest, ListApiKeysRequest, RevokeApiKeyRequest,
    api_key_service_client::ApiKeyServiceClient,
};
use tonic::{
    Request, Status,
    metadata::{Ascii, MetadataValue},
    service::{Interceptor, interceptor::InterceptedService},
    transport::Channel,
};

use crate::{
    args::{Connection, Key, KeyAction, RoleArg, Secret},
    error::Error,
};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Runs the action and prints its result to standard output.
pub(crate) async fn run(flags: Key) -> Result<(), Error> {
    let bearer = Bearer::new(flags.admin_key.as_ref())?;
    let mut client = connect(&flags.connection, bearer).await?;
    let text = match flags.action {
        KeyAction::Create { name: owner, role, projects, all_projects } => {
            let is_admin = matches!(role, RoleArg::Admin);
            if projects.is_empty() && !all_projects && !is_admin {
                return Err(Error::new(
                    "name the key's projects by --project, or give --all-projects",
                ));
            }
            let role = v1::Role::from(role).into();
            let request =
                CreateApiKeyRequest { owner, role, projects, all_projects, ..Default::default() };
            create(&mut client, request).await
        }
        KeyAction::List => list(&mut client).await,
        KeyAction::Revoke { id } => revoke(&mut client, id).await,
    };
    let text = text.map_err(|status| Error::new(status.message()))?;
    io::stdout()
        .write_all(text.as_bytes())
        .map_err(|error| Error::new(format!("can't print the result: {error}")))
}

type Client = ApiKeyServiceClient<InterceptedService<Channel, Bearer>>;

async fn create(client: &mut Client, request: CreateApiKeyRequest) -> Result<String, Status> {
    let created = client.create_api_key(request).await?.into_inner();
    let api_key = created.api_key.unwrap_or_default();
    Ok(format!("{}\n{}", created.secret, table(&[api_key])))
}

async fn list(client: &mut Client) -> Result<String, Status> {
    let (mut request, mut api_keys) = (ListApiKeysRequest::default(), Vec::new());
    loop {
        let page = client.list_api_keys(request.clone()).await?.into_inner();
        api_keys.extend(page.api_keys);
        request.page_token = page.next_page_token;
        if request.page_token.is_empty() {
            return Ok(table(&api_keys));
        }
    }
}

async fn revoke(client: &mut Client, id: String) -> Result<String, Status> {
    client.revoke_api_key(RevokeApiKeyRequest { id: id.clone() }).await?;
    Ok(format!("key {id} is revoked\n"))
}

async fn connect(connection: &Connection, bearer: Bearer) -> Result<Client, Error> {
    Ok(ApiKeyServiceClient::with_interceptor(channel(connection).await?, bearer))
}

/// A connection to the server that the flags name.
pub(crate) async fn channel(connection: &Connection) -> Result<Channel, Error> {
    let channel = connection.endpoint()?.connect_timeout(CONNECT_TIMEOUT).connect().await;
    channel.map_err(|_| {
        Error::new(format!(
            "no server answers at {}; start it with `spiderq serve`",
            connection.server
        ))
    })
}

/// Adds the admin key to each call.
#[derive(Clone)]
pub(crate) struct Bearer(MetadataValue<Ascii>);

impl Bearer {
    pub(crate) fn new(key: Option<&Secret>) -> Result<Self, Error> {
        let key = Secret::required(key, "--admin-key or SPIDERQ_ADMIN_KEY", "admin")?;
        let value = format!("Bearer {key}").parse();
        let bad = |_| Error::new("--admin-key: must be 32 hexadecimal characters");
        value.map(Self).map_err(bad)
    }
}

impl Interceptor for Bearer {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        request.metadata_mut().insert("authorization", self.0.clone());
        Ok(request)
    }
}

impl From<RoleArg> for v1::Role {
    fn from(role: RoleArg) -> Self {
        match role {
            RoleArg::Read => Self::Read,
            RoleArg::Worker => Self::Worker,
            RoleArg::User => Self::User,
            RoleArg::Admin => Self::Admin,
        }
    }
}

/// A heading, then a line per key.
fn table(keys: &[ApiKey]) -> String {
    let line = |key: &ApiKey| {
        let projects: Vec<_> = key.projects.iter().map(i64::to_string).collect();
        let projects = if projects.is_empty() { "all".to_owned() } else { projects.join(",") };
        let role = key.role().as_str_name().trim_start_matches("ROLE_").to_lowercase();
        format!("{:<10} {role:<7} {projects:<16} {}\n", key.id, key.owner)
    };
    let head = format!("{:<10} {:<7} {:<16} {}\n", "ID", "ROLE", "PROJECTS", "OWNER");
    keys.iter().map(line).fold(head, |text, line| text + &line)
}
