//! The Lua scripts, put together from their files. Texts are constant: EVALSHA finds them by
//! digest, and two versions of the server can run side by side.

use std::sync::LazyLock;

use redis::Script;

macro_rules! script {
    ($($file:literal),+) => {
        LazyLock::new(|| Script::new(concat!($(include_str!(concat!("lua/", $file))),+)))
    };
}

pub(super) static PUSH: LazyLock<Script> = script!("lib.lua", "push.lua");
pub(super) static CLAIM: LazyLock<Script> = script!(
    "lib.lua",
    "tags.lua",
    "size.lua",
    "done.lua",
    "apply.lua",
    "write.lua",
    "wanted.lua",
    "claim.lua"
);
pub(super) static CHANGE: LazyLock<Script> =
    script!("lib.lua", "tags.lua", "size.lua", "done.lua", "apply.lua", "write.lua", "change.lua");
pub(super) static PURGE: LazyLock<Script> = script!(
    "lib.lua",
    "tags.lua",
    "size.lua",
    "done.lua",
    "apply.lua",
    "write.lua",
    "remove.lua",
    "purge.lua"
);
pub(super) static PRUNE: LazyLock<Script> = script!(
    "lib.lua",
    "tags.lua",
    "size.lua",
    "done.lua",
    "apply.lua",
    "write.lua",
    "remove.lua",
    "prune.lua"
);
pub(super) static COUNT_DONE: LazyLock<Script> =
    script!("lib.lua", "tags.lua", "size.lua", "done.lua", "apply.lua", "count_done.lua");
pub(super) static PAGE: LazyLock<Script> = script!("lib.lua", "sets.lua", "page.lua");
pub(super) static COUNT: LazyLock<Script> = script!("lib.lua", "sets.lua", "count.lua");
pub(super) static SPIDER: LazyLock<Script> = script!("lib.lua", "spider.lua");
pub(super) static SPIDER_TAGS: LazyLock<Script> = script!("lib.lua", "tags.lua", "spider_tags.lua");
pub(super) static LIMIT_SPIDER: LazyLock<Script> = script!("lib.lua", "limit_spider.lua");
pub(super) static POSTPONE: LazyLock<Script> = script!("lib.lua", "postpone.lua");
pub(super) static EVENTS: LazyLock<Script> = script!("lib.lua", "events.lua");
pub(super) static QUIET: LazyLock<Script> = script!("quiet.lua");
pub(super) static FORGET_SETTINGS: LazyLock<Script> = script!("lib.lua", "forget_settings.lua");
pub(super) static SETTINGS: LazyLock<Script> = script!("lib.lua", "settings.lua");
pub(super) static FIRST_KEY: LazyLock<Script> = script!("first_key.lua");

pub(super) static CHECK_JOBS: LazyLock<Script> =
    script!("lib.lua", "judge.lua", "standing.lua", "check_jobs.lua");
pub(super) static CHECK_LEAST: LazyLock<Script> =
    script!("lib.lua", "judge.lua", "check_least.lua");
pub(super) static CHECK_SET: LazyLock<Script> = script!("lib.lua", "judge.lua", "check_set.lua");
pub(super) static CHECK_INDEX: LazyLock<Script> =
    script!("lib.lua", "judge.lua", "check_index.lua");
pub(super) static CHECK_ASIDE: LazyLock<Script> =
    script!("lib.lua", "judge.lua", "check_aside.lua");
pub(super) static CHECK_NAMES: LazyLock<Script> =
    script!("lib.lua", "judge.lua", "check_names.lua");
pub(super) static CHECK_SUM: LazyLock<Script> = script!("lib.lua", "judge.lua", "check_sum.lua");
