//! Finds a local Scrapy project, and lets `start-crawl`, which runs in a folder of its own, find
//! the project's settings, code and scripts.

use std::{
    env,
    ffi::{OsStr, OsString},
    fs, io,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
};

/// Marks the root folder of a Scrapy project.
const CONFIG: &str = "scrapy.cfg";
/// Where projects keep scripts by convention. The first folder that has a script of a name wins.
const SCRIPTS: [&str; 2] = ["bin", "scripts"];

/// The nearest folder with a `scrapy.cfg`, from `folder` upwards, as Scrapy looks for it.
#[must_use]
pub fn find_project(folder: &Path) -> Option<PathBuf> {
    let folder = folder.canonicalize().ok()?;
    let mut folders = folder.ancestors();
    let found = folders.find(|folder| folder.join(CONFIG).is_file());
    found.map(Path::to_owned)
}

/// Lets a program that runs in `work` find the project, with a small package in `site_packages`.
/// Returns the program's `PYTHONPATH`, which ends with `python_path`.
pub(crate) fn link_project(
    project: &Path,
    work: &Path,
    site_packages: &Path,
    python_path: Option<OsString>,
) -> io::Result<OsString> {
    // A copy would show the job what the runner's user can read and its own perhaps can't.
    symlink(project.join(CONFIG), work.join(CONFIG))?;
    create_package(project, site_packages)?;
    let inherited = python_path.filter(|paths| !paths.is_empty());
    let inherited = inherited.iter().flat_map(|paths| env::split_paths(paths));
    let paths = [site_packages.to_owned(), project.to_owned()].into_iter().chain(inherited);
    env::join_paths(paths).map_err(io::Error::other)
}

/// `start-crawl` looks for scripts in the installed package that has Scrapy's entry point
/// `settings`. A project that is not installed has none: this creates one with the metadata that it
/// needs.
fn create_package(project: &Path, site_packages: &Path) -> io::Result<()> {
    let info = site_packages.join("scrapy_project-0.dist-info");
    let scripts = info.join("scripts");
    fs::create_dir_all(&scripts)?;
    fs::write(info.join("METADATA"), "Metadata-Version: 2.1\nName: scrapy-project\nVersion: 0\n")?;
    fs::write(
        info.join("entry_points.txt"),
        "[scrapy]\nsettings = scrapy.utils.project:get_project_settings\n",
    )?;
    for folder in SCRIPTS {
        let Ok(entries) = fs::read_dir(project.join(folder)) else {
            continue;
        };
        for entry in entries {
            let path = entry?.path();
            let name = path.file_name().unwrap_or_else(|| OsStr::new(""));
            if path.is_file() && !scripts.join(name).exists() {
                symlink(&path, scripts.join(name))?;
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_project_is_found_from_below_and_linked() {
        let root = tempfile::tempdir().unwrap();
        let root = root.path().canonicalize().unwrap();
        let (project, work) = (root.join("project"), root.join("work"));
        fs::create_dir_all(project.join("a/b")).unwrap();
        fs::create_dir_all(project.join("bin")).unwrap();
        fs::create_dir_all(&work).unwrap();
        assert_eq!(find_project(&project), None);
        fs::write(project.join(CONFIG), "[settings]\ndefault = a.settings\n").unwrap();
        fs::write(project.join("bin/report.py"), "print(1)\n").unwrap();
        assert_eq!(find_project(&project.join("a/b")), Some(project.clone()));

        let site = root.join("site");
        let path = link_project(&project, &work, &site, Some("/x:/y".into())).unwrap();
        let expected = format!("{}:{}:/x:/y", site.display(), project.display());
        assert_eq!(path, OsString::from(expected));
        let config = fs::read_to_string(work.join(CONFIG)).unwrap();
        assert_eq!(config, "[settings]\ndefault = a.settings\n");
        let script = site.join("scrapy_project-0.dist-info/scripts/report.py");
        assert_eq!(fs::read_to_string(script).unwrap(), "print(1)\n");
    }
}
