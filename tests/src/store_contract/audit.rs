//! Audit events. They belong to no project, so that each case needs a store of its own.

use std::sync::Arc;

use spiderq_core::{
    model::{AuditEvent, Millis, ProjectId, Role},
    store::{AuditRange, Store},
};

const ALL: AuditRange = AuditRange { from: Millis(0), until: Millis(u64::MAX), before: None };

fn event(time: u64, subject: &str) -> AuditEvent {
    AuditEvent {
        time: Millis(time),
        owner: "Ünï \"x\" {a}:*".to_owned(),
        key_id: "0123abcd".to_owned(),
        role: Some(Role::User),
        peer: "[::1]:50000".to_owned(),
        call: "StopJobs".to_owned(),
        project: Some(ProjectId::new(53).unwrap()),
        subject: subject.to_owned(),
        result: "OK".to_owned(),
        count: Some(u64::MAX),
        request_id: "id".to_owned(),
    }
}

/// One event of each of these times; its subject is its place among them.
async fn add(store: &Arc<dyn Store>, times: &[u64]) {
    for (n, time) in times.iter().enumerate() {
        store.add_audit_event(event(*time, &n.to_string())).await.unwrap();
    }
}

async fn subjects(store: &Arc<dyn Store>, range: AuditRange, limit: usize) -> Vec<String> {
    let found = store.audit_events(range, limit).await.unwrap();
    found.into_iter().map(|(_, event)| event.subject).collect()
}

/// Every field comes back, with each role and with none.
pub async fn an_audit_event_comes_back_as_it_was(store: Arc<dyn Store>) {
    assert_eq!(store.audit_events(ALL, 10).await.unwrap(), []);
    let mut added = Vec::new();
    for (n, role) in Role::ALL.into_iter().map(Some).chain([None]).enumerate() {
        let (project, count) = (role.and(event(0, "").project), role.map(|_| n as u64));
        let event = AuditEvent { role, project, count, ..event(n as u64 + 1, "a\nb \"\u{1}") };
        store.add_audit_event(event.clone()).await.unwrap();
        added.insert(0, event);
    }
    let found = store.audit_events(ALL, 10).await.unwrap();
    let found: Vec<AuditEvent> = found.into_iter().map(|(_, event)| event).collect();
    assert_eq!(found, added);
}

/// Also events of one time, in the order in which they were added.
pub async fn audit_events_come_latest_first_and_in_pages(store: Arc<dyn Store>) {
    add(&store, &[10, 20, 20, 20, 30]).await;
    let (mut range, mut pages) = (ALL, Vec::new());
    loop {
        let page = store.audit_events(range, 2).await.unwrap();
        let Some((last, _)) = page.last() else { break };
        range.before = Some(*last);
        pages.push(page.into_iter().map(|(_, event)| event.subject).collect::<Vec<_>>());
    }
    assert_eq!(pages, [vec!["4", "3"], vec!["2", "1"], vec!["0"]]);
}

/// From the first time on, and before the second.
pub async fn audit_events_are_found_by_time(store: Arc<dyn Store>) {
    add(&store, &[10, 20, 30, 40]).await;
    let within =
        |from, until| AuditRange { from: Millis(from), until: Millis(until), before: None };
    assert_eq!(subjects(&store, within(20, 40), 10).await, ["2", "1"]);
    assert_eq!(subjects(&store, within(41, u64::MAX), 10).await, [""; 0]);
    assert_eq!(subjects(&store, within(0, 10), 10).await, [""; 0]);
    assert_eq!(subjects(&store, within(0, 0), 10).await, [""; 0]);
    let (last, _) = store.audit_events(ALL, 1).await.unwrap().remove(0);
    let range = AuditRange { before: Some(last), ..within(0, 30) };
    assert_eq!(subjects(&store, range, 10).await, ["1", "0"]);
}

/// An event that a clock put back makes earlier than the last gets the time of that one.
pub async fn times_of_audit_events_never_go_down(store: Arc<dyn Store>) {
    add(&store, &[50, 40, 60]).await;
    let found = store.audit_events(ALL, 10).await.unwrap();
    let times: Vec<u64> = found.iter().map(|(_, event)| event.time.0).collect();
    assert_eq!(times, [60, 50, 50]);
    assert_eq!(subjects(&store, ALL, 10).await, ["2", "1", "0"]);
}

async fn prune(store: &Arc<dyn Store>, from: u64, most: u64) {
    while store.prune_audit_events(Millis(from), most).await.unwrap() {}
}

/// By age or by number, whichever removes more; and new ones are added after it.
pub async fn old_audit_events_are_removed(store: Arc<dyn Store>) {
    prune(&store, 100, 0).await;
    add(&store, &[10, 20, 30, 40]).await;
    prune(&store, 0, 4).await;
    assert_eq!(subjects(&store, ALL, 10).await, ["3", "2", "1", "0"]);
    prune(&store, 20, 4).await;
    assert_eq!(subjects(&store, ALL, 10).await, ["3", "2", "1"]);
    prune(&store, 20, 2).await;
    assert_eq!(subjects(&store, ALL, 10).await, ["3", "2"]);
    prune(&store, 41, 2).await;
    assert_eq!(subjects(&store, ALL, 10).await, [""; 0]);
    add(&store, &[50, 60]).await;
    assert_eq!(subjects(&store, ALL, 10).await, ["1", "0"]);
    prune(&store, 0, 0).await;
    assert_eq!(subjects(&store, ALL, 10).await, [""; 0]);
    // Earlier than one that is gone: it is kept all the same.
    add(&store, &[5]).await;
    assert_eq!(subjects(&store, ALL, 10).await, ["0"]);
}

/// More than one step removes.
pub async fn many_old_audit_events_are_removed(store: Arc<dyn Store>) {
    let times: Vec<u64> = (1..=2_500).collect();
    add(&store, &times).await;
    prune(&store, 2_499, 1_000).await;
    assert_eq!(subjects(&store, ALL, 10).await, ["2499", "2498"]);
}

/// None is lost, and no two have one place.
pub async fn audit_events_are_added_at_once(store: Arc<dyn Store>) {
    let tasks: Vec<_> = (0..64)
        .map(|n| {
            let store = Arc::clone(&store);
            tokio::spawn(async move { store.add_audit_event(event(7, &n.to_string())).await })
        })
        .collect();
    for task in tasks {
        task.await.unwrap().unwrap();
    }
    let found = store.audit_events(ALL, 100).await.unwrap();
    let places: std::collections::BTreeSet<_> = found.iter().map(|(place, _)| *place).collect();
    assert_eq!((found.len(), places.len()), (64, 64));
}
