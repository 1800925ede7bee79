//! `spiderq key`: manages the API keys of a running server, over gRPC.

use std::{
    io::{self, Write as _},
    time::Duration,
};

use spiderq_core::{Clock as _, SystemClock, limits::MAX_KEY_KEEP_MS, model::Quota};
use spiderq_proto::{
    Timestamp,
    time::{duration, timestamp, timestamp_ms},
    v1::{
        self, ApiKey, CreateApiKeyRequest, ListApiKeysRequest, RevokeApiKeyRequest,
        RotateApiKeyRequest, api_key_service_client::ApiKeyServiceClient,
    },
};
use time::UtcDateTime;
use tonic::{Status, service::interceptor::InterceptedService, transport::Channel};

use crate::{
    admin_client::{Credentials, call_error, connect},
    args::{Expiry, Key, KeyAction, RoleArg},
    error::Error,
};

/// What sets the fields of the requests.
const FLAGS: [(&str, &str); 15] = [
    ("owner", "NAME"),
    ("role", "--role"),
    ("all_projects", "--all-projects"),
    ("projects", "--project"),
    ("expire_time", "--expires"),
    ("quotas.rate", "--rate"),
    ("quotas.burst", "--burst"),
    ("quotas.calls", "--calls"),
    ("quotas.waits", "--waits"),
    ("quotas.watches", "--watches"),
    ("quotas.projects", "--new-projects"),
    ("quotas.jobs", "--jobs"),
    ("quotas.bytes", "--bytes"),
    ("id", "ID"),
    ("keep", "--keep"),
];

/// Runs the action and prints its result to standard output.
pub(crate) async fn run(flags: Key) -> Result<(), Error> {
    let credentials = Credentials::new(flags.admin_key)?;
    let channel = connect(&flags.connection).await?;
    let mut client = ApiKeyServiceClient::with_interceptor(channel, credentials);
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
    let text = text.map_err(|status| call_error(&status, &flags.connection.server, &FLAGS))?;
    io::stdout()
        .write_all(text.as_bytes())
        .map_err(|error| Error::new(format!("can't print the result: {error}")))
}

type Client = ApiKeyServiceClient<InterceptedService<Channel, Credentials>>;

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
    let line = |[id, role, projects, created, expires, status, used, quotas, owner]: [&str; 9]| {
        let access = format!("{id:<10} {role:<7} {projects:<16}");
        let times = format!("{created:<16} {expires:<16} {status:<11} {used:<16}");
        format!("{access} {times} {quotas:<16} {owner}\n")
    };
    let now = SystemClock.now().0;
    let row = |key: &ApiKey| {
        let projects: Vec<_> = key.projects.iter().map(i64::to_string).collect();
        let projects = if projects.is_empty() { "all".to_owned() } else { projects.join(",") };
        let role = key.role().as_str_name().trim_start_matches("ROLE_").to_lowercase();
        let times = [&key.create_time, &key.expire_time, &key.last_use_time].map(minute);
        let [created, expires, used] = times.each_ref().map(String::as_str);
        let status = status(key.expire_time.as_ref(), now);
        let quotas = quotas(key.quotas.unwrap_or_default());
        line([&key.id, &role, &projects, created, expires, &status, used, &quotas, &key.owner])
    };
    let times = ["CREATED (UTC)", "EXPIRES", "STATUS", "LAST USE"];
    let [created, expires, status, used] = times;
    let head = line(["ID", "ROLE", "PROJECTS", created, expires, status, used, "QUOTAS", "OWNER"]);
    keys.iter().map(row).fold(head, |text, line| text + &line)
}

/// `expired`, or how soon a key ends: within the time for which one that was replaced may be kept.
/// By the clock of this machine, as [`expire_time`].
fn status(expires: Option<&Timestamp>, now_ms: u64) -> String {
    let Some(expires) = expires else { return "good".to_owned() };
    let left_ms = u64::try_from(timestamp_ms(expires)).unwrap_or(0).saturating_sub(now_ms);
    let minutes = left_ms.div_ceil(60_000);
    match minutes {
        0 => "expired".to_owned(),
        _ if left_ms > MAX_KEY_KEEP_MS => "good".to_owned(),
        1..=119 => format!("ends in {minutes}m"),
        120..=2_879 => format!("ends in {}h", minutes / 60),
        _ => format!("ends in {}d", minutes / 1_440),
    }
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
    let v1::Quotas { rate, burst, calls, waits, watches, projects, jobs, bytes } = quotas;
    let given = [rate, burst, calls, waits, watches, projects, jobs, bytes];
    let pairs = Quota::ALL.into_iter().zip(given);
    let texts = pairs.filter_map(|(quota, most)| {
        let most = most?;
        let most = if most == 0 { "none".to_owned() } else { most.to_string() };
        Some(format!("{}={most}", quota.as_str()))
    });
    let texts: Vec<String> = texts.collect();
    if texts.is_empty() { "-".to_owned() } else { texts.join(",") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_that_has_expired_or_soon_will_says_so() {
        let (now, minute) = (1_700_000_000_000, 60_000);
        let (hour, day) = (60 * minute, 1_440 * minute);
        for (expires, told) in [
            (0, "expired"),
            (now, "expired"),
            (now + 1, "ends in 1m"),
            (now + hour, "ends in 60m"),
            (now + 3 * hour, "ends in 3h"),
            (now + 7 * day, "ends in 7d"),
            (now + 30 * day, "ends in 30d"),
            (now + 31 * day, "good"),
        ] {
            let expires = timestamp(expires.try_into().unwrap());
            assert_eq!(status(Some(&expires), now), told);
        }
        assert_eq!(status(None, now), "good");
    }

    #[test]
    fn the_flags_of_requests_are_those_of_the_command() {
        use clap::CommandFactory as _;
        let command = crate::args::Cli::command();
        let key = command.find_subcommand("key").unwrap();
        let args = key.get_subcommands().flat_map(clap::Command::get_arguments);
        let names: Vec<String> = args
            .map(|arg| match arg.get_long() {
                Some(long) => format!("--{long}"),
                None => arg.get_id().as_str().to_uppercase(),
            })
            .collect();
        for (field, flag) in FLAGS {
            assert!(names.contains(&flag.to_owned()), "{field}: {flag}");
        }
    }
}
