//! `spiderq key`: manages the API keys of a running server, over gRPC.

use std::{
    io::{self, Write as _},
    path::Path,
    time::Duration,
};

use spiderq_core::{Clock as _, SystemClock, model::Quota};
use spiderq_proto::{
    Timestamp,
    time::{duration, timestamp},
    v1::{
        self, ApiKey, CreateApiKeyRequest, ListApiKeysRequest, RevokeApiKeyRequest,
        RotateApiKeyRequest, api_key_service_client::ApiKeyServiceClient,
    },
};
use time::UtcDateTime;
use tonic::{
    Request, Status,
    metadata::{Ascii, MetadataValue},
    service::{Interceptor, interceptor::InterceptedService},
    transport::Channel,
};

use crate::{
    args::{Connection, Expiry, Key, KeyAction, RoleArg, Secret},
    error::Error,
    secrets,
};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Runs the action and prints its result to standard output.
pub(crate) async fn run(flags: Key) -> Result<(), Error> {
    let bearer = Bearer::new(flags.admin_key, flags.admin_key_file.as_deref())?;
    let mut client = connect(&flags.connection, bearer).await?;
    let text = match flags.action {
        KeyAction::Create { name: owner, role, projects, all_projects, expires, quotas } => {
            let is_admin = matches!(role, RoleArg::Admin);
            if projects.is_empty() && !all_projects && !is_admin {
                return Err(Error::new(
                    "name the key's projects by --project, or give --all-projects",
                ));
            }
            let (role, expire_time) = (v1::Role::from(role).into(), expires.map(expire_time));
            let request = CreateApiKeyRequest {
                owner,
                role,
                projects,
                all_projects,
                expire_time,
                quotas: Some(quotas.into()),
                ..Default::default()
            };
            create(&mut client, request).await
        }
        KeyAction::List => list(&mut client).await,
        KeyAction::Rotate { id, keep } => rotate(&mut client, id, keep).await,
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

async fn rotate(client: &mut Client, id: String, keep: Duration) -> Result<String, Status> {
    let keep = Some(duration(keep.as_millis().try_into().unwrap_or(i64::MAX)));
    let rotated = client.rotate_api_key(RotateApiKeyRequest { id, keep }).await?.into_inner();
    let keys = [rotated.api_key, rotated.replaced_api_key].map(Option::unwrap_or_default);
    Ok(format!("{}\n{}", rotated.secret, table(&keys)))
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
    pub(crate) fn new(key: Option<Secret>, file: Option<&Path>) -> Result<Self, Error> {
        let key = secrets::required("admin-key", key, file, "an API key of role admin")?;
        let value = format!("Bearer {}", key.expose()).parse();
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

/// By the clock of this machine, which need not be the server's.
fn expire_time(expires: Expiry) -> Timestamp {
    let since_epoch = match expires {
        Expiry::After(span) => Duration::from_millis(SystemClock.now().0).saturating_add(span),
        Expiry::At(since_epoch) => since_epoch,
    };
    timestamp(since_epoch.as_millis().try_into().unwrap_or(i64::MAX))
}

/// A heading, then a line per key.
fn table(keys: &[ApiKey]) -> String {
    let line = |[id, role, projects, created, expires, used, quotas, owner]: [&str; 8]| {
        let access = format!("{id:<10} {role:<7} {projects:<16}");
        format!("{access} {created:<16} {expires:<16} {used:<16} {quotas:<16} {owner}\n")
    };
    let row = |key: &ApiKey| {
        let projects: Vec<_> = key.projects.iter().map(i64::to_string).collect();
        let projects = if projects.is_empty() { "all".to_owned() } else { projects.join(",") };
        let role = key.role().as_str_name().trim_start_matches("ROLE_").to_lowercase();
        let times = [&key.create_time, &key.expire_time, &key.last_use_time].map(minute);
        let [created, expires, used] = times.each_ref().map(String::as_str);
        let quotas = quotas(key.quotas.unwrap_or_default());
        line([&key.id, &role, &projects, created, expires, used, &quotas, &key.owner])
    };
    let times = ["CREATED (UTC)", "EXPIRES", "LAST USE"];
    let head = line(["ID", "ROLE", "PROJECTS", times[0], times[1], times[2], "QUOTAS", "OWNER"]);
    keys.iter().map(row).fold(head, |text, line| text + &line)
}

/// A time as `2030-01-31 12:00`, in UTC.
fn minute(time: &Option<Timestamp>) -> String {
    let time = time.as_ref().map(|time| UtcDateTime::from_unix_timestamp(time.seconds));
    match time {
        None => "never".to_owned(),
        Some(Err(_)) => "?".to_owned(),
        Some(Ok(time)) => {
            let (hour, minute, _) = time.as_hms();
            format!("{} {hour:02}:{minute:02}", time.date())
        }
    }
}

/// Those that the key has of its own: `rate=5,jobs=none`.
fn quotas(quotas: v1::Quotas) -> String {
    let v1::Quotas { rate, burst, calls, waits, watches, projects, jobs } = quotas;
    let given = [rate, burst, calls, waits, watches, projects, jobs];
    let pairs = Quota::ALL.into_iter().zip(given);
    let texts = pairs.filter_map(|(quota, most)| {
        let most = most?;
        let most = if most == 0 { "none".to_owned() } else { most.to_string() };
        Some(format!("{}={most}", quota.as_str()))
    });
    let texts: Vec<String> = texts.collect();
    if texts.is_empty() { "-".to_owned() } else { texts.join(",") }
}
