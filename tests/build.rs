//! Lists the cases of the store contract: writes a `#[tokio::test]` for each case in
//! `src/store_contract` to a file that `tests/store_contract.rs` includes once per store.

#![allow(clippy::print_stdout, reason = "a build script speaks to Cargo by its output")]

use std::{env, fmt::Write as _, fs, io, path::Path};

const CASES: &str = "src/store_contract";

fn main() -> io::Result<()> {
    println!("cargo::rerun-if-changed={CASES}");
    let mut files: Vec<_> = fs::read_dir(CASES)?.collect::<io::Result<_>>()?;
    files.sort_by_key(fs::DirEntry::file_name);
    let mut tests = String::new();
    for file in files {
        let path = file.path();
        let module = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let text = fs::read_to_string(&path)?;
        let cases = text.split("\npub async fn ").skip(1);
        let cases: String = cases.map(|case| test(&module, case)).collect();
        if !cases.is_empty() {
            let _ = writeln!(tests, "mod {module} {{\n{cases}}}");
        }
    }
    let out = env::var_os("OUT_DIR").unwrap_or_default();
    fs::write(Path::new(&out).join("store_contract_cases.rs"), tests)
}

/// The test of the case whose name this text begins with. `shared` and `own` make a store, and
/// what keeps its server alive, in the module that includes the tests.
fn test(module: &str, text: &str) -> String {
    let signature = text.split(") {").next().and_then(|text| text.split_once('('));
    let (case, parameters) = signature.unwrap_or((text, ""));
    let (make, argument) = match parameters.trim().trim_end_matches(',') {
        "world: World" => ("shared", "spiderq_tests::store_contract::World::new(store)"),
        "store: Arc<dyn Store>" => ("own", "store"),
        _ => panic!("{module}::{case} must take a World or a store; a helper is `pub(super)`"),
    };
    format!(
        "    #[tokio::test]\n    async fn {case}() {{\n        \
         let (store, _keep) = super::{make}().await;\n        \
         spiderq_tests::store_contract::{module}::{case}({argument}).await;\n    }}\n"
    )
}
