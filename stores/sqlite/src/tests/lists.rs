//! How much one step of a list reads.

use spiderq_core::{
    limits::MAX_BATCH,
    model::{FieldSelection, Filter, JsonText, Metadata, Millis, ProjectId, State, StateSet},
    store::{JobStore as _, NewJob, QueueStore as _},
};

use super::{super::SqliteStore, job};

const JOBS: usize = 5;
/// Two of them fill a page.
const LARGE: usize = 700 << 10;

/// Else whoever may read could keep a connection busy with as many MiB as jobs that a step looks at.
#[tokio::test]
async fn jobs_that_do_not_match_use_up_the_room_of_a_step() {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(&folder.path().join("store.db")).unwrap();
    let project = ProjectId::new(1).unwrap();
    let arguments = format!(r#"{{"a": "{}"}}"#, "x".repeat(LARGE));
    let mut metadata = Metadata::default();
    metadata.set("spider_args", JsonText::parse(&arguments).unwrap());
    let jobs = vec![NewJob { metadata, ..job(State::Pending) }; JOBS];
    store.push(project, jobs, Millis(1), None).await.unwrap();
    let arguments = [("a".to_owned(), "y".to_owned())].into();
    let mut filter = Filter { spider_args: arguments, states: StateSet::ALL, ..Filter::default() };
    let mut steps = 0;
    loop {
        let step = store.page(project, &filter, MAX_BATCH, &FieldSelection::Row).await.unwrap();
        assert_eq!(step.jobs, []);
        steps += 1;
        match step.next {
            Some(next) => filter.until = Some(next),
            None => break,
        }
    }
    assert_eq!(steps, JOBS.div_ceil(2));
}
