//! Runs every case of the store contract on every store. The list of cases is written once;
//! a case runs in a project of its own, those on API keys in a store of their own.

#![allow(clippy::unwrap_used, reason = "makes the stores that the tests run on")]

use std::sync::{Arc, LazyLock};

use spiderq_core::store::Store;
use spiderq_server::store_url::{StoreUrl, open};
use spiderq_tests::{
    redis_acl::RedisAcl,
    redis_cluster::RedisCluster,
    redis_sentinels::RedisSentinels,
    redis_server::RedisServer,
    redis_tls::RedisTls,
    store_contract::{self as cases, World},
};
use tempfile::TempDir;
use tokio::sync::{Mutex, MutexGuard};

async fn open_at(url: &str) -> Arc<dyn Store> {
    open(&StoreUrl::parse(url).unwrap()).await.unwrap()
}

/// A new SQLite store, and what keeps its file there.
async fn sqlite() -> (Arc<dyn Store>, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("store.db");
    let store = open(&StoreUrl::Sqlite(file)).await.unwrap();
    (store, folder)
}

/// A new Redis store, and the server that it is on.
async fn redis() -> (Arc<dyn Store>, RedisServer) {
    let server = RedisServer::start(&[]);
    (open_at(&server.url()).await, server)
}

/// The same as the user of `docs/redis.md`, who may do nothing that is not listed there.
async fn acl() -> (Arc<dyn Store>, RedisAcl) {
    let server = RedisAcl::start();
    (open_at(&server.url()).await, server)
}

/// The same over TLS, with certificates on both sides.
async fn tls() -> (Arc<dyn Store>, RedisTls) {
    let server = RedisTls::start(true);
    (open_at(&server.mutual_url()).await, server)
}

/// A store through the Sentinel of all cases.
async fn sentinel() -> (Arc<dyn Store>, ()) {
    (open_at(&RedisSentinels::shared().url()).await, ())
}

/// An empty store through a Sentinel.
async fn own_sentinel() -> (Arc<dyn Store>, RedisSentinels) {
    let servers = RedisSentinels::start(false, &[]);
    (open_at(&servers.url()).await, servers)
}

/// A store on the cluster of all cases.
async fn cluster() -> (Arc<dyn Store>, ()) {
    (open_at(&RedisCluster::shared().url()).await, ())
}

/// An empty store on a cluster that is one case's at a time.
async fn own_cluster() -> (Arc<dyn Store>, MutexGuard<'static, RedisCluster>) {
    static OWN: LazyLock<Mutex<RedisCluster>> = LazyLock::new(|| Mutex::new(RedisCluster::small()));
    let cluster = OWN.lock().await;
    cluster.server(0).command::<()>(&["FLUSHALL"]);
    (open_at(&cluster.url()).await, cluster)
}

/// One module per store: its name, then the functions that make a store for a project of
/// one's own, and a store of one's own.
macro_rules! contract {
    ($($store:ident: $make:path, $make_own:path;)* => $cases:tt) => {
        $(contract!(@store $store, $make, $make_own, $cases);)*
    };
    (@store $store:ident, $make:path, $make_own:path, {
        projects { $($file:ident { $($case:ident),* $(,)? })* }
        stores { $($own_file:ident { $($own_case:ident),* $(,)? })* }
    }) => {
        mod $store {
            use super::*;
            $($(
                #[tokio::test]
                async fn $case() {
                    let (store, _keep) = $make().await;
                    cases::$file::$case(World::new(store)).await;
                }
            )*)*
            $($(
                #[tokio::test]
                async fn $own_case() {
                    let (store, _keep) = $make_own().await;
                    cases::$own_file::$own_case(store).await;
                }
            )*)*
        }
    };
}

contract!(
    sqlite: super::sqlite, super::sqlite;
    redis: super::redis, super::redis;
    acl: super::acl, super::acl;
    tls: super::tls, super::tls;
    sentinel: super::sentinel, super::own_sentinel;
    cluster: super::cluster, super::own_cluster;
=> {
    projects {
    push {
        a_pushed_job_is_read_back_whole,
        a_job_may_begin_in_any_state,
        numbers_are_given_in_order,
        nothing_is_pushed_by_an_empty_call,
        a_hundred_jobs_are_pushed_at_once,
        positions_rise_whatever_the_clock_does,
        a_unique_value_is_held_by_one_active_job,
        a_refused_push_takes_no_number,
        a_unique_value_is_free_after_release,
        a_job_that_begins_done_holds_no_unique_value,
        projects_are_separate,
        hostile_spider_names_stay_apart,
        a_spider_can_be_numbered_before_its_jobs,
    }
    claim {
        claim_takes_the_highest_priority_then_the_oldest,
        claim_of_an_empty_queue_takes_nothing,
        a_claimed_job_is_answered_whole,
        claim_keeps_to_its_spiders,
        a_requeued_job_is_claimed_again_as_a_new_attempt,
        oldest_pending_come_in_order_of_entry,
    }
    wanted {
        jobs_put_back_go_before_all_of_their_priority,
        the_front_is_for_one_entry,
        a_job_at_the_front_stays_there_under_a_new_priority,
        claim_keeps_to_its_tags,
        claim_sees_a_change_of_tags,
        claim_keeps_to_its_units,
        all_that_is_wanted_holds_at_once,
        hostile_texts_are_wanted_as_they_are,
        a_claim_may_want_a_hundred_of_each,
        a_job_is_found_behind_many_others,
    }
    limits {
        a_claim_keeps_to_max_running,
        a_claim_keeps_to_max_running_units,
        a_job_bigger_than_the_limit_is_passed_over,
        a_spider_at_its_limit_is_passed_over,
        nothing_runs_under_a_limit_of_zero,
        a_setting_that_is_no_number_limits_nothing,
        what_runs_stays_under_a_lower_limit,
        limits_are_of_one_project,
        a_repeated_request_is_still_at_the_limit,
        concurrent_starts_keep_to_the_limit,
    }
    limits_of_changes {
        a_push_keeps_to_the_limits,
        a_change_into_running_keeps_to_the_limits,
        a_limit_refuses_all_or_nothing,
        units_of_a_running_job_keep_to_the_limit,
        the_limit_is_told_last,
    }
    requeue {
        a_requeued_job_is_pending_again,
        an_entry_into_an_earlier_state_removes_later_ones,
        lists_and_counts_follow_a_requeued_job,
        a_requeued_job_keeps_its_unique_value,
        a_release_without_an_entry_frees_the_unique_value,
        a_lost_worker_changes_nothing,
        a_release_comes_before_a_start,
    }
    lease {
        a_lease_is_over_at_its_end,
        without_a_lease_nothing_is_over,
        the_time_to_stop_is_over_at_its_end,
        a_time_to_stop_is_kept,
        a_time_to_stop_ends_with_its_attempt,
    }
    events {
        events_begin_with_the_first_call,
        each_entry_is_an_event,
        a_request_to_stop_is_an_event_once,
        only_what_was_done_is_an_event,
        a_repeated_request_is_one_event,
        a_reader_goes_on_from_its_last_event,
        events_are_of_one_project,
        a_reader_that_is_behind_is_told_so,
        a_reader_misses_nothing_of_many_writers,
    }
    pulses {
        a_change_of_jobs_or_settings_is_followed_by_a_pulse,
        all_who_listen_get_the_pulse,
        pulses_are_of_one_project,
        a_pulse_comes_after_its_change_is_there_to_see,
        no_pulse_is_lost_between_a_read_and_a_wait,
    }
    change {
        each_state_has_its_own_step,
        a_job_of_an_unknown_project_is_missing,
        a_state_entry_has_place_and_actor,
        changes_of_one_call_are_done_in_order,
        all_or_nothing_applies_none_after_a_refusal,
        each_kind_of_refusal_stops_all,
        a_new_priority_keeps_the_position,
        counters_merge,
        a_stop_request_is_answered_with_every_change,
        a_purged_job_is_gone_for_good,
    }
    holder {
        a_fence_holds_until_the_lease_ends,
        an_attempt_holds_until_the_lease_ends,
        the_starter_holds_a_running_job,
        a_heartbeat_moves_the_end_of_the_lease,
        a_job_without_a_lease_is_held_for_ever,
        a_fence_ends_with_its_attempt,
        a_job_pushed_running_has_its_fence,
        the_holder_is_checked_before_the_state,
    }
    tags {
        tags_keep_their_order,
        too_many_tags_change_nothing,
        filters_see_tags_in_every_state,
        tags_change_along_with_the_state,
        has_is_any_and_lacks_is_none,
        hostile_tags_stay_apart,
    }
    metadata {
        values_keep_their_bytes,
        hostile_names_stay_apart,
        a_field_may_change_its_size,
        a_read_answers_the_fields_it_names,
    }
    size {
        a_job_has_a_limit_over_all_its_metadata,
        what_goes_makes_room,
        many_small_fields_come_to_the_limit,
        changes_of_one_call_count_together,
        what_the_service_writes_has_no_limit,
    }
    spider {
        spiders_are_listed_by_number,
        tags_of_a_spider_are_edited,
        a_refused_edit_leaves_a_spider_as_it_was,
        hostile_spiders_are_listed_as_they_are,
        the_last_finished_job_of_each_spider,
    }
    project {
        counts_follow_the_jobs,
        settings_are_merged_and_removed,
        settings_are_read_by_name,
        settings_have_a_limit_in_all,
    }
    requests {
        a_repeated_push_adds_once,
        a_repeated_claim_takes_once,
        a_repeated_change_applies_once,
        a_repeated_refusal_stays_refused,
        an_id_is_good_for_one_request,
        an_id_is_known_in_its_project_alone,
    }
    prune {
        jobs_that_are_too_old_go,
        jobs_that_are_too_many_go,
        jobs_that_are_too_large_go,
        every_bound_holds_for_its_state_alone,
        a_check_finds_nothing_where_all_is_well,
    }
    list {
        a_list_goes_from_the_last_entry_to_the_first,
        a_page_says_where_the_next_begins,
        bounds_are_exact,
        a_walk_gives_each_job_once,
        a_list_keeps_to_its_spiders,
        an_incremental_reader_sees_each_job_once,
    }
    count {
        count_and_list_agree_with_the_filter,
    }
    read {
        get_answers_in_the_order_of_its_keys,
        a_store_answers_ping,
        durability_is_reported_in_one_line,
    }
    race {
        concurrent_claims_take_each_job_once,
        concurrent_pushes_of_a_unique_value_have_one_winner,
        concurrent_pushes_have_numbers_of_their_own,
        concurrent_repeats_of_a_request_are_done_once,
        concurrent_changes_have_one_winner,
    }
    }
    stores {
    due {
        jobs_are_due_at_the_end_of_their_lease,
        what_ends_first_makes_a_job_due,
        only_running_jobs_are_due,
        jobs_of_all_projects_are_due,
        a_postponed_job_is_not_in_the_way,
        a_job_is_postponed_until_its_next_heartbeat_or_start,
        a_job_that_is_not_due_stays_so,
    }
    keys {
        a_kept_key_is_found,
        a_key_is_replaced_by_its_digest,
        keys_are_listed_oldest_first,
        a_removed_key_is_not_found,
        the_first_key_has_one_winner,
        the_secret_is_given_once,
    }
    project {
        a_project_exists_from_its_first_use_on,
    }
    }
});
