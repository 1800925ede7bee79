//! API keys and the secret of the installation. They belong to no project, so that each case
//! needs a store of its own.

use std::sync::Arc;

use spiderq_core::{
    model::{Millis, Quota, Quotas, Role},
    store::{ApiKeyDigest, ApiKeyRecord, KeyRemoval, KeyReplacement, Store},
};

fn digest(n: u64) -> ApiKeyDigest {
    ApiKeyDigest(format!("{n:064x}"))
}

fn record(id: &str, created: u64) -> ApiKeyRecord {
    ApiKeyRecord {
        id: id.to_owned(),
        name: format!("owner of {id}"),
        role: Role::User,
        projects: Some(vec![1, 9_007_199_254_740_991]),
        created,
        quotas: Quotas::default(),
        expires: None,
        last_used: None,
    }
}

fn admin(id: &str, created: u64) -> ApiKeyRecord {
    ApiKeyRecord { role: Role::Admin, projects: None, ..record(id, created) }
}

/// An admin key that expires.
fn passing_admin(id: &str, created: u64) -> ApiKeyRecord {
    ApiKeyRecord { expires: Some(created + 1), ..admin(id, created) }
}

/// Every field of the record comes back, for each role.
pub async fn an_api_key_is_found_by_its_digest(store: Arc<dyn Store>) {
    assert_eq!(store.get_api_key(&digest(1)).await.unwrap(), None);
    let mut keys = Vec::new();
    for (n, role) in Role::ALL.into_iter().enumerate() {
        let n = n as u64;
        let all = Quota::ALL.map(|quota| (quota, Some(1_000_000_000)));
        let some = [(Quota::Rate, Some(0)), (Quota::Jobs, Some(7))];
        let quotas = [[].into(), Vec::from(some), Vec::from(all), [].into()].map(Quotas::new);
        let projects = [None, Some(vec![]), Some(vec![5]), Some(vec![7, 6])];
        let key = ApiKeyRecord {
            role,
            name: "Ünï \"x\" {a}:*".to_owned(),
            projects: projects[n as usize].clone(),
            quotas: quotas[n as usize].clone(),
            expires: n.is_multiple_of(2).then_some(9_007_199_254_740_991 - n),
            ..record(&format!("k{n}"), n)
        };
        store.put_api_key(&digest(n), key.clone()).await.unwrap();
        keys.push(key);
    }
    for (n, key) in keys.iter().enumerate() {
        let found = store.get_api_key(&digest(n as u64)).await.unwrap();
        assert_eq!(found.as_ref(), Some(key));
    }
    assert_eq!(store.get_api_key(&digest(9)).await.unwrap(), None);
    assert_eq!(store.list_api_keys().await.unwrap(), keys);
}

/// Nor after its removal, so that nobody revives a revoked key by repeating a call.
pub async fn an_api_key_with_the_same_digest_is_not_replaced(store: Arc<dyn Store>) {
    assert!(store.put_api_key(&digest(1), record("a", 1)).await.unwrap());
    assert!(!store.put_api_key(&digest(1), record("b", 2)).await.unwrap());
    assert_eq!(store.get_api_key(&digest(1)).await.unwrap(), Some(record("a", 1)));
    assert_eq!(store.list_api_keys().await.unwrap(), [record("a", 1)]);
    assert_eq!(store.remove_api_key("a", false).await.unwrap(), KeyRemoval::Removed);
    assert!(!store.put_api_key(&digest(1), record("a", 1)).await.unwrap());
    assert_eq!(store.get_api_key(&digest(1)).await.unwrap(), None);
    assert_eq!(store.list_api_keys().await.unwrap(), []);
    assert!(store.put_first_api_key(&digest(2), record("c", 3)).await.unwrap());
}

/// Keys of equal age are listed by id.
pub async fn api_keys_are_listed_oldest_first(store: Arc<dyn Store>) {
    let keys = [("d", 5), ("b", 7), ("a", 7), ("c", 6)];
    for (n, (id, created)) in keys.into_iter().enumerate() {
        let key = record(id, created);
        store.put_api_key(&digest(n as u64), key).await.unwrap();
    }
    let listed = store.list_api_keys().await.unwrap();
    let ids: Vec<&str> = listed.iter().map(|key| key.id.as_str()).collect();
    assert_eq!(ids, ["d", "c", "a", "b"]);
}

/// Removing one key leaves the others; removing it again answers `false`.
pub async fn a_removed_api_key_is_not_found(store: Arc<dyn Store>) {
    store.put_api_key(&digest(1), record("a", 1)).await.unwrap();
    store.put_api_key(&digest(2), record("b", 2)).await.unwrap();
    for (id, removal) in
        [("a", KeyRemoval::Removed), ("a", KeyRemoval::Missing), ("unknown", KeyRemoval::Missing)]
    {
        assert_eq!(store.remove_api_key(id, true).await.unwrap(), removal, "{id}");
    }
    assert_eq!(store.get_api_key(&digest(1)).await.unwrap(), None);
    assert_eq!(store.list_api_keys().await.unwrap(), [record("b", 2)]);
}

/// Only an admin key that never expires is one that must stay.
pub async fn the_last_lasting_admin_key_stays_where_it_must(store: Arc<dyn Store>) {
    let keys = [record("user", 1), admin("first", 2), passing_admin("passing", 3)];
    for (n, key) in (0..).zip(keys) {
        store.put_api_key(&digest(n), key).await.unwrap();
    }
    let remove = async |id, keep_admin| store.remove_api_key(id, keep_admin).await.unwrap();
    assert_eq!(remove("first", true).await, KeyRemoval::LastAdmin);
    assert_eq!(store.list_api_keys().await.unwrap().len(), 3);
    store.put_api_key(&digest(3), admin("second", 4)).await.unwrap();
    assert_eq!(remove("first", true).await, KeyRemoval::Removed);
    assert_eq!(remove("second", true).await, KeyRemoval::LastAdmin);
    assert_eq!(remove("passing", true).await, KeyRemoval::Removed);
    assert_eq!(remove("user", true).await, KeyRemoval::Removed);
    assert_eq!(remove("second", false).await, KeyRemoval::Removed);
    assert_eq!(store.list_api_keys().await.unwrap(), []);
}

/// In 100 rounds the last two admin keys are removed at once, and one is left each time.
pub async fn of_two_admin_keys_removed_at_once_one_stays(store: Arc<dyn Store>) {
    let id = |n: u64| format!("k{n:03}");
    store.put_api_key(&digest(0), admin(&id(0), 0)).await.unwrap();
    let mut last = 0;
    for n in 1..=100 {
        store.put_api_key(&digest(n), admin(&id(n), n)).await.unwrap();
        let pair = [last, n].map(|n| {
            let store = Arc::clone(&store);
            tokio::spawn(async move { store.remove_api_key(&id(n), true).await.unwrap() })
        });
        let [first, second] = pair;
        let removals = (first.await.unwrap(), second.await.unwrap());
        last = match removals {
            (KeyRemoval::Removed, KeyRemoval::LastAdmin) => n,
            (KeyRemoval::LastAdmin, KeyRemoval::Removed) => last,
            other => panic!("round {n}: {other:?}"),
        };
        let left = store.list_api_keys().await.unwrap();
        assert_eq!(left.iter().map(|key| key.created).collect::<Vec<_>>(), [last]);
    }
}

/// The other one expires at the time given, or when it was to, if that is sooner.
pub async fn a_replaced_api_key_expires(store: Arc<dyn Store>) {
    let late = ApiKeyRecord { expires: Some(900), ..record("late", 2) };
    let soon = ApiKeyRecord { expires: Some(100), ..record("soon", 3) };
    let all = [record("never", 1), late, soon];
    for (n, key) in (0..).zip(all.clone()) {
        store.put_api_key(&digest(n), key).await.unwrap();
    }
    let replace = async |id: &str, n: u64| {
        let new = record(&format!("new {id}"), 10 + n);
        store.replace_api_key(id, Millis(500), &digest(10 + n), new).await.unwrap()
    };
    for (n, key) in (0..).zip(&all) {
        assert_eq!(replace(&key.id, n).await, KeyReplacement::Replaced);
    }
    store.remove_api_key("late", true).await.unwrap();
    for (n, id) in [(3, "late"), (4, "unknown")] {
        assert_eq!(replace(id, n).await, KeyReplacement::Missing);
    }
    let [never, _, soon] = all;
    let never = ApiKeyRecord { expires: Some(500), ..never };
    let mut expected = vec![never, soon];
    expected.extend((0..).zip(["never", "late", "soon"]).map(|(n, id)| {
        let id = format!("new {id}");
        record(&id, 10 + n)
    }));
    assert_eq!(store.list_api_keys().await.unwrap(), expected);
    let found = store.get_api_key(&digest(0)).await.unwrap();
    assert_eq!(found.unwrap().expires, Some(500));
}

/// Of two calls at once one replaces it, and the other names the key in its place.
pub async fn an_api_key_is_replaced_once(store: Arc<dyn Store>) {
    store.put_api_key(&digest(0), record("old", 0)).await.unwrap();
    let replace = |id: &'static str, n: u64| {
        let (store, new) = (Arc::clone(&store), record(&format!("k{n}"), n));
        tokio::spawn(async move {
            store.replace_api_key(id, Millis(500 - n), &digest(n), new).await.unwrap()
        })
    };
    let (first, second) = tokio::join!(replace("old", 1), replace("old", 2));
    let (by, kept) = match (first.unwrap(), second.unwrap()) {
        (KeyReplacement::Replaced, refused) => (1, refused),
        (refused, KeyReplacement::Replaced) => (2, refused),
        other => panic!("{other:?}"),
    };
    let id = if by == 1 { "k1" } else { "k2" };
    assert_eq!(kept, KeyReplacement::ReplacedBefore(id.to_owned()));
    let old = ApiKeyRecord { expires: Some(500 - by), ..record("old", 0) };
    assert_eq!(store.list_api_keys().await.unwrap(), [old, record(id, by)]);
    // The one in its place can be, and one that was removed is no more.
    assert_eq!(replace(id, 3).await.unwrap(), KeyReplacement::Replaced);
    store.remove_api_key("old", false).await.unwrap();
    assert_eq!(replace("old", 4).await.unwrap(), KeyReplacement::Missing);
}

/// The latest use is kept, whichever process says it first, and none brings a removed key back.
pub async fn the_last_use_of_an_api_key_is_listed(store: Arc<dyn Store>) {
    for (n, id) in (1..).zip(["a", "b", "c"]) {
        store.put_api_key(&digest(n), record(id, n)).await.unwrap();
    }
    store.remove_api_key("c", true).await.unwrap();
    let now = 1_700_000_000_123;
    let uses = [1, 3, 9].map(|n| (digest(n), Millis(now)));
    store.note_api_key_uses(&uses).await.unwrap();
    store.note_api_key_uses(&[(digest(1), Millis(now - 1))]).await.unwrap();
    store.note_api_key_uses(&[]).await.unwrap();
    let used = ApiKeyRecord { last_used: Some(now), ..record("a", 1) };
    assert_eq!(store.list_api_keys().await.unwrap(), [used, record("b", 2)]);
    assert_eq!(store.get_api_key(&digest(1)).await.unwrap(), Some(record("a", 1)));
    assert_eq!(store.get_api_key(&digest(3)).await.unwrap(), None);
}

/// Of many servers that start on an empty store, one creates the first key.
pub async fn only_one_process_creates_the_first_api_key(store: Arc<dyn Store>) {
    let tasks: Vec<_> = (0..32)
        .map(|n| {
            let store = store.clone();
            tokio::spawn(async move {
                let key = record(&format!("k{n}"), n);
                store.put_first_api_key(&digest(n), key).await.unwrap()
            })
        })
        .collect();
    let mut winners = Vec::new();
    for (n, task) in tasks.into_iter().enumerate() {
        if task.await.unwrap() {
            winners.push(n as u64);
        }
    }
    let [winner] = winners[..] else {
        panic!("winners: {winners:?}");
    };
    let key = record(&format!("k{winner}"), winner);
    assert_eq!(store.list_api_keys().await.unwrap(), [key]);
    assert!(!store.put_first_api_key(&digest(99), record("x", 0)).await.unwrap());
}

/// Whichever candidate comes first is the secret of all later callers.
pub async fn the_installation_secret_never_changes(store: Arc<dyn Store>) {
    let tasks: Vec<_> = (0..16_u8)
        .map(|n| {
            let store = store.clone();
            tokio::spawn(async move { store.installation_secret([n; 32]).await.unwrap() })
        })
        .collect();
    let mut secrets = Vec::new();
    for task in tasks {
        secrets.push(task.await.unwrap());
    }
    assert_eq!(secrets, vec![secrets[0]; 16]);
    assert!(secrets[0][0] < 16, "one of the candidates");
    assert_eq!(store.installation_secret([99; 32]).await.unwrap(), secrets[0]);
}
