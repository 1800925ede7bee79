//! API keys and the secret of the installation. They belong to no project, so that each case
//! needs a store of its own.

use std::sync::Arc;

use spiderq_core::{
    model::{Quota, Quotas, Role},
    store::{ApiKeyDigest, ApiKeyRecord, Store},
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
    }
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
    assert!(store.remove_api_key("a").await.unwrap());
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
    assert!(store.remove_api_key("a").await.unwrap());
    assert!(!store.remove_api_key("a").await.unwrap());
    assert!(!store.remove_api_key("unknown").await.unwrap());
    assert_eq!(store.get_api_key(&digest(1)).await.unwrap(), None);
    assert_eq!(store.list_api_keys().await.unwrap(), [record("b", 2)]);
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
