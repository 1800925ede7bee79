//! The files of the page: embedded in the program, or in a folder that a developer changes.

use std::{
    fs,
    io::{self, Read as _},
    path::{Path, PathBuf},
    sync::LazyLock,
};

use bytes::Bytes;
use flate2::{Compression, read::GzEncoder};

use crate::etag;

/// Names and bytes of `web/dist`.
const EMBEDDED: &[(&str, &[u8])] = &include!(concat!(env!("OUT_DIR"), "/page.rs"));

/// Compressed once, when the first of them is asked for.
static FILES: LazyLock<Vec<(&str, File)>> = LazyLock::new(|| {
    let file = |(name, bytes): &(&'static str, &'static [u8])| {
        let compressed = compress(bytes).ok().filter(|smaller| smaller.len() < bytes.len());
        let file =
            File { compressed, is_embedded: true, ..File::new(name, Bytes::from_static(bytes)) };
        (*name, file)
    };
    EMBEDDED.iter().map(file).collect()
});

/// One file.
#[derive(Clone, Debug)]
pub(super) struct File {
    pub(super) content_type: &'static str,
    pub(super) bytes: Bytes,
    /// The same by gzip, where that is smaller.
    pub(super) compressed: Option<Bytes>,
    /// Its entity tag.
    pub(super) tag: String,
    /// Whether it is part of the program, so that its name stands for what is in it.
    pub(super) is_embedded: bool,
}

impl File {
    fn new(name: &str, bytes: Bytes) -> Self {
        let (content_type, tag) = (content_type(name), etag::tag(&bytes));
        Self { content_type, bytes, compressed: None, tag, is_embedded: false }
    }
}

/// Where files come from.
#[derive(Debug)]
pub(super) struct Files {
    folder: Option<PathBuf>,
}

impl Files {
    /// Those of `folder`, or else the embedded ones.
    pub(super) const fn new(folder: Option<PathBuf>) -> Self {
        Self { folder }
    }

    /// The file with this name; `None` where there is none.
    pub(super) async fn read(&self, name: &str) -> Option<File> {
        let Some(folder) = &self.folder else {
            return FILES.iter().find(|(known, _)| *known == name).map(|(_, file)| file.clone());
        };
        if !is_plain(name) {
            return None;
        }
        let (folder, name) = (folder.clone(), name.to_owned());
        tokio::task::spawn_blocking(move || read(&folder, &name)).await.ok()?
    }
}

fn read(folder: &Path, name: &str) -> Option<File> {
    match fs::read(folder.join(name)) {
        Ok(bytes) => Some(File::new(name, bytes.into())),
        Err(error) => {
            tracing::warn!(%error, file = name, "can't read a file of --web-dir");
            None
        }
    }
}

/// Whether it is the name of a file in the folder itself.
fn is_plain(name: &str) -> bool {
    let plain = |letter: u8| letter.is_ascii_alphanumeric() || b"._-".contains(&letter);
    !name.is_empty() && !name.starts_with('.') && name.bytes().all(plain)
}

fn content_type(name: &str) -> &'static str {
    match name.rsplit_once('.').map_or("", |(_, ending)| ending) {
        "html" => "text/html; charset=utf-8",
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "json" | "map" => "application/json",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "ico" => "image/x-icon",
        "woff2" => "font/woff2",
        "txt" => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}

fn compress(bytes: &[u8]) -> io::Result<Bytes> {
    let mut compressed = Vec::new();
    GzEncoder::new(bytes, Compression::best()).read_to_end(&mut compressed)?;
    Ok(compressed.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_folder_gives_its_own_files_and_no_others() {
        let outside = tempfile::tempdir().unwrap();
        let folder = outside.path().join("dist");
        fs::create_dir(&folder).unwrap();
        fs::write(outside.path().join("secret.txt"), "secret").unwrap();
        fs::write(folder.join(".hidden"), "secret").unwrap();
        fs::write(folder.join("app.js"), "1").unwrap();
        let files = Files::new(Some(folder.clone()));
        assert_eq!(files.read("app.js").await.unwrap().bytes, "1");
        fs::write(folder.join("app.js"), "2").unwrap();
        let file = files.read("app.js").await.unwrap();
        assert_eq!((&*file.bytes, file.is_embedded), (&b"2"[..], false));
        for name in ["../secret.txt", "..%2fsecret.txt", "", ".", "..", ".hidden", "none.js", "a/b"]
        {
            assert!(files.read(name).await.is_none(), "{name}");
        }
    }

    #[test]
    fn the_page_is_embedded() {
        assert!(FILES.iter().any(|(name, _)| *name == "index.html"));
    }
}
