//! Output of jobs: whether it agrees with the store, and can be read.

use std::{fs, path::Path, sync::Arc};

use spiderq_core::model::JobKey;
use spiderq_output::{Append, Files, OutputId, OutputKind, Outputs};
use spiderq_server::store_url::{StoreUrl, open};
use spiderq_tests::run;

use crate::sample::begin;

async fn write(outputs: &Outputs, key: JobKey, attempt: u32, lines: u64) {
    let id = OutputId { key, attempt, kind: OutputKind::Logs };
    let texts = (0..lines).map(|n| format!(r#"{{"level":20,"message":"{n:0>100}"}}"#).into());
    let lines = texts.collect();
    let append = Append { id, start: 0, lines, holder: None, max_bytes: u64::MAX };
    outputs.append(append).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn output_without_a_job_goes_and_damaged_output_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let (url, place) =
        (format!("sqlite:{}/a.db", folder.path().display()), folder.path().join("output"));
    let outputs = Outputs::new(Arc::new(Files::new(&place)));
    let key = {
        let store = open(&StoreUrl::parse(&url).unwrap()).await.unwrap();
        let sample = begin(&store).await;
        JobKey::parse(&format!("{}/2/1", sample.project)).unwrap()
    };
    let stray = JobKey::parse(&format!("{}/2/99", key.project)).unwrap();
    let output = format!("file:{}", place.display());
    let fsck = |more: &[&str]| {
        let args = [&["fsck", "--store", &url, "--output", &output], more].concat();
        let (status, said, _) = run(&args);
        (status.code(), said)
    };
    write(&outputs, key, 0, 1_000).await;
    outputs.end(key, 0).await.unwrap();
    let clean = fsck(&[]);
    assert_eq!(clean, (Some(0), "1 projects, 5 jobs: no findings\n".to_owned()));
    write(&outputs, stray, 1, 1).await;
    write(&outputs, key, 99, 1).await;
    let attempts = "has logs of attempt 99, but was started";
    let (code, said) = fsck(&[]);
    assert_eq!(code, Some(1));
    assert!(said.contains(&format!("{key}: {attempts}")), "{said}");
    assert!(said.contains(&format!("{stray}: has output, but there is no such job\n")), "{said}");
    let (code, said) = fsck(&["--repair"]);
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains(&format!("{stray}: has output, but there is no such job; repaired\n")));
    assert_eq!(fsck(&[]), clean);

    let segment = segment(&place.join(key.to_string()));
    let name = segment.file_name().unwrap().to_str().unwrap().to_owned();
    let mut bytes = fs::read(&segment).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    fs::write(&segment, bytes).unwrap();
    let (code, said) = fsck(&["--repair"]);
    assert_eq!(code, Some(1));
    assert!(said.contains(&format!("{key}: {name} is damaged\n")), "{said}");
    fs::remove_file(&segment).unwrap();
    let (code, said) = fsck(&["--repair"]);
    assert_eq!(code, Some(1));
    let missing = "logs of attempt 0: lines 0 to 999 are missing\n";
    assert!(said.contains(&format!("{key}: {missing}")), "{said}");
}

fn segment(folder: &Path) -> std::path::PathBuf {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.into_iter().find(|path| path.extension().is_some_and(|it| it == "zst")).unwrap()
}
