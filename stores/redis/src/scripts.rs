//! The Lua scripts. Their texts are constant: EVALSHA finds them by digest, and two versions of
//! the server can run side by side.

use std::sync::LazyLock;

use redis::Script;

use crate::script_modules::{Modules, assemble};

macro_rules! files {
    ($folder:literal: $($name:literal)*) => {
        &[$(($name, include_str!(concat!("lua/", $folder, $name, ".lua")))),*]
    };
}

const LIB: Modules<'static> = files!("lib/":
    "claim_filter" "counters" "effects" "event_log" "holders" "job_sets" "jobs" "lanes" "limits"
    "many" "matches" "metadata_bytes" "names" "new_entries" "new_jobs" "next_job" "notify"
    "numbers" "planned_fields" "ranks" "removal" "request_ids" "stored_text" "tag_list" "tag_sets" "tagged_jobs"
    "writes");
const FSCK_LIB: Modules<'static> =
    files!("fsck/lib/": "findings" "job_checks" "job_metadata" "job_values" "records");

static MODULES: LazyLock<Vec<(&str, &str)>> = LazyLock::new(|| [LIB, FSCK_LIB].concat());

macro_rules! scripts {
    ($($script:ident: $file:literal;)*) => {
        $(pub(crate) static $script: LazyLock<Script> =
            LazyLock::new(|| script($file, include_str!(concat!("lua/", $file))));)*

        /// Names and texts of all scripts' files.
        #[cfg(test)]
        const ALL: &[(&str, &str)] = &[$(($file, include_str!(concat!("lua/", $file)))),*];
    };
}

scripts! {
    ADD_AUDIT_EVENT: "add_audit_event.lua";
    CHANGE: "change.lua";
    CLAIM: "claim.lua";
    COUNT: "count.lua";
    UPDATE_SPIDER_TAGS: "update_spider_tags.lua";
    EVENTS: "events.lua";
    FORGET_DUE_PROJECT: "forget_due_project.lua";
    LIMIT_SPIDER: "limit_spider.lua";
    MERGE_SETTINGS: "merge_settings.lua";
    NUMBER_SPIDER: "number_spider.lua";
    PAGE: "page.lua";
    POSTPONE: "postpone.lua";
    PRUNE: "prune.lua";
    PURGE: "purge.lua";
    PUSH: "push.lua";
    READ: "read.lua";
    PUT_FIRST_API_KEY: "put_first_api_key.lua";
    REMOVE_API_KEY: "remove_api_key.lua";
    REMOVE_SETTINGS: "remove_settings.lua";
    REPLACE_API_KEY: "replace_api_key.lua";
    SEEK: "seek.lua";
    FSCK_DUE_AND_UNIQUE: "fsck/due_and_unique.lua";
    FSCK_JOBS: "fsck/jobs.lua";
    FSCK_RAISE_COUNTER: "fsck/raise_counter.lua";
    FSCK_SET_ASIDE: "fsck/set_aside.lua";
    FSCK_SET_MEMBERS: "fsck/set_members.lua";
    FSCK_SPIDER_NAMES: "fsck/spider_names.lua";
    FSCK_SUM: "fsck/sum.lua";
    FSCK_TAG_NAMES: "fsck/tag_names.lua";
}

#[allow(clippy::panic, reason = "texts are constant: a test assembles every one of them")]
fn script(file: &str, text: &str) -> Script {
    match assemble(text, &MODULES) {
        Ok(text) => Script::new(&text),
        Err(fault) => panic!("lua/{file}: {fault}"),
    }
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, fs, path::Path};

    use super::*;

    /// Most lines of a file.
    const MAX_LINES: usize = 80;

    #[test]
    fn every_script_says_what_it_takes_and_needs_just_what_it_uses() {
        for (file, text) in ALL {
            if let Err(fault) = assemble(text, &MODULES) {
                panic!("lua/{file}: {fault}");
            }
            for line in ["-- KEYS", "-- ARGV[1]", "-- Returns", "-- needs: "] {
                assert!(text.lines().any(|one| one.starts_with(line)), "lua/{file}: {line}");
            }
        }
    }

    #[test]
    fn what_lua_says_again_is_what_core_says() {
        let module = |name: &str| MODULES.iter().find(|(module, _)| *module == name).unwrap().1;
        let events = format!("MAX_EVENTS = '{}'", spiderq_core::limits::MAX_EVENTS);
        assert!(module("event_log").contains(&events));
        let position = format!("now * {})", spiderq_core::model::Position::PER_MS);
        assert!(module("numbers").contains(&position));
    }

    #[test]
    fn every_lua_file_is_short_and_used() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/lua");
        let mut known: BTreeSet<String> = ALL.iter().map(|(file, _)| (*file).to_owned()).collect();
        known.extend(LIB.iter().map(|(name, _)| format!("lib/{name}.lua")));
        known.extend(FSCK_LIB.iter().map(|(name, _)| format!("fsck/lib/{name}.lua")));
        let needs: String = [ALL, LIB, FSCK_LIB].concat().iter().map(|(_, text)| *text).collect();
        for (module, _) in MODULES.iter() {
            assert!(needs.contains(&format!("{module}.")), "nothing needs {module}");
        }
        let mut found = BTreeSet::new();
        for part in ["", "lib/", "fsck/", "fsck/lib/"] {
            for entry in fs::read_dir(folder.join(part)).unwrap() {
                let entry = entry.unwrap();
                if entry.file_type().unwrap().is_file() {
                    let lines = fs::read_to_string(entry.path()).unwrap().lines().count();
                    let name = format!("{part}{}", entry.file_name().to_str().unwrap());
                    assert!(lines <= MAX_LINES, "{name} has {lines} lines");
                    found.insert(name);
                }
            }
        }
        assert_eq!(found, known);
    }
}
