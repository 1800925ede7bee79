use super::*;
use crate::{
    auth::{ApiKey, Credentials},
    domain::test_world::*,
};

fn owner(text: &str) -> Actor {
    Actor::parse(text).unwrap()
}

fn new_key(name: &str, role: Role, projects: &[ProjectId]) -> NewApiKey {
    let (projects, request_id) = (projects.to_vec(), String::new());
    let all_projects = projects.is_empty() && role != Role::Admin;
    let (owner, quotas) = (owner(name), Quotas::default());
    NewApiKey { owner, role, projects, all_projects, expires: None, quotas, request_id }
}

#[tokio::test]
async fn a_repeated_call_answers_the_same_key_and_another_one_is_refused() {
    let world = World::new();
    let (domain, admin) = (&world.domain, caller(Role::Admin));
    let with_id = |name: &str, id: &str| NewApiKey {
        request_id: id.to_owned(),
        ..new_key(name, Role::User, &[])
    };
    let (first, record) = domain.create_key(&admin, with_id("ann", "1")).await.unwrap();
    world.pass(1_000);
    let (again, same) = domain.create_key(&admin, with_id("ann", "1")).await.unwrap();
    assert_eq!((again.expose(), &same), (first.expose(), &record));
    let (other, _) = domain.create_key(&admin, with_id("ann", "2")).await.unwrap();
    assert_ne!(other.expose(), first.expose());
    let refused = domain.create_key(&admin, with_id("bob", "1")).await;
    assert_eq!(message(refused), "request_id: was already used for another request");
    let long = domain.create_key(&admin, with_id("ann", &"x".repeat(129))).await;
    assert!(message(long).starts_with("request_id: must be 1 to 128 bytes"));
    assert_eq!(domain.list_keys(&admin).await.unwrap().len(), 2);
    let ones = |numbers: [u64; 3]| NewApiKey {
        projects: numbers.map(|number| ProjectId::new(number as i64).unwrap()).to_vec(),
        all_projects: false,
        ..with_id("ann", "3")
    };
    let (_, bound) = domain.create_key(&admin, ones([2, 1, 2])).await.unwrap();
    assert_eq!(bound.projects, Some(vec![1, 2]));
    domain.create_key(&admin, ones([1, 2, 1])).await.unwrap();
    domain.revoke_key(&admin, &record.id).await.unwrap();
    let revived = domain.create_key(&admin, with_id("ann", "1")).await;
    assert_eq!(message(revived), "request_id: was already used for another request");
}

#[tokio::test]
async fn a_created_key_is_good_until_it_is_revoked() {
    let world = World::new();
    let (domain, admin) = (&world.domain, caller(Role::Admin));
    let only = [world.project];
    let (key, record) = domain.create_key(&admin, new_key("ann", Role::User, &only)).await.unwrap();
    assert_eq!(domain.list_keys(&admin).await.unwrap(), std::slice::from_ref(&record));
    let identify = async || domain.auth().caller(Some(Credentials::Key(key.clone()))).await;
    let identity = domain.get_identity(identify().await.unwrap()).unwrap();
    let expected = Identity { name: owner("ann"), role: Role::User, projects: Some(vec![53]) };
    assert_eq!(identity, expected);
    domain.revoke_key(&admin, &record.id).await.unwrap();
    assert_eq!(message(identify().await), "Authentication failed");
    let again = domain.revoke_key(&admin, &record.id).await;
    assert_eq!(message(again), "there is no key with this id");
}

#[tokio::test]
async fn the_last_admin_key_stays() {
    let world = World::new();
    let (domain, admin) = (&world.domain, caller(Role::Admin));
    let (_, first) = domain.create_key(&admin, new_key("ann", Role::Admin, &[])).await.unwrap();
    domain.create_key(&admin, new_key("bob", Role::User, &[])).await.unwrap();
    let refusal =
        "the last admin key that never expires can't be revoked; create another one first";
    assert_eq!(message(domain.revoke_key(&admin, &first.id).await), refusal);
    let expires = Some(Millis(NOW + 1_000_000));
    let passing = NewApiKey { expires, ..new_key("eve", Role::Admin, &[]) };
    domain.create_key(&admin, passing).await.unwrap();
    assert_eq!(message(domain.revoke_key(&admin, &first.id).await), refusal);
    domain.create_key(&admin, new_key("eve", Role::Admin, &[])).await.unwrap();
    domain.revoke_key(&admin, &first.id).await.unwrap();
}

/// Whether calls with `key` are taken now.
async fn is_good(world: &World, key: &ApiKey) -> bool {
    world.domain.auth().caller(Some(Credentials::Key(key.clone()))).await.is_ok()
}

#[tokio::test]
async fn a_key_expires_at_its_time_although_it_is_remembered() {
    let world = World::new();
    let (domain, admin) = (&world.domain, caller(Role::Admin));
    let expiring = |expires| NewApiKey { expires, ..new_key("ann", Role::User, &[]) };
    let (key, record) = domain.create_key(&admin, expiring(Some(Millis(NOW + 3)))).await.unwrap();
    assert_eq!(record.expires, Some(NOW + 3));
    assert!(is_good(&world, &key).await);
    world.pass(2);
    assert!(is_good(&world, &key).await);
    world.pass(1);
    assert!(!is_good(&world, &key).await);
    for past in [Millis(NOW + 3), Millis(0)] {
        let refused = message(domain.create_key(&admin, expiring(Some(past))).await);
        assert_eq!(refused, "expire_time: must be in the future");
    }
    assert_eq!(domain.list_keys(&admin).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_rotated_key_is_good_for_a_while_and_the_new_one_as_long_as_it_was_made_for() {
    let world = World::new();
    let (domain, admin) = (&world.domain, caller(Role::Admin));
    let hour = 3_600_000;
    let new = NewApiKey {
        expires: Some(Millis(NOW + 5 * hour as u64)),
        ..new_key("ann", Role::User, &[world.project])
    };
    let (key, record) = domain.create_key(&admin, new).await.unwrap();
    world.pass(hour as u64);
    let rotated = domain.rotate_key(&admin, &record.id, None).await.unwrap();
    let (next, made) = rotated.made;
    let now = NOW + hour as u64;
    assert_eq!((made.name.as_str(), made.role), ("ann", Role::User));
    assert_eq!((made.projects.clone(), made.created), (Some(vec![53]), now));
    assert_eq!(made.expires, Some(now + 5 * hour as u64));
    assert_eq!(rotated.replaced.expires, Some(now + hour as u64));
    assert_eq!(domain.list_keys(&admin).await.unwrap(), [rotated.replaced, made.clone()]);
    assert!(is_good(&world, &key).await && is_good(&world, &next).await);
    let twice = domain.rotate_key(&admin, &record.id, None).await.map(|_| ());
    let refusal = format!(
        "the key was rotated before; rotate the one in its place, {}, or create another",
        made.id
    );
    assert_eq!(message(twice), refusal);
    assert_eq!(domain.list_keys(&admin).await.unwrap().len(), 2);
    world.pass(hour as u64);
    assert!(!is_good(&world, &key).await && is_good(&world, &next).await);
    let again = domain.rotate_key(&admin, &made.id, Some(0)).await.unwrap();
    assert!(!is_good(&world, &next).await && is_good(&world, &again.made.0).await);
    for keep in [-1, 30 * 24 * hour + 1] {
        let refused = domain.rotate_key(&admin, &made.id, Some(keep)).await.map(|_| ());
        assert_eq!(message(refused), "keep: must be from 0 to 2592000000 ms");
    }
    let expired = domain.rotate_key(&admin, &made.id, None).await.map(|_| ());
    assert_eq!(message(expired), "id: must be that of a key that has not expired");
    let unknown = domain.rotate_key(&admin, "unknown", None).await.map(|_| ());
    assert_eq!(message(unknown), "there is no key with this id");
}

#[tokio::test]
async fn the_only_admin_key_can_be_rotated_and_one_that_lasts_is_left() {
    let world = World::new();
    let (domain, admin) = (&world.domain, caller(Role::Admin));
    let (_, only) = domain.create_key(&admin, new_key("ann", Role::Admin, &[])).await.unwrap();
    let rotated = domain.rotate_key(&admin, &only.id, Some(0)).await.unwrap();
    let (_, made) = rotated.made;
    assert!(made.is_lasting_admin() && !rotated.replaced.is_lasting_admin());
    domain.revoke_key(&admin, &only.id).await.unwrap();
    let refused = message(domain.revoke_key(&admin, &made.id).await);
    assert!(refused.starts_with("the last admin key"), "{refused}");
}

#[tokio::test]
async fn the_last_use_of_a_key_is_noted_once_for_many_calls() {
    let world = World::new();
    let (domain, admin) = (&world.domain, caller(Role::Admin));
    let (key, record) = domain.create_key(&admin, new_key("ann", Role::User, &[])).await.unwrap();
    let last_used = async || domain.list_keys(&admin).await.unwrap()[0].last_used;
    assert!(is_good(&world, &key).await);
    world.pass(10_000);
    assert!(is_good(&world, &key).await);
    assert_eq!(last_used().await, None, "no call writes to the store");
    domain.note_key_uses().await.unwrap();
    assert_eq!(last_used().await, Some(NOW + 10_000));
    world.pass(10_000);
    domain.note_key_uses().await.unwrap();
    assert_eq!(last_used().await, Some(NOW + 10_000));
    domain.revoke_key(&admin, &record.id).await.unwrap();
    assert!(!is_good(&world, &key).await);
}

#[tokio::test]
async fn an_admin_key_reaches_all_projects() {
    let world = World::new();
    let (admin, only) = (caller(Role::Admin), [world.project]);
    let refused = world.domain.create_key(&admin, new_key("ann", Role::Admin, &only)).await;
    assert_eq!(message(refused), "projects: must be empty for the role admin");
}

#[tokio::test]
async fn only_an_admin_manages_keys() {
    let world = World::new();
    let (domain, user) = (&world.domain, caller(Role::User));
    let refusal = "this needs a key of role admin";
    let created = domain.create_key(&user, new_key("ann", Role::Read, &[])).await;
    assert_eq!(message(created), refusal);
    assert_eq!(message(domain.list_keys(&user).await), refusal);
    assert_eq!(message(domain.revoke_key(&user, "id").await), refusal);
    assert_eq!(message(domain.rotate_key(&user, "id", None).await.map(|_| ())), refusal);
}

#[tokio::test]
async fn a_job_token_has_no_identity() {
    let world = World::new();
    world.push_many(1).await;
    let token = token_of(&world.start().await);
    assert_eq!(message(world.domain.get_identity(token)), "a job token has no identity");
}
