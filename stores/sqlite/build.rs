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
    for (version, name) in (1..).zip(&names) {
        if !name.starts_with(&format!("{version:04}_")) || !name.ends_with(".sql") {
            return Err(format!("{FOLDER}/{name}: the name must be {version:04}_….sql").into());
        }
        // No path of this machine: a clone that is moved would look there for the files.
        let path = format!("/{FOLDER}/{name}");
        writeln!(list, "include_str!(concat!(env!(\"CARGO_MANIFEST_DIR\"), {path:?})),")?;
    }
    list.push(']');
    fs::write(PathBuf::from(env::var("OUT_DIR")?).join("migrations.rs"), list)?;
    Ok(())
}
