//! `spiderq audit`: prints what the audit of a running server kept, over gRPC.

use std::io::{self, Write as _};

use serde_json::json;
use spiderq_proto::{
    Timestamp,
    v1::{AuditEvent, ListAuditEventsRequest, audit_service_client::AuditServiceClient},
};
use tonic::{service::interceptor::InterceptedService, transport::Channel};

use crate::{
    admin_client::{Credentials, call_error, connect},
    args::{Audit, Output},
    error::Error,
};

/// What sets the fields of the request.
const FLAGS: [(&str, &str); 6] = [
    ("from_time", "--since"),
    ("before_time", "--until"),
    ("owner", "--owner"),
    ("call", "--call"),
    ("project", "--project"),
    ("page_size", "--limit"),
];

type Client = AuditServiceClient<InterceptedService<Channel, Credentials>>;

/// Prints the events, the latest first, page by page.
pub(crate) async fn run(flags: Audit) -> Result<(), Error> {
    let credentials = Credentials::new(flags.admin_key)?;
    let channel = connect(&flags.connection).await?;
    let mut client: Client = AuditServiceClient::with_interceptor(channel, credentials);
    let most = if flags.limit == 0 { u64::MAX } else { flags.limit };
    let mut request = ListAuditEventsRequest {
        from_time: flags.since,
        before_time: flags.until,
        owner: flags.owner,
        call: flags.call.unwrap_or_default(),
        project: flags.project,
        page_size: i32::try_from(most).unwrap_or(i32::MAX),
        ..Default::default()
    };
    if flags.output == Output::Table {
        print(&line(HEAD))?;
    }
    let mut printed = 0;
    while printed < most {
        let page = client.list_audit_events(request.clone()).await;
        let failed = |status| call_error(&status, &flags.connection.server, &FLAGS);
        let page = page.map_err(failed)?.into_inner();
        for event in page.events.iter().take(usize::try_from(most - printed).unwrap_or(usize::MAX))
        {
            print(&match flags.output {
                Output::Table => row(event),
                Output::Json => object(event),
            })?;
            printed += 1;
        }
        request.page_token = page.next_page_token;
        if request.page_token.is_empty() {
            break;
        }
    }
    Ok(())
}

/// A reader that has seen enough, as `head`, closes the pipe: that is no error.
fn print(text: &str) -> Result<(), Error> {
    match io::stdout().write_all(text.as_bytes()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Error::new(format!("can't print the events: {error}")))
        }
        Ok(()) | Err(_) => Ok(()),
    }
}

const HEAD: [&str; 9] =
    ["TIME", "OWNER", "KEY", "PEER", "CALL", "PROJECT", "RESULT", "COUNT", "SUBJECT"];

fn row(event: &AuditEvent) -> String {
    let project = if event.project == 0 { String::new() } else { event.project.to_string() };
    let count = event.count.map(|count| count.to_string()).unwrap_or_default();
    line([
        &time(event.time.as_ref()),
        &event.owner,
        &event.key_id,
        &event.peer,
        &event.call,
        &project,
        &event.result,
        &count,
        &event.subject,
    ])
}

/// The cells in their columns.
fn line(cells: [&str; 9]) -> String {
    let [time, owner, key, peer, call, project, result, count, subject] = cells.map(some);
    let line = format!(
        "{time:<24} {owner:<12} {key:<10} {peer:<21} {call:<21} {project:<8} {result:<17} \
         {count:<6} {subject}"
    );
    // What a caller wrote must not move the cursor of the terminal.
    let visible = |letter: char| if letter.is_control() { '\u{fffd}' } else { letter };
    line.chars().map(visible).chain(['\n']).collect()
}

fn some(text: &str) -> &str {
    if text.is_empty() { "-" } else { text }
}

fn time(time: Option<&Timestamp>) -> String {
    time.map(Timestamp::to_string).unwrap_or_default()
}

fn object(event: &AuditEvent) -> String {
    let role = event.role().as_str_name().trim_start_matches("ROLE_").to_lowercase();
    let object = json!({
        "time": time(event.time.as_ref()),
        "owner": event.owner,
        "key_id": event.key_id,
        "role": if role == "unspecified" { None } else { Some(role) },
        "peer": event.peer,
        "call": event.call,
        "project": (event.project != 0).then_some(event.project),
        "subject": event.subject,
        "result": event.result,
        "count": event.count,
        "request_id": event.request_id,
    });
    format!("{object}\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event() -> AuditEvent {
        AuditEvent {
            time: Some(Timestamp { seconds: 1_700_000_000, nanos: 0 }),
            owner: "ann".to_owned(),
            peer: "10.0.0.1:50000".to_owned(),
            call: "StopJobs".to_owned(),
            project: 53,
            subject: "jobs \u{1b}[2J53/1/1".to_owned(),
            result: "OK".to_owned(),
            ..Default::default()
        }
    }

    #[test]
    fn a_row_stands_under_the_heads_and_moves_no_cursor() {
        let (heads, row) = (line(HEAD), row(&event()));
        for (head, cell) in
            [("OWNER", "ann"), ("KEY", "-"), ("CALL", "StopJobs"), ("PROJECT", "53")]
        {
            assert_eq!(heads.find(head), row.find(&format!(" {cell} ")).map(|at| at + 1), "{head}");
        }
        assert!(row.ends_with("jobs \u{fffd}[2J53/1/1\n"), "{row}");
    }

    #[test]
    fn what_is_not_there_is_null() {
        let object: serde_json::Value = serde_json::from_str(&object(&event())).unwrap();
        assert_eq!(object["time"], "2023-11-14T22:13:20Z");
        assert_eq!((&object["role"], &object["count"]), (&json!(null), &json!(null)));
        assert_eq!(object["project"], 53);
    }
}
