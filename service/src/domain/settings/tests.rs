use super::*;
use crate::domain::test_world::*;

#[test]
fn a_refused_setting_says_what_it_accepts() {
    for (name, value, accepted) in [
        ("max_running", "-1", "must be a whole number from 0 to 1000000, or null"),
        ("max_running", "1.0", "must be a whole number from 0 to 1000000, or null"),
        ("max_running_units", "1000001", "must be a whole number from 0 to 1000000, or null"),
        ("max_running_units", "\"5\"", "must be a whole number from 0 to 1000000, or null"),
        ("on_lost", "\"forget\"", "must be \"requeue\", \"finish\" or null"),
        ("on_lost", "1", "must be \"requeue\", \"finish\" or null"),
        ("max_attempts", "0", "must be a whole number from 1 to 1000, or null"),
        ("cancel_timeout", "86401", "must be a whole number from 1 to 86400, or null"),
        ("keep_finished_days", "1e3", "must be a whole number, at least 0, or null"),
        ("keep_deleted_bytes", "[]", "must be a whole number, at least 0, or null"),
    ] {
        let refused = check(&metadata(&[(name, value)])).unwrap_err();
        assert_eq!(refused.to_string(), format!("{name}: {accepted}"));
    }
}

#[test]
fn a_near_miss_of_a_name_is_refused_and_says_which_was_meant() {
    for (name, known) in [
        ("max_run", "max_running"),
        ("max_runing", "max_running"),
        ("Max-Running", "max_running"),
        ("maxRunning", "max_running"),
        ("max_running_unit", "max_running_units"),
        ("keep_finished_day", "keep_finished_days"),
        ("keep_finished", "keep_finished_days"),
        ("keep_deleted_byte", "keep_deleted_bytes"),
        ("keep_delete_jobs", "keep_deleted_jobs"),
        ("cancel_timeout_s", "cancel_timeout"),
        ("max_attempt", "max_attempts"),
        ("on_loss", "on_lost"),
    ] {
        for value in ["1", "null"] {
            let refused = check(&metadata(&[(name, value)])).unwrap_err().to_string();
            let accepted = format!("is not a setting of the service, but {known} is");
            assert_eq!(refused, format!("{name}: {accepted}"));
        }
    }
    for free in [
        "name",
        "spider",
        "max",
        "keep",
        "cancel",
        "on",
        "timeout",
        "attempts",
        "running",
        "lost",
        "online",
        "keep_finished_hours",
        "max_pages",
        "cancelled",
        "owner",
        "max_retries",
        "é",
        "_",
    ] {
        assert_eq!(near_miss(free), None, "{free}");
    }
}

#[test]
fn settings_accept_their_bounds_and_null_and_other_names_accept_anything() {
    for (name, value) in [
        ("max_running", "0"),
        ("max_running", "1000000"),
        ("on_lost", "\"finish\""),
        ("max_attempts", "1"),
        ("cancel_timeout", "86400"),
        ("keep_finished_jobs", "9007199254740991"),
        ("cancel_timeout", "null"),
        ("mine", "{\"max_running\": -1}"),
    ] {
        check(&metadata(&[(name, value)])).unwrap();
    }
}

#[test]
fn settings_that_are_missing_or_malformed_have_their_defaults() {
    let none = Metadata::default();
    assert_eq!(cancel_timeout(&none), 300);
    assert_eq!(cancel_timeout(&metadata(&[("cancel_timeout", "2")])), 2);
    assert_eq!(cancel_timeout(&metadata(&[("cancel_timeout", "0")])), 300);
    let (requeue, max_attempts) = (true, 3);
    let default = LostJobs { requeue, max_attempts };
    assert_eq!(lost_jobs(&none), default);
    assert_eq!(lost_jobs(&metadata(&[("on_lost", "\"x\"")])), default);
    assert!(!lost_jobs(&metadata(&[("on_lost", "\"finish\"")])).requeue);
    assert_eq!(lost_jobs(&metadata(&[("max_attempts", "7")])).max_attempts, 7);
}

#[tokio::test]
async fn one_setting_that_is_not_accepted_refuses_all() {
    let world = World::new();
    let (user, project) = (caller(Role::User), world.project);
    let bad = metadata(&[("mine", "1"), ("max_running", "\"2\""), ("on_lost", "1")]);
    let update = SettingsUpdate { set: bad, ..SettingsUpdate::default() };
    let refused = world.domain.update_settings(&user, project, update).await.unwrap_err();
    let violations = refused.violations();
    let paths: Vec<&str> = violations.iter().map(|one| one.path.as_str()).collect();
    assert_eq!(paths, ["settings_json[\"max_running\"]", "settings_json[\"on_lost\"]"]);
    assert_eq!(
        refused.to_string(),
        "max_running: must be a whole number from 0 to 1000000, or null"
    );
    let kept = world.domain.get_settings(&caller(Role::Read), project).await.unwrap();
    assert_eq!(kept, Metadata::default());
}

#[tokio::test]
async fn settings_are_merged_and_removed_by_name_or_all() {
    let world = World::new();
    let (user, project) = (caller(Role::User), world.project);
    let get = async || world.domain.get_settings(&caller(Role::Read), project).await.unwrap();
    world.set("a", "1").await;
    world.set("b", "2").await;
    assert_eq!(get().await, metadata(&[("a", "1"), ("b", "2")]));
    let names = |names: &[&str]| names.iter().map(|name| FieldName::parse(name).unwrap()).collect();
    let update = async |set: &[(&str, &str)], remove: &[&str], replace| {
        let update = SettingsUpdate { set: metadata(set), remove: names(remove), replace };
        world.domain.update_settings(&user, project, update).await
    };
    update(&[], &["a", "none"], false).await.unwrap();
    assert_eq!(get().await, metadata(&[("b", "2")]));
    update(&[("c", "3"), ("d", "4")], &["b"], false).await.unwrap();
    assert_eq!(get().await, metadata(&[("c", "3"), ("d", "4")]));
    update(&[], &[], false).await.unwrap();
    assert_eq!(get().await, metadata(&[("c", "3"), ("d", "4")]));
    let both = update(&[("c", "9")], &["c"], false).await;
    assert_eq!(message(both), "remove_settings: must not name a setting of settings_json");
    let both = update(&[("c", "9")], &["d"], true).await;
    assert_eq!(message(both), "remove_settings: must not stand beside an update_mask");
    update(&[("e", "5")], &[], true).await.unwrap();
    assert_eq!(get().await, metadata(&[("e", "5")]));
    update(&[], &[], true).await.unwrap();
    assert_eq!(get().await, Metadata::default());
}

#[tokio::test]
async fn settings_above_the_limit_in_all_are_refused() {
    let world = World::new();
    let half = format!("\"{}\"", "x".repeat(1 << 19));
    world.set("a", &half).await;
    let (user, more) = (caller(Role::User), metadata(&[("b", half.as_str())]));
    let update = SettingsUpdate { set: more, ..Default::default() };
    let refused = world.domain.update_settings(&user, world.project, update).await;
    assert_eq!(message(refused), "settings: of a project must be at most 1 MiB in all");
}

#[tokio::test]
async fn a_worker_may_not_change_settings() {
    let world = World::new();
    let worker = caller(Role::Worker);
    for replace in [false, true] {
        let set = metadata(&[("a", "1")]);
        let update = SettingsUpdate { set, replace, ..Default::default() };
        let set = world.domain.update_settings(&worker, world.project, update).await;
        assert!(message(set).contains("role user or above"));
    }
}
