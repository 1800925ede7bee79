//! Lists the files of `migrations/`, so that a new migration is one new file.

use std::{env, error::Error, fmt::Write as _, fs, path::PathBuf};

const FOLDER: &str = "migrations";

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed={FOLDER}");
    println!("cargo:rerun-if-changed=build.rs");
    let mut names = Vec::new();
    for entry in fs::read_dir(FOLDER)? {
        names.push(entry?.file_name().into_string().map_err(|name| format!("{name:?}"))?);
    }
    names.sort();
    let mut list = String::from("&[\n");
    let mut last = 0;
    for name in &names {
        // Numbers may be left out: a file's version is its place in the list.
        let number = name.split_once('_').filter(|(number, _)| number.len() == 4);
        let number = number.and_then(|(number, _)| number.parse().ok()).unwrap_or(0);
        if number <= last || !name.ends_with(".sql") {
            return Err(
                format!("{FOLDER}/{name}: the name must be NNNN_….sql, a new number").into()
            );
        }
        last = number;
        // No path of this machine: a clone that is moved would look there for the files.
        let path = format!("/{FOLDER}/{name}");
        writeln!(list, "include_str!(concat!(env!(\"CARGO_MANIFEST_DIR\"), {path:?})),")?;
    }
    list.push(']');
    fs::write(PathBuf::from(env::var("OUT_DIR")?).join("migrations.rs"), list)?;
    Ok(())
}
