//! The audit: which acts are kept, with what, and who reads them.

use spiderq_proto::v1::{cancel_jobs_request::Selection, *};
use spiderq_tests::{
    Grpc, Http, Program, Stack, StoreKind, by_keys, by_name, job_of, ms, run, sqlite_url, update_of,
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use crate::{helpers::texts, on_each_store};

/// All events of a query, the oldest first.
async fn events(grpc: &Grpc, request: ListAuditEventsRequest) -> Vec<AuditEvent> {
    let listed = grpc.audit().list_audit_events(request).await.unwrap().into_inner();
    assert_eq!(listed.next_page_token, "");
    listed.events.into_iter().rev().collect()
}

async fn all(grpc: &Grpc) -> Vec<AuditEvent> {
    events(grpc, ListAuditEventsRequest::default()).await
}

/// What matters of an event: who, which call, its project, about what, how it ended, how many.
fn told(event: &AuditEvent) -> String {
    let count = event.count.map(|count| format!(" x{count}")).unwrap_or_default();
    let AuditEvent { owner, call, project, subject, result, .. } = event;
    format!("{owner} {call} {project} [{subject}] {result}{count}")
}

async fn told_of_all(grpc: &Grpc) -> Vec<String> {
    all(grpc).await.iter().map(told).collect()
}

async fn push(http: &Http, lines: &str) {
    http.post("/jobq/53/push", lines.to_owned()).await.ok();
}

#[tokio::test]
async fn acts_on_jobs_are_kept_with_what_they_changed() {
    on_each_store(async |kind| {
        let stack = Stack::start(kind).await;
        let key = stack.create_key("ann", Role::User, &[53]).await;
        let (http, ann) = (stack.http().basic(&key, ""), Grpc::new(&stack.url, &key));
        push(&http, &"{\"spider\":\"s\"}\n".repeat(6)).await;
        http.form("/api/jobs/stop.json", &[("project", "53"), ("job", "53/1/1")]).await.ok();
        http.form("/api/jobs/delete.json", &[("project", "53"), ("job", "53/1/1")]).await.ok();
        http.form("/api/jobs/restore.json", &[("project", "53"), ("job", "53/1/1")]).await.ok();
        http.post("/jobq/53/update", r#"{"key":"53/1/1","state":"deleted"}"#).await.ok();
        http.post("/jobq/53/update", r#"{"key":"53/1/1","state":"finished"}"#).await.ok();
        http.post("/jobq/53/update", r#"{"key":"53/1/1","state":"deleted"}"#).await.ok();
        http.send("DELETE".parse().unwrap(), "/jobs/53/1/1", &[], "").await.ok();
        let filter = Some(JobFilter { spiders: vec![by_name("s")], ..JobFilter::default() });
        let metadata_json = texts([("password", "\"hidden\"")]);
        let update = UpdateJobsRequest { project: 53, filter, metadata_json, ..Default::default() };
        ann.jobs().update_jobs(update).await.unwrap();
        http.post("/jobq/53/cancel", r#"{"key":"53/1/2"}"#).await.ok();
        let selection = Some(Selection::OldestPending(2));
        let oldest = CancelJobsRequest { project: 53, selection, ..Default::default() };
        stack.grpc().queue().cancel_jobs(oldest).await.unwrap();
        http.post("/jobq/53/update", r#"{"key":"53/1","priority":3}"#).await.ok();
        let expected = [
            "ann StopJobs 53 [jobs 53/1/1] OK x1",
            "ann DeleteJobs 53 [jobs 53/1/1] OK x1",
            "ann RestoreJobs 53 [jobs 53/1/1] OK x1",
            "ann UpdateQueue 53 [deletes 53/1/1] OK x1",
            "ann UpdateQueue 53 [restores 53/1/1] OK x1",
            "ann UpdateQueue 53 [deletes 53/1/1] OK x1",
            "ann PurgeJob 53 [53/1/1] OK",
            "ann UpdateJobs 53 [spiders s; sets password] OK x5",
            "ann CancelJobs 53 [jobs 53/1/2] OK x1",
            "admin CancelJobs 53 [the oldest 2] OK x2",
            "ann UpdateQueue 53 [all jobs of spiders 1] OK x5",
        ];
        let told = told_of_all(&stack.grpc()).await;
        assert_eq!(told[1..], expected);
    })
    .await;
}

#[tokio::test]
async fn changes_of_keys_settings_and_spiders_are_kept_without_their_values() {
    on_each_store(async |kind| {
        let stack = Stack::start(kind).await;
        let (http, grpc) = (stack.http(), stack.grpc());
        stack.create_key("ann", Role::Worker, &[53, 54]).await;
        let listed = grpc.api_keys().list_api_keys(ListApiKeysRequest::default()).await.unwrap();
        let id = listed.into_inner().api_keys.remove(0).id;
        http.post("/projects/53/settings", r#"{"max_running":1,"password":"hidden"}"#).await.ok();
        http.send("DELETE".parse().unwrap(), "/projects/53/settings/password", &[], "").await.ok();
        http.get("/ids/53/spider/books?create=1").await.ok();
        let spider = "/api/v2/projects/53/spiders/1";
        http.send("PATCH".parse().unwrap(), spider, &[], r#"{"max_running":1}"#).await.ok();
        grpc.api_keys().revoke_api_key(RevokeApiKeyRequest { id: id.clone() }).await.unwrap();
        let expected = [
            format!("admin CreateApiKey 0 [key {id} of ann, role worker, projects 53, 54] OK"),
            "admin UpdateProjectSettings 53 [sets max_running, password] OK".to_owned(),
            "admin UpdateProjectSettings 53 [removes password] OK".to_owned(),
            "admin UpdateSpider 53 [spider 1; sets max_running] OK".to_owned(),
            format!("admin RevokeApiKey 0 [key {id}] OK"),
        ];
        assert_eq!(told_of_all(&grpc).await, expected);
    })
    .await;
}

#[tokio::test]
async fn what_workers_do_and_what_changes_nothing_is_not_kept() {
    on_each_store(async |kind| {
        let stack = Stack::start(kind).await;
        let (http, grpc) = (stack.http(), stack.grpc());
        push(&http, r#"{"spider":"s"}"#).await;
        http.post("/jobq/53/startjob", "{}").await.ok();
        http.post("/jobs/53/1/1", r#"{"n":1}"#).await.ok();
        http.post("/jobq/53/update", r#"{"key":"53/1/1","state":"finished"}"#).await.ok();
        let filter = by_keys(["53/1/1"]);
        let counted = DeleteJobsRequest { filter, validate_only: true, ..Default::default() };
        grpc.jobs().delete_jobs(counted).await.unwrap();
        let has_tags = vec!["none".to_owned()];
        let filter = Some(JobFilter { has_tags, ..JobFilter::default() });
        let none = StopJobsRequest { project: 53, filter, ..Default::default() };
        grpc.jobs().stop_jobs(none).await.unwrap();
        let missing = PurgeJobRequest { key: "53/1/9".to_owned() };
        grpc.jobs().purge_job(missing).await.unwrap();
        let updates = vec![update_of("53/1/1")];
        let update = UpdateQueueRequest { project: 53, updates, ..Default::default() };
        grpc.queue().update_queue(update).await.unwrap();
        assert_eq!(told_of_all(&grpc).await, [""; 0]);
    })
    .await;
}

/// A request by hand, so that its own port is known; which headers it has does not matter.
async fn purge_by_hand(url: &str, authorization: &str) -> String {
    let mut stream = TcpStream::connect(url.strip_prefix("http://").unwrap()).await.unwrap();
    let request = format!(
        "DELETE /jobs/53/1/1 HTTP/1.1\r\nhost: x\r\nauthorization: {authorization}\r\n\
         x-forwarded-for: 10.9.8.7\r\nforwarded: for=10.9.8.7\r\nx-real-ip: 10.9.8.7\r\n\
         x-request-id: my-id\r\nconnection: close\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let peer = stream.local_addr().unwrap().to_string();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    peer
}

#[tokio::test]
async fn an_event_says_who_from_where_and_when() {
    on_each_store(async |kind| {
        let stack = Stack::at(kind, crate::helpers::NOW).await;
        let key = stack.create_key("ann", Role::Read, &[53]).await;
        let peer = purge_by_hand(&stack.url, &format!("Bearer {key}")).await;
        let made = all(&stack.grpc()).await;
        let expected = AuditEvent {
            time: made[1].time,
            owner: "ann".to_owned(),
            key_id: made[0].subject.split(' ').nth(1).unwrap().to_owned(),
            role: Role::Read.into(),
            peer,
            call: "PurgeJob".to_owned(),
            project: 53,
            subject: "53/1/1".to_owned(),
            result: "PERMISSION_DENIED".to_owned(),
            count: None,
            request_id: "my-id".to_owned(),
        };
        assert_eq!(made[1], expected);
        assert_eq!(ms(made[1].time), i64::try_from(crate::helpers::NOW).unwrap());
        let peer = made[0].peer.parse::<std::net::SocketAddr>().unwrap();
        assert!(peer.ip().is_loopback() && peer.port() != 0, "{peer}");
        assert_eq!(made[0].key_id, "configured");
    })
    .await;
}

#[tokio::test]
async fn events_are_found_by_time_owner_call_and_project_in_pages() {
    on_each_store(async |kind| {
        let stack = Stack::at(kind, 1_000_000).await;
        let (http, grpc) = (stack.http(), stack.grpc());
        for n in 0..6_u64 {
            stack.set_time(1_000_000 + n * 1_000);
            let path = format!("/projects/{}/settings", 53 + n % 2);
            http.post(&path, format!("{{\"n{n}\":1}}")).await.ok();
        }
        let found = async |request: ListAuditEventsRequest| {
            let found = events(&grpc, request).await;
            let name = |event: &AuditEvent| event.subject.replace("sets ", "");
            found.iter().map(name).collect::<Vec<_>>().join(" ")
        };
        let none = ListAuditEventsRequest::default;
        let at = |ms| Some(spiderq_proto::time::timestamp(ms));
        let (from_time, before_time) = (at(1_001_000), at(1_004_000));
        let within = ListAuditEventsRequest { from_time, before_time, ..none() };
        assert_eq!(found(within).await, "n1 n2 n3");
        assert_eq!(found(ListAuditEventsRequest { project: 54, ..none() }).await, "n1 n3 n5");
        let owner = "nobody".to_owned();
        assert_eq!(found(ListAuditEventsRequest { owner, ..none() }).await, "");
        let call = "UpdateProjectSettings".to_owned();
        assert_eq!(found(ListAuditEventsRequest { call, ..none() }).await, "n0 n1 n2 n3 n4 n5");
        let (mut request, mut pages) =
            (ListAuditEventsRequest { page_size: 4, ..none() }, Vec::new());
        loop {
            let page = grpc.audit().list_audit_events(request.clone()).await.unwrap().into_inner();
            pages.push(page.events.len());
            request.page_token = page.next_page_token;
            if request.page_token.is_empty() {
                break;
            }
            let other = ListAuditEventsRequest { project: 53, ..request.clone() };
            grpc.audit().list_audit_events(other).await.unwrap_err();
        }
        assert_eq!(pages, [4, 2]);
    })
    .await;
}

#[tokio::test]
async fn a_refused_act_is_kept_the_first_time_only() {
    let stack = Stack::start(StoreKind::Sqlite).await;
    let ann = Grpc::new(&stack.url, &stack.create_key("ann", Role::Read, &[53]).await);
    for _ in 0..20 {
        let purge = PurgeJobRequest { key: "53/1/1".to_owned() };
        ann.jobs().purge_job(purge).await.unwrap_err();
    }
    let told = told_of_all(&stack.grpc()).await;
    assert_eq!(told[1..], ["ann PurgeJob 53 [53/1/1] PERMISSION_DENIED"]);
}

/// A server that keeps no events has them in its log, where failed authentications are too.
#[tokio::test]
async fn the_log_tells_acts_and_the_first_failed_authentication_of_an_address() {
    let folder = tempfile::tempdir().unwrap();
    let flags = ["--audit-keep", "0", "--log", "warn,audit=info,spiderq=info"];
    let program = Program::serve(&sqlite_url(folder.path()), &flags);
    let grpc = Grpc::new(&program.url, Stack::KEY);
    let http = Http::new(&program.url);
    for _ in 0..10 {
        http.bearer(&"f".repeat(32)).get("/jobq/1/count").await;
        Grpc::new(&program.url, "no key")
            .queue()
            .start_job(StartJobRequest::default())
            .await
            .unwrap_err();
    }
    http.bearer(Stack::KEY).post("/projects/53/settings", r#"{"n":1}"#).await.ok();
    let pushed = PushJobsRequest { project: 53, jobs: vec![job_of("s")], ..Default::default() };
    grpc.queue().push_jobs(pushed).await.unwrap();
    assert_eq!(told_of_all(&grpc).await, [""; 0]);
    let (_, output) = program.terminate();
    let lines: Vec<&str> = output.lines().filter(|line| line.contains(" audit: ")).collect();
    let [failed, act] = lines[..] else { panic!("{output}") };
    assert!(failed.contains("INFO") && failed.ends_with("authentication failed peer=127.0.0.1"));
    for part in [
        r#"act owner="admin" key_id="configured" role="admin" peer="127.0.0.1:"#,
        r#"call="UpdateProjectSettings" project=53 subject="sets n" result="OK" request_id="#,
    ] {
        assert!(act.contains(part), "{act}");
    }
}

/// Behind a gateway of another process the address is the gateway's; the request id is the same.
#[tokio::test]
async fn behind_a_gateway_the_request_id_leads_to_the_client() {
    let folder = tempfile::tempdir().unwrap();
    let service = Program::service(&sqlite_url(folder.path()), &[]);
    let mut gateway = Program::gateway(&service.url, &["--log-requests"]);
    let http = Http::new(&gateway.url).bearer(Stack::KEY);
    http.post("/projects/53/settings", "{\"n\":1}").await.ok();
    http.post("/jobq/53/push", r#"{"spider":"s","state":"deleted"}"#).await.ok();
    let peer = purge_by_hand(&gateway.url, &format!("Bearer {}", Stack::KEY)).await;
    let line = gateway.wait_for(r#"request_id="my-id""#);
    assert!(line.contains(&format!("peer={peer} ")), "{line}");
    let events = all(&Grpc::new(&service.url, Stack::KEY)).await;
    let [_, event] = &events[..] else { panic!("{events:?}") };
    assert_eq!((event.call.as_str(), event.request_id.as_str()), ("PurgeJob", "my-id"));
    assert_ne!(event.peer, peer);
}

#[tokio::test]
async fn the_command_prints_events_as_a_table_and_as_json() {
    let folder = tempfile::tempdir().unwrap();
    let program = Program::serve(&sqlite_url(folder.path()), &[]);
    let http = Http::new(&program.url).bearer(Stack::KEY);
    for name in ["a", "b", "c"] {
        http.post("/projects/53/settings", format!("{{\"{name}\":1}}")).await.ok();
    }
    let url = program.url.clone();
    let audit = |more: &[&str]| {
        let login = ["audit", "--server", &url, "--admin-key", Stack::KEY];
        let (status, out, error) = run(&[&login, more].concat());
        assert!(status.success(), "{error}");
        out
    };
    let table = audit(&["-n", "2"]);
    let lines: Vec<&str> = table.lines().collect();
    assert!(lines[0].starts_with("TIME ") && lines[0].ends_with(" SUBJECT"), "{table}");
    assert_eq!(lines.len(), 3);
    assert!(lines[1].ends_with(" sets c") && lines[2].ends_with(" sets b"), "{table}");
    let json = audit(&["-o", "json", "--since", "1h", "--call", "UpdateProjectSettings"]);
    let events: Vec<serde_json::Value> =
        json.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(events.len(), 3);
    assert_eq!((&events[0]["subject"], &events[0]["result"]), (&"sets c".into(), &"OK".into()));
    assert_eq!(audit(&["-o", "json", "--until", "2020-01-01"]), "");
    let (status, _, error) = run(&["audit", "--server", &url, "--since", "yesterday"]);
    assert!(!status.success() && error.contains("--since"), "{error}");
}
