//! The rules of `docs/architecture.md` that Cargo does not know, and the rules for files. Reads
//! sources, runs nothing.
#![allow(clippy::unwrap_used, reason = "a file that cannot be read ends the test")]

use std::{
    fs,
    path::{Path, PathBuf},
};

/// Folders with handwritten Rust.
const FOLDERS: [&str; 10] =
    ["proto", "core", "stores", "output", "service", "gateway", "server", "runner", "cli", "tests"];

/// What the files of a folder may not name, and why.
const MUST_NOT_NAME: [(&str, &[&str], &str); 3] = [
    ("service/src/api/", &["spiderq_core::store"], "the API reaches stores through the domain"),
    ("service/src/domain/", &["tonic", "spiderq_proto"], "the domain knows no gRPC"),
    ("service/src/auth/", &["tonic", "spiderq_proto"], "credentials are checked for any transport"),
];

/// Which crates may depend on a crate of others. Tests may use all of them.
const MAY_DEPEND: [(&str, &[&str]); 6] = [
    ("axum", &["gateway", "server"]),
    ("redis", &["stores/redis"]),
    ("rusqlite", &["stores/sqlite"]),
    ("clap", &["cli"]),
    ("zstd", &["stores/compression", "output"]),
    ("object_store", &["output"]),
];

/// Lines of a file.
const MAX_LINES: usize = 400;

/// Paths from the root, and texts, of the files with this ending in these folders.
fn files(ending: &str) -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let mut paths = Vec::new();
    for folder in FOLDERS.map(|name| root.join(name)).iter().filter(|folder| folder.is_dir()) {
        collect(folder, ending, &mut paths);
    }
    paths.sort();
    let read = |path: PathBuf| {
        let text = fs::read_to_string(&path).unwrap();
        (path.strip_prefix(root).unwrap().to_str().unwrap().to_owned(), text)
    };
    paths.into_iter().map(read).collect()
}

fn collect(folder: &Path, ending: &str, paths: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, ending, paths);
        } else if path.to_str().unwrap().ends_with(ending) {
            paths.push(path);
        }
    }
}

/// The code of a file in one line, without comments and white space: paths are whole in it,
/// also where a list in braces spreads over lines.
fn code(text: &str) -> String {
    let lines = text.lines().filter(|line| !line.trim_start().starts_with("//"));
    lines.flat_map(str::split_whitespace).collect::<Vec<_>>().join(" ")
}

/// Whether `code` names `path` (`crate::module`), written out or in braces.
fn names(code: &str, path: &str) -> bool {
    let whole = |text: &str, word: &str| {
        text.match_indices(word).any(|(at, _)| {
            let inside = |letter: char| letter.is_alphanumeric() || letter == '_';
            !text[..at].ends_with(inside) && !text[at + word.len()..].starts_with(inside)
        })
    };
    let Some((krate, module)) = path.split_once("::") else {
        return whole(code, path);
    };
    whole(code, path)
        || code.split(&format!("{krate}::{{")).skip(1).any(|list| {
            let end = list.find(';').unwrap_or(list.len());
            whole(&list[..end], &format!("{module}::")) || whole(&list[..end], module)
        })
}

#[test]
fn layers_of_the_service_name_only_what_they_may() {
    let mut wrong = Vec::new();
    for (path, text) in files(".rs") {
        for (folder, forbidden, reason) in MUST_NOT_NAME {
            let named = forbidden.iter().filter(|name| names(&code(&text), name));
            if path.starts_with(folder) {
                wrong.extend(named.map(|name| format!("{path} names {name}: {reason}")));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_grpc_status_is_made_only_in_the_api_of_the_service() {
    let elsewhere = |path: &str| {
        path.starts_with("service/src/") && !path.starts_with("service/src/api/")
            || path.starts_with("core/")
            || path.starts_with("stores/")
    };
    let wrong: Vec<String> = files(".rs")
        .into_iter()
        .filter(|(path, text)| elsewhere(path) && names(&code(text), "tonic::Status"))
        .map(|(path, _)| path)
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn crates_of_others_are_used_where_they_belong() {
    let mut wrong = Vec::new();
    for (path, text) in files("Cargo.toml") {
        let folder = path.trim_end_matches("/Cargo.toml");
        let (_, dependencies) = text.split_once("[dependencies]").unwrap_or_default();
        let dependencies = dependencies.split("\n[").next().unwrap();
        for (name, allowed) in MAY_DEPEND {
            let used = dependencies.lines().any(|line| line.split(['.', ' ']).next() == Some(name));
            if used && folder != "tests" && !allowed.contains(&folder) {
                wrong.push(format!("{folder} depends on {name}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_file_says_what_it_is_for_and_is_short() {
    let mut wrong = Vec::new();
    for (path, text) in files(".rs") {
        // The tests of a module are in a file beside it, which needs no introduction.
        if !text.starts_with("//! ") && !path.ends_with("/tests.rs") {
            wrong.push(format!("{path} does not begin with //!"));
        }
        let lines = text.lines().count();
        if lines > MAX_LINES {
            wrong.push(format!("{path} has {lines} lines"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn names_are_found_in_braces_and_out_of_them() {
    let text = "use spiderq_core::{\n    error::Error, // store\n    store::{Change, Step},\n};\n";
    assert!(names(&code(text), "spiderq_core::store"));
    assert!(names("use spiderq_core::{error, model, store};", "spiderq_core::store"));
    assert!(names("spiderq_core::store::Step::Keep", "spiderq_core::store"));
    assert!(!names("use spiderq_core::{error::Error, model::store_name};", "spiderq_core::store"));
    assert!(!names("// tonic\nlet tonics = 1;", "tonics::x") && !names("let tonics = 1;", "tonic"));
}
