//! Every reference in documents and comments leads somewhere: links, anchors, paths in
//! backticks, sections and decisions. Reads files, runs nothing. `docs/development.md` says how
//! references are written.
#![allow(clippy::unwrap_used, reason = "a file that cannot be read ends the test")]

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

/// Endings of files whose comments may name documents.
const SOURCES: [&str; 10] = ["rs", "lua", "sql", "proto", "py", "js", "mjs", "toml", "sh", "md"];
/// Endings that make a text in backticks a path of the repository.
const PATHS: [&str; 14] = [
    "rs", "lua", "sql", "proto", "py", "js", "mjs", "toml", "sh", "md", "json", "html", "yaml",
    "binpb",
];
/// Endings that make even a bare name a file of the repository.
const NAMES: [&str; 4] = ["rs", "lua", "sql", "proto"];
/// Folders in backticks that are made at run time.
const MADE: [&str; 3] = ["spiderq-data/", "node_modules/", "target/"];
/// Folders that are no part of the repository (see `.gitignore`).
const SKIPPED: [&str; 7] =
    [".git", ".venv", "target", "node_modules", "__pycache__", "gen", "spiderq-data"];

/// The text files of the repository by their paths from its root.
struct Repo(BTreeMap<String, String>);

impl Repo {
    fn read() -> Self {
        let mut files = BTreeMap::new();
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        collect(root, "", &mut files);
        Self(files)
    }

    fn of(files: &[(&str, &str)]) -> Self {
        Self(files.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned())).collect())
    }

    /// Whether there is such a file or folder.
    fn has(&self, path: &str) -> bool {
        let path = path.trim_end_matches('/');
        let folder = format!("{path}/");
        path.is_empty()
            || self.0.contains_key(path)
            || self.0.keys().any(|known| known.starts_with(&folder))
    }

    fn has_name(&self, name: &str) -> bool {
        self.0.keys().any(|path| path.rsplit('/').next() == Some(name))
    }

    fn documents(&self) -> impl Iterator<Item = (&str, &str)> {
        self.sources().filter(|(path, _)| path.ends_with(".md"))
    }

    fn sources(&self) -> impl Iterator<Item = (&str, &str)> {
        let files = self.0.iter().map(|(path, text)| (path.as_str(), text.as_str()));
        files.filter(|(path, _)| SOURCES.contains(&ending(path)))
    }

    fn headings(&self, document: &str) -> Vec<String> {
        let text = self.0.get(document).map_or("", String::as_str);
        let lines = outside_fences(text).into_iter();
        let headings = lines.filter(|line| line.starts_with('#'));
        headings.map(|line| line.trim_start_matches('#').trim().to_owned()).collect()
    }

    /// Whether a heading of the document begins with this number.
    fn has_section(&self, document: &str, number: &str) -> bool {
        self.headings(document).iter().any(|heading| heading.starts_with(&format!("{number}. ")))
    }

    fn has_decision(&self, number: &str) -> bool {
        let start = format!("docs/decisions/{number}-");
        self.0.keys().any(|path| path.starts_with(&start))
    }
}

fn collect(folder: &Path, prefix: &str, files: &mut BTreeMap<String, String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().to_str().unwrap().to_owned();
        let path = format!("{prefix}{name}");
        if SKIPPED.contains(&name.as_str()) || name.contains(".db") {
            continue;
        }
        if entry.path().is_dir() {
            collect(&entry.path(), &format!("{path}/"), files);
        } else if let Ok(bytes) = fs::read(entry.path()) {
            files.insert(path, String::from_utf8_lossy(&bytes).into_owned());
        }
    }
}

fn ending(path: &str) -> &str {
    path.rsplit_once('.').map_or("", |(_, ending)| ending)
}

/// The lines of a document that are no code block.
fn outside_fences(text: &str) -> Vec<&str> {
    let mut inside = false;
    let shown = text.lines().filter(|line| {
        let fence = line.trim_start().starts_with("```");
        inside ^= fence;
        !inside && !fence
    });
    shown.collect()
}

/// Prose and the texts in backticks of a document, in two lists.
fn prose_and_code(text: &str) -> (String, Vec<String>) {
    let (mut prose, mut code) = (String::new(), Vec::new());
    // A paragraph at a time: a lone backtick then spoils no more than that.
    for paragraph in outside_fences(text).join("\n").split("\n\n") {
        for (index, part) in paragraph.split('`').enumerate() {
            if index % 2 == 0 { prose.push_str(part) } else { code.push(part.replace('\n', " ")) }
        }
        prose.push('\n');
    }
    (prose, code)
}

/// The targets of `[text](target)`.
fn links(prose: &str) -> impl Iterator<Item = &str> {
    prose.split("](").skip(1).filter_map(|rest| rest.split(')').next())
}

/// The path that `target` has from the root, seen from the document `from`.
fn resolve(from: &str, target: &str) -> String {
    let folder = from.rsplit_once('/').map_or("", |(folder, _)| folder);
    let mut parts: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
    for part in target.split('/').filter(|part| !part.is_empty() && *part != ".") {
        if part == ".." {
            parts.pop();
        } else {
            parts.push(part);
        }
    }
    parts.join("/")
}

/// The anchor that GitHub gives a heading.
fn anchor(heading: &str) -> String {
    let kept = heading.to_lowercase().replace(' ', "-");
    kept.chars().filter(|char| char.is_alphanumeric() || "-_".contains(*char)).collect()
}

fn broken_links(repo: &Repo) -> Vec<String> {
    let mut broken = Vec::new();
    for (path, text) in repo.documents() {
        let (prose, _) = prose_and_code(text);
        for link in links(&prose).filter(|link| !link.contains("://")) {
            let (target, name) = link.split_once('#').unwrap_or((link, ""));
            let target = if target.is_empty() { path.to_owned() } else { resolve(path, target) };
            let mut anchors = repo.headings(&target).into_iter().map(|one| anchor(&one));
            if !repo.has(&target) || !name.is_empty() && !anchors.any(|known| known == name) {
                broken.push(format!("{path}: link to {link}"));
            }
        }
    }
    broken
}

/// Whether a text in backticks claims to be a path of the repository.
fn is_path(code: &str) -> bool {
    let plain = |char: char| char.is_ascii_alphanumeric() || "/._-".contains(char);
    let folder = code.ends_with('/') && !MADE.contains(&code);
    code.chars().all(plain)
        && !code.starts_with(['/', '.', '-'])
        && if code.contains('/') {
            folder || PATHS.contains(&ending(code))
        } else {
            NAMES.contains(&ending(code))
        }
}

fn missing_paths(repo: &Repo) -> Vec<String> {
    let mut missing = Vec::new();
    for (path, text) in repo.documents() {
        if !path.starts_with("docs/") && path != "README.md" {
            continue;
        }
        let (_, code) = prose_and_code(text);
        for code in code.iter().filter(|code| is_path(code)) {
            if !if code.contains('/') { repo.has(code) } else { repo.has_name(code) } {
                missing.push(format!("{path}: `{code}`"));
            }
        }
    }
    missing
}

/// The text of a file in one line, without what begins a comment's lines.
fn joined(text: &str) -> String {
    let bare = |line: &str| {
        let line = line.trim_start();
        let leader = ["//!", "///", "//", "--", "#"].into_iter().find(|one| line.starts_with(one));
        line.strip_prefix(leader.unwrap_or("")).unwrap_or(line).trim().to_owned()
    };
    text.lines().map(bare).collect::<Vec<_>>().join(" ")
}

/// The digits that follow `word` and a space, wherever they do: `4` of `contract 4`. Also those
/// behind an `and`: `3` and `4` of `contract 3 and 4`.
fn numbers<'a>(text: &'a str, word: &str) -> Vec<&'a str> {
    let digits = |text: &'a str| {
        let end = text.find(|char: char| !char.is_ascii_digit()).unwrap_or(text.len());
        text.split_at(end)
    };
    let mut found = Vec::new();
    for (at, _) in text.match_indices(&format!("{word} ")) {
        let begins = !text[..at].ends_with(|char: char| char.is_alphanumeric());
        let (mut number, mut rest) = digits(&text[at + word.len() + 1..]);
        while begins && !number.is_empty() {
            found.push(number);
            (number, rest) = digits(rest.strip_prefix(" and ").unwrap_or(""));
        }
    }
    found
}

/// Documents that a text names as `docs/….md`, each with what stands behind it.
fn named_documents(text: &str) -> impl Iterator<Item = (&str, &str)> {
    text.match_indices("docs/").filter_map(|(at, _)| {
        let end = at + text[at..].find(".md")? + 3;
        let plain = |char: char| char.is_ascii_alphanumeric() || "/._-".contains(char);
        text[at..end].chars().all(plain).then(|| (&text[at..end], &text[end..]))
    })
}

/// The section that is named right behind a document.
fn section(behind: &str) -> Option<&str> {
    let behind = behind.trim_start_matches(['`', ')', ',', ' ']);
    let number = behind.strip_prefix("section ")?;
    number.split(|char: char| !char.is_ascii_digit()).next()
}

fn broken_sections(repo: &Repo) -> Vec<String> {
    let mut broken = Vec::new();
    for (path, text) in repo.sources().filter(|(path, _)| *path != "tests/tests/references.rs") {
        let text = joined(text);
        for (document, behind) in named_documents(&text) {
            if !repo.has(document) {
                broken.push(format!("{path}: {document}"));
            } else if let Some(number) = section(behind)
                && !repo.has_section(document, number)
            {
                broken.push(format!("{path}: {document}, section {number}"));
            }
        }
        let contract = numbers(&text, "contract").into_iter();
        let missing = contract.filter(|number| !repo.has_section("docs/contract.md", number));
        broken.extend(missing.map(|number| format!("{path}: contract {number}")));
        let decisions = numbers(&text, "decision").into_iter();
        let missing = decisions.filter(|number| !repo.has_decision(number));
        broken.extend(missing.map(|number| format!("{path}: decision {number}")));
    }
    broken
}

/// Files that name a document which is not in the repository.
fn foreign_documents(repo: &Repo) -> BTreeSet<String> {
    let words = ["contract", "design", "style"].map(str::to_uppercase);
    let named = |text: &str| words.iter().any(|word| text.contains(word));
    // The compiled API holds names of Google's messages, the built page those of its libraries.
    let is_built = |path: &str| path.ends_with(".binpb") || path.starts_with("web/dist/");
    let is_ours = |path: &str| path != "LICENSE" && !is_built(path);
    let files = repo.0.iter().filter(|(path, text)| is_ours(path) && named(text));
    files.map(|(path, _)| path.clone()).collect()
}

#[test]
fn every_link_leads_to_a_file_and_every_anchor_to_a_heading() {
    let none: Vec<String> = Vec::new();
    assert_eq!(broken_links(&Repo::read()), none);
}

#[test]
fn every_path_in_backticks_is_there() {
    let none: Vec<String> = Vec::new();
    assert_eq!(missing_paths(&Repo::read()), none);
}

#[test]
fn every_named_document_section_and_decision_is_there() {
    let none: Vec<String> = Vec::new();
    assert_eq!(broken_sections(&Repo::read()), none);
}

#[test]
fn no_file_names_a_document_outside_of_the_repository() {
    assert_eq!(foreign_documents(&Repo::read()), BTreeSet::new());
}

/// `from --> to` for each arrow of the picture, and for each dependency in a manifest.
fn arrows(repo: &Repo) -> [BTreeSet<String>; 2] {
    let drawn = repo.0["docs/architecture.md"].lines().filter_map(|line| line.split_once(" --> "));
    let drawn = drawn.flat_map(|(from, to)| {
        to.split('&').map(move |to| format!("{} --> {}", from.trim(), to.trim()))
    });
    let manifests = repo.0.iter().filter(|(path, _)| path.ends_with("/Cargo.toml"));
    let built = manifests.filter_map(|(path, text)| {
        let from = path.strip_suffix("/Cargo.toml")?.rsplit('/').next()?;
        let dependencies = text.split_once("[dependencies]")?.1.split("\n[").next()?;
        let ours = dependencies.lines().filter_map(|line| line.strip_prefix("spiderq-"));
        let to = ours.filter_map(|line| line.split(['.', ' ']).next());
        Some(to.map(move |to| format!("{from} --> {to}")).collect::<Vec<_>>())
    });
    let built = built.flatten().filter(|arrow| !arrow.starts_with("tests "));
    [drawn.collect(), built.collect()]
}

#[test]
fn the_picture_of_the_crates_is_what_the_manifests_say() {
    let [drawn, built] = arrows(&Repo::read());
    assert_eq!(drawn, built);
}

#[test]
fn a_broken_reference_of_each_kind_is_found() {
    let contract = "# The contract\n\n## 1. Who is it?\n\n```\n# no heading\n```\n";
    let repo = Repo::of(&[
        ("docs/contract.md", contract),
        ("docs/decisions/001-a.md", "[up](../contract.md#1-who-is-it) [ours](#no-heading)"),
        ("README.md", "`docs/` `a/b.rs` `b.rs`\n```\n`c.rs`\n```\n[x](docs/x.md) [y](https://y)"),
        ("a.rs", "//! docs/contract.md,\n//! section 1; contract 1 and 2, decision 001, 002"),
        ("b.lua", "-- docs/contract.md, section 3; docs/x.md; decision 002"),
        ("c.toml", &"# see contract 4".replace("contract", &"contract".to_uppercase())),
    ]);
    assert_eq!(
        broken_links(&repo),
        ["README.md: link to docs/x.md", "docs/decisions/001-a.md: link to #no-heading"]
    );
    assert_eq!(missing_paths(&repo), ["README.md: `a/b.rs`", "README.md: `b.rs`"]);
    assert_eq!(
        broken_sections(&repo),
        [
            "README.md: docs/x.md",
            "a.rs: contract 2",
            "b.lua: docs/contract.md, section 3",
            "b.lua: docs/x.md",
            "b.lua: decision 002",
        ]
    );
    assert_eq!(foreign_documents(&repo), ["c.toml".to_owned()].into());
}

#[test]
fn arrows_are_read_from_picture_and_manifests() {
    let repo = Repo::of(&[
        ("docs/architecture.md", "    a[\"A\"]\n    a --> b & c\n    b --> c\n"),
        ("a/Cargo.toml", "[dependencies]\nspiderq-b.workspace = true\n\n[lints]\nspiderq-x = 1"),
        ("tests/Cargo.toml", "[dependencies]\nspiderq-b.workspace = true\n"),
    ]);
    let [drawn, built] = arrows(&repo).map(|arrows| arrows.into_iter().collect::<Vec<_>>());
    assert_eq!(drawn, ["a --> b", "a --> c", "b --> c"]);
    assert_eq!(built, ["a --> b"]);
}
