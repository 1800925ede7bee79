//! The examples of the original documents, on both stores; they are data.

use std::{fs, path::Path};

use spiderq_tests::{Example, run_example};

use crate::on_each_store;

async fn run_file(name: &str) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("data/documented_examples");
    let text = fs::read_to_string(folder.join(name)).unwrap();
    let examples: Vec<Example> = serde_json::from_str(&text).unwrap();
    on_each_store(async |kind| {
        for example in &examples {
            run_example(example, kind).await;
        }
    })
    .await;
}

#[tokio::test]
async fn metadata_examples_get_the_documented_response() {
    run_file("000_metadata.json").await;
}

#[tokio::test]
async fn list_examples_get_the_documented_response() {
    run_file("002_jobs_lists.json").await;
}

#[tokio::test]
async fn update_stop_and_delete_examples_get_the_documented_response() {
    run_file("002_jobs_changes.json").await;
}

#[tokio::test]
async fn jobq_examples_get_the_documented_response() {
    run_file("003_jobq.json").await;
}
