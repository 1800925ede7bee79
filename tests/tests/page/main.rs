//! The web page in a real browser: the programs of `tests/clients/page`, each against a server of
//! its own on either store. One browser at a time: some of them measure, and print it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a step that cannot be done ends the test"
)]

use spiderq_proto::v1::Role;
mod restart;

use spiderq_tests::{Stack, StoreKind, client_file, need, run_client};
use tokio::sync::Mutex;

static BROWSER: Mutex<()> = Mutex::const_new(());
/// A project that the programs use, each on a server of its own.
const PROJECT: i64 = 7;

/// Runs the program on a new stack of either store; it ends with an error where something does not
/// hold. Answers the last line that it printed on each.
async fn holds(file: &str) -> Vec<String> {
    need(&["node", "playwright-core", "chromium"]);
    let _alone = BROWSER.lock().await;
    let mut last = Vec::new();
    for kind in StoreKind::ALL {
        eprintln!("on {kind:?}:");
        let stack = Stack::start(kind).await;
        let reader = stack.create_key("reader", Role::Read, &[PROJECT]).await;
        let variables = [
            format!("SPIDERQ_API_KEY={}", stack.key),
            format!("SPIDERQ_READ_KEY={reader}"),
            format!("SPIDERQ_PROJECT={PROJECT}"),
            "node".to_owned(),
            client_file(&format!("page/{file}.mjs")),
        ];
        let args: Vec<&str> = variables.iter().map(String::as_str).collect();
        let printed = run_client(&stack.url, &stack.key, "env", &args).await;
        eprint!("{printed}");
        last.push(printed.lines().last().unwrap_or_default().to_owned());
    }
    last
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_lives_by_mouse() {
    let last = holds("life_by_mouse").await;
    assert_eq!(last, ["scheduled, ran, stopped, again, tagged, deleted, restored"; 2]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_lives_by_the_keyboard_alone() {
    assert_eq!(holds("life_by_keyboard").await, ["the keyboard alone was enough"; 2]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_push_comes_to_the_screens_of_two_tabs() {
    assert_eq!(holds("live_update").await, ["it shows in every tab"; 2]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_push_before_the_feed_begins_is_not_lost() {
    assert_eq!(holds("first_push").await, ["nothing is lost before the feed begins"; 2]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_log_is_followed_searched_and_linked() {
    assert_eq!(holds("log_follow").await, ["followed, paused, searched, folded, linked"; 2]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_address_is_the_filter() {
    assert_eq!(holds("filters").await, ["every filter, back and forward"; 2]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hostile_texts_stay_texts() {
    assert_eq!(holds("hostile_texts").await, ["all of it is text"; 2]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_read_key_changes_nothing() {
    assert_eq!(holds("read_only").await, ["nothing changed"; 2]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn axe_finds_no_violation_on_any_screen() {
    assert_eq!(holds("accessible").await, ["no violation in 52 looks"; 2]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_screen_fits_narrow_and_wide_windows() {
    assert_eq!(holds("screenshots").await, ["every screen fits its window"; 2]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_open_page_outlives_an_outage() {
    assert_eq!(holds("outage").await, ["healed by itself"; 2]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn long_lists_and_logs_scroll() {
    assert_eq!(holds("large").await, ["long lists scroll"; 2]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn counters_of_running_jobs_are_live() {
    assert_eq!(holds("counters").await, ["counters are live"; 2]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_jobs_that_match_are_changed_at_once() {
    assert_eq!(holds("bulk").await, ["all that match were tagged, stopped, deleted"; 2]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn projects_are_live_by_one_feed() {
    assert_eq!(holds("projects_live").await, ["projects are live"; 2]);
}
