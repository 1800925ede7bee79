//! Every example of the documents, on both stores; the examples are data.

use std::{fs, path::Path};

use spiderq_tests::{Seed, run_seed};

use crate::on_each_store;

async fn run_file(name: &str) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("data/seeds");
    let text = fs::read_to_string(folder.join(name)).unwrap();
    let seeds: Vec<Seed> = serde_json::from_str(&text).unwrap();
    on_each_store(async |kind| {
        for seed in &seeds {
            run_seed(seed, kind).await;
        }
    })
    .await;
}

#[tokio::test]
async fn the_job_metadata_document_is_answered_byte_for_byte() {
    run_file("000_metadata.json").await;
}

#[tokio::test]
async fn the_lists_of_the_jobs_document_are_answered() {
    run_file("002_jobs_lists.json").await;
}

#[tokio::test]
async fn the_changes_of_the_jobs_document_are_answered() {
    run_file("002_jobs_changes.json").await;
}

#[tokio::test]
async fn the_jobq_documents_are_answered() {
    run_file("003_jobq.json").await;
}
