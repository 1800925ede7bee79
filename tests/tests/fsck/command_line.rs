//! The program itself: what it prints, and how it ends.

use spiderq_server::store_url::{StoreUrl, open};
use spiderq_tests::{Program, redis_server::RedisServer, run};

use crate::sample::begin;

/// Exit code, output and complaints of `spiderq fsck`.
fn fsck(args: &[&str]) -> (Option<i32>, String, String) {
    let (status, output, errors) = run(&[&["fsck"], args].concat());
    (status.code(), output, errors)
}

#[tokio::test(flavor = "multi_thread")]
async fn findings_are_printed_repaired_and_gone() {
    let server = RedisServer::start(&[]);
    let url = server.url();
    let store = open(&StoreUrl::parse(&url).unwrap()).await.unwrap();
    let (one, other) = (begin(&store).await.project, begin(&store).await.project);
    let clean = (Some(0), "2 projects, 10 jobs: no findings\n".to_owned(), String::new());
    assert_eq!(fsck(&["--store", &url]), clean);
    for project in [one, other] {
        server.command::<()>(&["ZREM", &format!("sq:{{{project}}}:z:f"), "2/1"]);
    }
    let number = one.to_string();
    let mine = ["--store", &url, "--project", &number];
    let found = format!("{one}/2/1: is not in z:f\n1 projects, 5 jobs: 1 findings, 0 repaired\n");
    let left = "spiderq: 1 finding is left\n".to_owned();
    assert_eq!(fsck(&mine), (Some(1), found, left.clone()));
    let mend = [&mine[..], &["--repair"]].concat();
    let mended =
        format!("{one}/2/1: is not in z:f; repaired\n1 projects, 5 jobs: 1 findings, 1 repaired\n");
    assert_eq!(fsck(&mend), (Some(0), mended, String::new()));
    let found =
        format!("{other}/2/1: is not in z:f\n2 projects, 10 jobs: 1 findings, 0 repaired\n");
    assert_eq!(fsck(&["--store", &url]), (Some(1), found, left));
    assert_eq!(fsck(&["--store", &url, "--repair"]).0, Some(0));
    assert_eq!(fsck(&["--store", &url]), clean);
}

#[test]
fn a_store_that_cannot_be_checked_exits_with_2() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    let url = format!("sqlite:{}", path.display());
    let missing = format!("spiderq: can't open {url}: there is no such file\n");
    assert_eq!(fsck(&["--store", &url]), (Some(2), String::new(), missing));
    assert!(!path.exists());
    let server = Program::serve(&url, &[]);
    let locked = format!(
        "spiderq: can't open {url}: store: {} is in use by another process\n",
        path.display()
    );
    assert_eq!(fsck(&["--store", &url]), (Some(2), String::new(), locked));
    assert!(server.terminate().0.success());
    let clean = "0 projects, 0 jobs: no findings\n".to_owned();
    assert_eq!(fsck(&["--store", &url]), (Some(0), clean, String::new()));
    let bad = "spiderq: --project: must be a positive integer\n".to_owned();
    let number = ["--store", &url, "--project", "0"];
    assert_eq!(fsck(&number), (Some(2), String::new(), bad));
}
