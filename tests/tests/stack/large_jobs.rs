//! Lists of jobs with as much metadata as a job may have: what they answer, and what they hold while
//! nobody reads them.

use futures::{StreamExt as _, future::join_all};
use spiderq_core::{
    MemoryBudget,
    limits::{MAX_PAGE_BYTES, MAX_PAGE_SIZE},
};
use spiderq_proto::v1::{
    JobFilter, JobView, ListJobsRequest, ListQueueRequest, NewJob, PushJobsRequest, Role,
    SummarizeQueueRequest,
};
use spiderq_tests::{Grpc, Stack, eventually, job_of};
use tonic::{Code, codec::CompressionEncoding::Gzip};

use crate::on_each_store;

const MIB: usize = 1 << 20;
const JOBS: u64 = 20;

/// Twenty jobs of a MiB each, numbered 1/1/1 and so on.
async fn push(stack: &Stack) {
    let large = NewJob {
        metadata_json: [("x".to_owned(), format!("\"{}\"", "x".repeat(MIB - 3)))].into(),
        ..job_of("s")
    };
    // A push takes three times its size of the memory.
    for _ in 0..JOBS {
        let jobs = vec![large.clone()];
        let request = PushJobsRequest { project: 1, jobs, ..PushJobsRequest::default() };
        stack.grpc().queue().push_jobs(request).await.unwrap();
    }
}

fn expected() -> Vec<String> {
    (1..=JOBS).rev().map(|number| format!("1/1/{number}")).collect()
}

/// A client with the limits of its library; a response counts before it is compressed.
#[tokio::test]
async fn pages_of_large_jobs_fit_what_clients_take() {
    on_each_store(async |kind| {
        let stack = Stack::start(kind).await;
        push(&stack).await;
        let mut jobs = stack.grpc().jobs().accept_compressed(Gzip);
        let filters = [None, Some(JobFilter { keys: expected(), ..JobFilter::default() })];
        for filter in filters {
            let mut request = ListJobsRequest {
                project: 1,
                page_size: MAX_PAGE_SIZE as i32,
                view: JobView::Full.into(),
                filter,
                ..ListJobsRequest::default()
            };
            let mut listed = Vec::new();
            loop {
                let page = jobs.list_jobs(request.clone()).await.unwrap().into_inner();
                assert!((1..=MAX_PAGE_BYTES / MIB).contains(&page.jobs.len()));
                listed.extend(page.jobs.into_iter().map(|job| job.key));
                if page.next_page_token.is_empty() {
                    break;
                }
                request.page_token = page.next_page_token;
            }
            assert_eq!(listed, expected());
        }
    })
    .await;
}

#[tokio::test]
async fn streams_and_summaries_of_large_jobs_are_whole() {
    on_each_store(async |kind| {
        let stack = Stack::start(kind).await;
        push(&stack).await;
        let filter = Some(JobFilter { keys: expected(), ..JobFilter::default() });
        let view = JobView::Full.into();
        let list = ListQueueRequest { project: 1, filter, view, ..ListQueueRequest::default() };
        let rows = stack.grpc().queue().list_queue(list).await.unwrap().into_inner();
        let keys = rows.map(|row| row.unwrap().job.unwrap().key).collect::<Vec<_>>().await;
        assert_eq!(keys, expected());
        let summarize = SummarizeQueueRequest {
            project: 1,
            jobs_per_state: Some(1_000),
            metadata_fields: vec!["x".to_owned()],
            ..SummarizeQueueRequest::default()
        };
        let summary = stack.grpc().queue().summarize_queue(summarize).await.unwrap().into_inner();
        let pending = &summary.states[0];
        assert_eq!((pending.count, pending.jobs.len()), (20, 1));
        assert_eq!(pending.jobs[0].metadata_json["x"].len(), MIB - 1);
        for path in [
            format!("/api/jobs/list.json?project=1&count={}", u64::MAX),
            "/jobq/1/list?state=pending&jobmeta=x&count=1000000".to_owned(),
        ] {
            let text = stack.http().get(&path).await.ok().text();
            assert_eq!(text.matches("\"1/1/").count(), 20, "{path}");
        }
    })
    .await;
}

/// Each of the lists has a window of its own that is soon full; another owner sees nothing of it.
#[tokio::test]
async fn lists_that_nobody_reads_hold_no_more_than_their_owners_half() {
    on_each_store(async |kind| {
        let memory = MemoryBudget::new(32 * MIB);
        let stack = Stack::with_memory(kind, memory.clone()).await;
        push(&stack).await;
        let ann = Grpc::new(&stack.url, &stack.create_key("ann", Role::Read, &[1]).await);
        let bob = Grpc::new(&stack.url, &stack.create_key("bob", Role::Read, &[1]).await);
        let view = JobView::Full.into();
        let list = ListQueueRequest { project: 1, view, ..ListQueueRequest::default() };
        let lists = join_all((0..40).map(|_| {
            let (list, mut queue) = (list.clone(), ann.queue());
            async move { queue.list_queue(list).await }
        }))
        .await;
        let refused: Vec<Code> =
            lists.iter().filter_map(|list| list.as_ref().err()).map(tonic::Status::code).collect();
        let expected = vec![Code::ResourceExhausted; refused.len()];
        assert!(refused.len() > 20 && refused == expected, "{refused:?}");
        assert!((8 * MIB..=16 * MIB).contains(&memory.used()), "{}", memory.used());
        let view = JobView::Full.into();
        let page = ListJobsRequest { project: 1, view, ..ListJobsRequest::default() };
        let page = bob.jobs().list_jobs(page).await.unwrap().into_inner();
        assert!(!page.jobs.is_empty());
        drop(lists);
        let freed = async || (memory.used() == 0).then_some(());
        eventually("what nobody reads any more is held", freed).await;
    })
    .await;
}
