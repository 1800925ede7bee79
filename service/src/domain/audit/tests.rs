use spiderq_core::store::AuditStore as _;

use super::{super::test_world::*, *};

const ALL: AuditRange = AuditRange { from: Millis(0), until: Millis(u64::MAX), before: None };

fn act(subject: &str, result: &'static str) -> Act {
    let (project, subject) = (Some(project(53)), subject.to_owned());
    Act { call: "StopJobs", project, subject, result, count: Some(1) }
}

fn source() -> ActSource {
    ActSource { peer: Some(([10, 0, 0, 1], 50_000).into()), request_id: "id".to_owned() }
}

fn query(limit: usize) -> AuditQuery {
    AuditQuery {
        from: Millis(0),
        until: Millis(u64::MAX),
        owner: String::new(),
        call: String::new(),
        project: None,
        after: None,
        limit,
    }
}

async fn kept(world: &World) -> Vec<AuditEvent> {
    let found = world.store.audit_events(ALL, 100).await.unwrap();
    found.into_iter().map(|(_, event)| event).collect()
}

#[tokio::test]
async fn an_act_is_kept_with_who_did_it_and_from_where() {
    let world = World::new();
    world.domain.audit(&caller(Role::User), act("53/1/1", DONE), source()).await;
    let expected = AuditEvent {
        time: Millis(NOW),
        owner: "user".to_owned(),
        key_id: "k".to_owned(),
        role: Some(Role::User),
        peer: "10.0.0.1:50000".to_owned(),
        call: "StopJobs".to_owned(),
        project: Some(project(53)),
        subject: "53/1/1".to_owned(),
        result: "OK".to_owned(),
        count: Some(1),
        request_id: "id".to_owned(),
    };
    assert_eq!(kept(&world).await, [expected]);
}

#[tokio::test]
async fn a_long_subject_is_cut_between_characters() {
    let world = World::new();
    let long = "ä".repeat(MAX_AUDIT_SUBJECT_BYTES);
    world.domain.audit(&caller(Role::User), act(&long, DONE), source()).await;
    let subject = kept(&world).await.remove(0).subject;
    assert!(subject.len() <= MAX_AUDIT_SUBJECT_BYTES && subject.ends_with("ä…"), "{subject}");
}

#[tokio::test]
async fn acts_that_are_refused_again_and_again_are_one_event_a_round() {
    let world = World::new();
    let mut auditor = Auditor::new(Arc::clone(&world.domain));
    for _ in 0..1_000 {
        world.domain.audit(&caller(Role::Read), act("x", "PERMISSION_DENIED"), source()).await;
    }
    world.domain.audit(&caller(Role::Worker), act("x", "PERMISSION_DENIED"), source()).await;
    auditor.round().await.unwrap();
    auditor.round().await.unwrap();
    let events = kept(&world).await;
    let told: Vec<_> = events.iter().map(|one| (one.owner.as_str(), one.count)).collect();
    assert_eq!(told, [("read", Some(999)), ("worker", Some(1)), ("read", Some(1))]);
}

#[tokio::test]
async fn failed_authentications_of_all_addresses_are_one_event_a_round() {
    let world = World::new();
    let mut auditor = Auditor::new(Arc::clone(&world.domain));
    auditor.round().await.unwrap();
    assert_eq!(kept(&world).await, []);
    for peer in ["10.0.0.1", "10.0.0.2", "10.0.0.2", "::ffff:10.0.0.2", "2001:db8::1"] {
        world.domain.authentication_failed(peer.parse().unwrap());
    }
    world.domain.authentication_failed("2001:db8::ffff:2".parse().unwrap());
    assert_eq!(kept(&world).await, []);
    auditor.round().await.unwrap();
    let event = kept(&world).await.remove(0);
    assert_eq!((event.call.as_str(), event.result.as_str()), ("Authenticate", "UNAUTHENTICATED"));
    assert_eq!((event.count, event.peer.as_str()), (Some(6), "10.0.0.2"));
    assert_eq!(event.subject, "from 3 addresses, 3 times from this");
}

#[tokio::test]
async fn events_are_kept_for_the_days_that_are_set() {
    let world = World::new();
    let keeping = |days| Arc::new(Domain::clone(&world.domain).with_audit_keep(days));
    keeping(0).audit(&caller(Role::User), act("not kept", DONE), source()).await;
    assert_eq!(kept(&world).await, []);
    let domain = keeping(2);
    for _ in 0..3 {
        domain.audit(&caller(Role::User), act("kept", DONE), source()).await;
        world.pass(DAY_MS);
    }
    Auditor::new(domain).round().await.unwrap();
    let times: Vec<u64> = kept(&world).await.iter().map(|event| event.time.0 - NOW).collect();
    assert_eq!(times, [2 * DAY_MS, DAY_MS]);
}

#[tokio::test]
async fn admins_alone_list_events() {
    let world = World::new();
    for role in [Role::Read, Role::Worker, Role::User] {
        let listed = world.domain.list_audit_events(&caller(role), query(10)).await;
        assert!(listed.is_err(), "{role:?}");
    }
    let listed = world.domain.list_audit_events(&caller(Role::Admin), query(10)).await.unwrap();
    assert_eq!(listed, (Vec::new(), None));
}

#[tokio::test]
async fn events_are_found_by_owner_call_and_project_page_by_page() {
    let world = World::new();
    for n in 0..30 {
        let role = if n % 3 == 0 { Role::User } else { Role::Admin };
        world.domain.audit(&caller(role), act(&n.to_string(), DONE), source()).await;
    }
    let wanted = AuditQuery {
        owner: "user".to_owned(),
        call: "StopJobs".to_owned(),
        project: Some(project(53)),
        ..query(4)
    };
    let (mut after, mut pages) = (None, Vec::new());
    loop {
        let query = AuditQuery { after, ..wanted.clone() };
        let (events, next) =
            world.domain.list_audit_events(&caller(Role::Admin), query).await.unwrap();
        pages.push(events.into_iter().map(|event| event.subject).collect::<Vec<_>>().join(" "));
        after = next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(pages, ["27 24 21 18", "15 12 9 6", "3 0"]);
    for other in [
        AuditQuery { owner: "nobody".to_owned(), ..wanted.clone() },
        AuditQuery { call: "PurgeJob".to_owned(), ..wanted.clone() },
        AuditQuery { project: Some(project(54)), ..wanted.clone() },
    ] {
        let found = world.domain.list_audit_events(&caller(Role::Admin), other).await.unwrap();
        assert_eq!(found, (Vec::new(), None));
    }
}

#[tokio::test]
async fn one_call_looks_at_so_many_events_only() {
    let world = World::new();
    for _ in 0..MAX_AUDIT_SCAN + 1 {
        world.domain.audit(&caller(Role::User), act("x", DONE), source()).await;
    }
    let none = AuditQuery { owner: "nobody".to_owned(), ..query(10) };
    let (events, next) =
        world.domain.list_audit_events(&caller(Role::Admin), none.clone()).await.unwrap();
    assert!(events.is_empty() && next.is_some());
    let rest = AuditQuery { after: next, ..none };
    let found = world.domain.list_audit_events(&caller(Role::Admin), rest).await.unwrap();
    assert_eq!(found, (Vec::new(), None));
}
