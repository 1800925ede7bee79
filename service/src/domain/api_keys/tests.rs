use super::*;
use crate::{auth::Credentials, domain::test_world::*};

fn owner(text: &str) -> Actor {
    Actor::parse(text).unwrap()
}

fn new_key(name: &str, role: Role, projects: &[ProjectId]) -> NewApiKey {
    let (projects, request_id) = (projects.to_vec(), String::new());
    let all_projects = projects.is_empty() && role != Role::Admin;
    let (owner, quotas) = (owner(name), Quotas::default());
    NewApiKey { owner, role, projects, all_projects, quotas, request_id }
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
    let refusal = "the last admin key can't be revoked; create another one first";
    assert_eq!(message(domain.revoke_key(&admin, &first.id).await), refusal);
    domain.create_key(&admin, new_key("eve", Role::Admin, &[])).await.unwrap();
    domain.revoke_key(&admin, &first.id).await.unwrap();
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
}

#[tokio::test]
async fn a_job_token_has_no_identity() {
    let world = World::new();
    world.push_many(1).await;
    let token = token_of(&world.start().await);
    assert_eq!(message(world.domain.get_identity(token)), "a job token has no identity");
}
