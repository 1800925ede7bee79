//! A local Scrapy project: how `start-crawl`, which runs in a folder of its own, finds its
//! settings, its code and its scripts.

use std::{
    env,
    ffi::{OsStr, OsString},
    fs, io,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
};

/// The file that makes a folder a Scrapy project.
const CONFIG: &str = "scrapy.cfg";
/// Folders of a project that hold its scripts, by custom.
const SCRIPTS: [&str; 2] = ["bin", "scripts"];

/// The folder of the nearest `scrapy.cfg`, in `folder` or above, as Scrapy looks for it.
#[must_use]
pub fn find_project(folder: &Path) -> Option<PathBuf> {
    let folder = folder.canonicalize().ok()?;
    let mut folders = folder.ancestors();
    let found = folders.find(|folder| folder.join(CONFIG).is_file());
    found.map(Path::to_owned)
}

/// Makes the project in `project` known to what runs in `work`; answers its `PYTHONPATH`, to
/// which `more` is added. Uses the folder `site` for what only a package has.
pub(crate) fn join(
    project: &Path,
    work: &Path,
    site: &Path,
    more: Option<OsString>,
) -> io::Result<OsString> {
    fs::copy(project.join(CONFIG), work.join(CONFIG))?;
    package(project, site)?;
    let more = more.filter(|more| !more.is_empty());
    let more = more.iter().flat_map(|more| env::split_paths(more));
    let paths = [site.to_owned(), project.to_owned()].into_iter().chain(more);
    env::join_paths(paths).map_err(io::Error::other)
}

/// Scripts are looked for in the package that has Scrapy's entry point `settings`, which a
/// project that is not installed lacks: this is one, with what is needed of it.
fn package(project: &Path, site: &Path) -> io::Result<()> {
    let info = site.join("scrapy_project-0.dist-info");
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
            // The first folder's script of a name is the one.
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
    fn a_project_is_found_from_below_and_joined() {
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
        let path = join(&project, &work, &site, Some("/x:/y".into())).unwrap();
        let expected = format!("{}:{}:/x:/y", site.display(), project.display());
        assert_eq!(path, OsString::from(expected));
        let copy = fs::read_to_string(work.join(CONFIG)).unwrap();
        assert_eq!(copy, "[settings]\ndefault = a.settings\n");
        let script = site.join("scrapy_project-0.dist-info/scripts/report.py");
        assert_eq!(fs::read_to_string(script).unwrap(), "print(1)\n");
    }
}
