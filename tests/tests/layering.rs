//! Holds the layering of DESIGN 1 and the file rules of STYLE: reads sources, runs nothing.
#![allow(clippy::unwrap_used, reason = "a file that cannot be read ends the test")]

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

/// Crates of the workspace with handwritten code.
const CRATES: [&str; 7] = ["proto", "service", "gateway", "server", "runner", "cli", "tests"];

/// Which modules of `service` a module of it may name.
const MAY_IMPORT: [(&str, &[&str]); 6] = [
    ("error", &[]),
    ("model", &["error", "model"]),
    ("clock", &["model"]),
    ("store", &["error", "model", "store"]),
    ("auth", &["auth", "clock", "error", "model", "store"]),
    ("domain", &["auth", "clock", "domain", "error", "model", "store"]),
];

/// Where an outside crate may be named: folders or files, from the root.
const MAY_USE: [(&str, &[&str]); 4] = [
    ("redis::", &["service/src/store/redis/", "tests/"]),
    ("rusqlite::", &["service/src/store/sqlite/", "tests/"]),
    ("axum::", &["gateway/", "server/"]),
    ("spiderq_service::", &["server/", "cli/", "service/examples/", "tests/"]),
];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

/// A source file: its path from the root, and its text.
struct Source {
    path: String,
    text: String,
}

impl Source {
    /// Lines that are not comments, with their numbers.
    fn code(&self) -> impl Iterator<Item = (usize, &str)> {
        let lines = self.text.lines().enumerate();
        lines
            .map(|(number, line)| (number + 1, line))
            .filter(|(_, line)| !line.trim_start().starts_with("//"))
    }
}

fn sources() -> Vec<Source> {
    let mut files = Vec::new();
    for name in CRATES {
        collect(&root().join(name), &mut files);
    }
    files.sort();
    let read = |path: PathBuf| Source {
        text: fs::read_to_string(&path).unwrap(),
        path: path.strip_prefix(root()).unwrap().to_str().unwrap().to_owned(),
    };
    files.into_iter().map(read).collect()
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap();
        if path.is_dir() && name != "target" && name != "node_modules" {
            collect(&path, files);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            files.push(path);
        }
    }
}

/// Names that follow `crate::` in `code`, in braces or not.
fn imports(code: &str) -> BTreeSet<String> {
    let word = |text: &str| -> String {
        let letters = text.chars();
        letters.take_while(|letter| letter.is_alphanumeric() || *letter == '_').collect()
    };
    let mut names = BTreeSet::new();
    for (at, _) in code.match_indices("crate::") {
        let rest = &code[at + "crate::".len()..];
        let Some(list) = rest.strip_prefix('{') else {
            names.insert(word(rest));
            continue;
        };
        let (mut depth, mut starts) = (1, true);
        for (at, letter) in list.char_indices() {
            match letter {
                '{' => depth += 1,
                '}' => depth -= 1,
                ',' => starts = depth == 1,
                letter if letter.is_alphanumeric() && starts => {
                    names.insert(word(&list[at..]));
                    starts = false;
                }
                _ => {}
            }
            if depth == 0 {
                break;
            }
        }
    }
    names
}

#[test]
fn imports_are_found_in_braces_and_out() {
    let code = "use crate::{\n error::{Error, Result},\n model::*,\n}; crate::store::open()";
    let found: Vec<String> = imports(code).into_iter().collect();
    assert_eq!(found, ["error", "model", "store"]);
}

#[test]
fn modules_of_the_service_import_only_what_lies_under_them() {
    let mut wrong = Vec::new();
    for source in sources() {
        let Some(inner) = source.path.strip_prefix("service/src/") else {
            continue;
        };
        let module = inner.split(['/', '.']).next().unwrap();
        let Some((_, allowed)) = MAY_IMPORT.iter().find(|(name, _)| *name == module) else {
            continue;
        };
        let code: Vec<&str> = source.code().map(|(_, line)| line).collect();
        for name in imports(&code.join("\n")) {
            // Types that `lib.rs` re-exports from `clock`.
            let name = if name.ends_with("Clock") { "clock".to_owned() } else { name };
            if !allowed.contains(&name.as_str()) {
                wrong.push(format!("{} imports crate::{name}", source.path));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn outside_crates_are_named_only_where_they_belong() {
    let mut wrong = Vec::new();
    for source in sources() {
        if source.path.ends_with(file!()) {
            continue;
        }
        for (needle, places) in MAY_USE {
            if places.iter().any(|place| source.path.starts_with(place)) {
                continue;
            }
            for (number, line) in source.code() {
                if names_crate(line, needle) {
                    wrong.push(format!("{}:{number}: {}", source.path, line.trim()));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Whether `needle` starts a path in `line`: `redis::cmd`, but not `store::redis::RedisStore`.
fn names_crate(line: &str, needle: &str) -> bool {
    line.match_indices(needle).any(|(at, _)| {
        let before = line[..at].chars().next_back().unwrap_or(' ');
        let ours = line[at + needle.len()..].starts_with("Redis");
        !before.is_alphanumeric() && before != '_' && before != ':' && !ours
    })
}

#[test]
fn a_grpc_status_is_made_only_in_the_api_layer_of_the_service() {
    let mut wrong = Vec::new();
    for source in sources() {
        let inside = source.path.strip_prefix("service/src/");
        if inside.is_none_or(|path| path.starts_with("api")) {
            continue;
        }
        // `transport` joins the services to one router and makes no answers.
        let needle = match inside {
            Some("transport.rs") => "Status",
            _ => "tonic",
        };
        for (number, line) in source.code() {
            if line.contains(needle) && !line.contains("ServingStatus") {
                wrong.push(format!("{}:{number}: {}", source.path, line.trim()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn what_calls_the_service_does_not_depend_on_it() {
    for name in ["gateway", "runner"] {
        let manifest = fs::read_to_string(root().join(name).join("Cargo.toml")).unwrap();
        assert!(manifest.contains("spiderq-proto"), "{name}");
        assert!(!manifest.contains("spiderq-service"), "{name}");
    }
}

#[test]
fn every_file_says_what_it_is_for_and_is_short() {
    let mut wrong = Vec::new();
    for source in sources() {
        if !source.text.starts_with("//! ") {
            wrong.push(format!("{} does not begin with //!", source.path));
        }
        let lines = source.text.lines().count();
        if lines > 400 {
            wrong.push(format!("{} has {lines} lines", source.path));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
