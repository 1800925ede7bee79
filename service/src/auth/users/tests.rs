use spiderq_core::{clock::ManualClock, limits::API_KEY_TTL_MS};
use spiderq_memory::MemoryStore;

use super::*;
use crate::auth::{Caller, Credentials, NewKey};

const NOW: u64 = 1_700_000_000_000;

struct World {
    auth: Auth,
    clock: Arc<ManualClock>,
}

impl World {
    fn new(default_role: Option<Role>) -> Self {
        let (store, clock) = (Arc::new(MemoryStore::new()), Arc::new(ManualClock::at(Millis(NOW))));
        let auth = Auth::new(store, clock.clone(), &[7; 32], None).with_user_role(default_role);
        Self { auth, clock }
    }

    async fn key(&self, owner: &str, role: Role, projects: Option<Vec<u64>>) -> String {
        let (owner, expires, quotas) = (Actor::parse(owner).unwrap(), None, Quotas::default());
        let new = NewKey { owner, role, projects, expires, quotas };
        self.auth.create_key(&new).await.unwrap().1.id
    }

    /// Id, role and projects of a user.
    async fn user(&self, name: &str) -> Option<(String, Role, Option<Vec<u64>>)> {
        let session = self.auth.user_session(name).unwrap();
        let credentials = Credentials::parse(&format!("Bearer {session}"));
        match self.auth.caller(credentials).await {
            Ok(Caller::Key { id, name: owner, role, projects }) => {
                assert_eq!(owner.as_str(), name);
                Some((id, role, projects))
            }
            Ok(Caller::Job { .. }) => panic!("a job"),
            Err(Error::Unauthenticated) => None,
            Err(error) => panic!("{error}"),
        }
    }
}

#[tokio::test]
async fn a_user_may_do_what_the_best_own_key_may() {
    let world = World::new(None);
    world.key("bob", Role::Admin, None).await;
    world.key("ann", Role::Read, None).await;
    let some = world.key("ann", Role::User, Some(vec![1])).await;
    assert_eq!(world.user("ann").await, Some((some, Role::User, Some(vec![1]))));
    world.clock.set(Millis(NOW + API_KEY_TTL_MS));
    let all = world.key("ann", Role::User, None).await;
    world.clock.set(Millis(NOW + API_KEY_TTL_MS + 1));
    world.key("ann", Role::User, None).await;
    assert_eq!(world.user("ann").await, Some((all, Role::User, None)));
    for nobody in ["eve", "Ann", "", "a\nb", &"x".repeat(65)] {
        assert_eq!(world.user(nobody).await, None, "{nobody:?}");
    }
}

#[tokio::test]
async fn a_user_without_a_key_has_the_default_role_if_there_is_one() {
    let world = World::new(Some(Role::Read));
    assert_eq!(world.user("eve").await, Some(("proxy:eve".to_owned(), Role::Read, None)));
    assert_eq!(world.user("a\nb").await, None);
}

#[tokio::test]
async fn a_revoked_key_is_no_key_of_its_owner_at_once() {
    let world = World::new(None);
    world.key("bob", Role::Admin, None).await;
    let id = world.key("ann", Role::User, None).await;
    assert!(world.user("ann").await.is_some());
    world.auth.revoke_key(&id).await.unwrap();
    assert_eq!(world.user("ann").await, None);
}

#[tokio::test]
async fn the_session_of_a_user_makes_no_other_and_is_the_same_for_a_while() {
    let world = World::new(Some(Role::User));
    let session = world.auth.user_session("ann").unwrap();
    world.clock.set(Millis(NOW + 1));
    assert_eq!(world.auth.user_session("ann").unwrap(), session);
    let credentials = Credentials::parse(&format!("Bearer {session}"));
    let refused = world.auth.create_session(credentials).await;
    assert!(matches!(refused, Err(Error::Forbidden { .. })));
}
