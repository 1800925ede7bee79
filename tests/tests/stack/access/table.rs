//! The tables of `docs/access.md`, and what they must have: the calls of the descriptor set
//! and the paths of the gateway's route table.

use std::collections::BTreeSet;

use prost::Message as _;

const DOCUMENT: &str = include_str!("../../../../docs/access.md");
const ROUTES: &str = include_str!("../../../../gateway/src/routes/mod.rs");

/// Whom a call may come from, in the order of the table's columns.
pub(super) const COLUMNS: [&str; 9] = [
    "no key",
    "read",
    "worker",
    "user",
    "admin",
    "foreign project",
    "its job's token",
    "another job's token",
    "finished job's token",
];

/// The outcome of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cell {
    /// It is done.
    Yes,
    /// It is done if the caller runs the job, and refused otherwise.
    Own,
    /// 401.
    Unauthenticated,
    /// 403.
    Forbidden,
    /// Nothing in particular.
    Any,
}

impl Cell {
    fn parse(text: &str) -> Self {
        match text {
            "yes" => Self::Yes,
            "own" => Self::Own,
            "401" => Self::Unauthenticated,
            "403" => Self::Forbidden,
            "–" => Self::Any,
            _ => panic!("a cell {text:?}"),
        }
    }
}

/// A call and its outcome by column.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) service: String,
    /// The RPC, and what it is about where that matters.
    pub(super) call: String,
    pub(super) cells: [Cell; 9],
}

impl Row {
    /// The first word of the call.
    pub(super) fn rpc(&self) -> &str {
        self.call.split([' ', ',']).next().unwrap()
    }
}

/// A path of HTTP, with a body to try it with.
#[derive(Debug)]
pub(super) struct Path {
    pub(super) method: String,
    pub(super) path: String,
    pub(super) body: String,
    pub(super) call: String,
}

impl Path {
    /// As the route table has it.
    pub(super) fn route(&self) -> String {
        let path = self.path.split('?').next().unwrap();
        format!("{} {path}", self.method)
    }
}

/// The cells of the rows of a part of the document; not those of the head.
fn rows(part: &str) -> impl Iterator<Item = Vec<String>> {
    let lines = part.lines().filter(|line| line.starts_with("| "));
    let rows = lines.map(|line| {
        let cells = line.trim_matches('|').split('|');
        cells.map(|cell| cell.trim().trim_matches('`').to_owned()).collect()
    });
    let heads = ["call", "path", "field", "---"];
    rows.filter(move |row: &Vec<String>| !heads.contains(&row[0].as_str()))
}

/// The part under a heading, up to the next of its rank.
fn part(heading: &str) -> &'static str {
    let (_, rest) = DOCUMENT.split_once(&format!("\n## {heading}\n")).unwrap();
    rest.split("\n## ").next().unwrap()
}

/// The fields that only some may set, and whether others may report them.
pub(super) fn fields() -> Vec<(String, bool)> {
    let cell = |text: &str| match text {
        "403" => false,
        "report" => true,
        _ => panic!("a cell {text:?}"),
    };
    rows(part("Fields of a job")).map(|row| (row[0].clone(), cell(&row[1]))).collect()
}

pub(super) fn calls() -> Vec<Row> {
    let head = DOCUMENT.lines().find(|line| line.starts_with("| call |")).unwrap();
    assert_eq!(head, format!("| call | {} |", COLUMNS.join(" | ")));
    let mut calls = Vec::new();
    for section in part("gRPC").split("\n### ").skip(1) {
        let (service, table) = section.split_once('\n').unwrap();
        calls.extend(rows(table).map(|cells| {
            let parsed: Vec<Cell> = cells[1..].iter().map(|cell| Cell::parse(cell)).collect();
            Row {
                service: service.to_owned(),
                call: cells[0].clone(),
                cells: parsed.try_into().unwrap(),
            }
        }));
    }
    calls
}

pub(super) fn paths() -> Vec<Path> {
    let parse = |cells: Vec<String>| {
        let (method, path) = cells[0].split_once(' ').unwrap();
        Path {
            method: method.to_owned(),
            path: path.to_owned(),
            body: cells[1].clone(),
            call: cells[2].clone(),
        }
    };
    rows(part("HTTP")).map(parse).collect()
}

/// Service and method of every RPC.
pub(super) fn described() -> BTreeSet<(String, String)> {
    let set = prost_types::FileDescriptorSet::decode(spiderq_proto::DESCRIPTOR_SET).unwrap();
    let services = set.file.iter().flat_map(|file| &file.service);
    let rpcs = services.flat_map(|service| {
        let methods = service.method.iter();
        methods.map(|method| (service.name().to_owned(), method.name().to_owned()))
    });
    rpcs.collect()
}

/// Method and path of every route in the gateway's table, but for the description of the API,
/// which calls no service, and the sessions of browsers, which `sessions.rs` tests.
pub(crate) fn routes() -> BTreeSet<String> {
    let mut routes = BTreeSet::new();
    for route in ROUTES.split(".route(\"").skip(1) {
        let (path, handlers) = route.split_once('"').unwrap();
        if ["/openapi.json", "/session"].contains(&path) {
            continue;
        }
        for method in ["get", "post", "put", "patch", "delete"] {
            let called = [format!(" {method}("), format!(".{method}(")];
            if called.iter().any(|call| handlers.contains(call)) {
                routes.insert(format!("{} {path}", method.to_uppercase()));
            }
        }
    }
    routes
}
