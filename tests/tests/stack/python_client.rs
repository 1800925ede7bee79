//! The official Python client, unmodified, against the whole stack. What it does and
//! expects is in `tests/clients/python`.

use std::{path::Path, process::Command};

use spiderq_tests::{Stack, python};

use crate::on_each_store;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_official_python_client_works_unmodified() {
    on_each_store(async |kind| {
        let stack = Stack::start(kind).await;
        let mut command = Command::new(python());
        command
            .args(["-m", "unittest", "discover", "--verbose"])
            .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("clients/python"))
            .env("SPIDERQ_URL", &stack.url)
            .env("SPIDERQ_KEY", &stack.key);
        let output = tokio::task::spawn_blocking(move || command.output().unwrap());
        let output = output.await.unwrap();
        let report = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "on {kind:?}:\n{report}");
        assert!(report.contains("\nOK"), "no test was skipped:\n{report}");
        assert!(!report.contains("skipped"), "{report}");
    })
    .await;
}
