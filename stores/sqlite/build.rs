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
        let path = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?).join(FOLDER).join(name);
        writeln!(list, "include_str!({path:?}),")?;
    }
    list.push(']');
    fs::write(PathBuf::from(env::var("OUT_DIR")?).join("migrations.rs"), list)?;
    Ok(())
}
