//! Lists and summaries of large jobs by a key that may read: several at a time, and lists whose
//! reader takes nothing. They take no more than the memory of responses, and hold up nobody else.

use futures::future::join_all;
use spiderq_proto::v1::{
    CreateApiKeyRequest, JobView, ListJobsRequest, ListQueueRequest, NewJob, PushJobsRequest, Role,
    SummarizeQueueRequest, job_queue_service_client::JobQueueServiceClient,
    job_service_client::JobServiceClient,
};
use spiderq_tests::{Grpc, Stack, StoreKind, job_of};
use tokio::time::{Instant, sleep_until};
use tonic::{
    Code, Request, Status,
    codec::CompressionEncoding::Gzip,
    metadata::{Ascii, MetadataValue},
    transport::{Channel, Endpoint},
};

use crate::victim::{Victim, attack_time};

/// The project of the large jobs: that of the well-behaved client is another.
const PROJECT: i64 = 9;
const MIB: usize = 1 << 20;
/// Jobs of nearly a MiB.
const LARGE_JOBS: usize = 40;
const PUSHED_AT_A_TIME: usize = 10;
const LISTS_AT_A_TIME: usize = 4;
/// More than there is memory for.
const UNREAD_LISTS: usize = 40;

/// A connection and a key of role `read`.
struct Reader {
    channel: Channel,
    bearer: MetadataValue<Ascii>,
}

impl Reader {
    /// A reader of large jobs, which this makes. Of a stream it takes so many bytes before it reads
    /// any (`None`: as many as usual).
    async fn start(victim: &Victim, window: Option<u32>) -> Self {
        let admin = Grpc::new(victim.url(), Stack::KEY);
        let value = format!("\"{}\"", "x".repeat(MIB - 1_000));
        let large = NewJob { metadata_json: [("x".to_owned(), value)].into(), ..job_of("s") };
        for _ in 0..LARGE_JOBS / PUSHED_AT_A_TIME {
            let jobs = vec![large.clone(); PUSHED_AT_A_TIME];
            let push = PushJobsRequest { project: PROJECT, jobs, request_id: String::new() };
            admin.queue().push_jobs(push).await.unwrap();
        }
        let request = CreateApiKeyRequest {
            owner: "reader".to_owned(),
            role: Role::Read.into(),
            projects: vec![PROJECT],
            ..CreateApiKeyRequest::default()
        };
        let key = admin.api_keys().create_api_key(request).await.unwrap().into_inner().secret;
        let endpoint = Endpoint::from_shared(victim.url().to_owned()).unwrap();
        let channel = endpoint.initial_stream_window_size(window).connect().await.unwrap();
        Self { channel, bearer: format!("Bearer {key}").parse().unwrap() }
    }

    fn request<T>(&self, message: T) -> Request<T> {
        let mut request = Request::new(message);
        request.metadata_mut().insert("authorization", self.bearer.clone());
        request
    }

    fn jobs(&self) -> JobServiceClient<Channel> {
        JobServiceClient::new(self.channel.clone())
            .accept_compressed(Gzip)
            .max_decoding_message_size(64 * MIB)
    }

    fn queue(&self) -> JobQueueServiceClient<Channel> {
        JobQueueServiceClient::new(self.channel.clone())
            .accept_compressed(Gzip)
            .max_decoding_message_size(64 * MIB)
    }

    async fn list(&self) -> Result<(), Status> {
        let request = self.request(ListJobsRequest {
            project: PROJECT,
            page_size: 1_000,
            view: JobView::Full.into(),
            ..ListJobsRequest::default()
        });
        self.jobs().list_jobs(request).await.map(|_| ())
    }

    async fn summarize(&self) -> Result<(), Status> {
        let request = self.request(SummarizeQueueRequest {
            project: PROJECT,
            metadata_fields: vec!["x".to_owned()],
            ..SummarizeQueueRequest::default()
        });
        self.queue().summarize_queue(request).await.map(|_| ())
    }

    /// Some calls at once, again and again; how many were answered. One that finds no memory is
    /// refused, and one that the store has no time for.
    async fn again_and_again<F>(&self, call: impl Fn() -> F) -> usize
    where
        F: Future<Output = Result<(), Status>>,
    {
        let end = Instant::now() + attack_time();
        let callers = (0..LISTS_AT_A_TIME).map(async |_| {
            let mut answered = 0;
            while Instant::now() < end {
                match call().await {
                    Ok(()) => answered += 1,
                    Err(refused) => assert!(is_refusal(&refused), "{refused}"),
                }
            }
            answered
        });
        join_all(callers).await.into_iter().sum()
    }

    /// Lists that are begun and not read; how many the server took.
    async fn hold_lists(&self) -> usize {
        let lists = (0..UNREAD_LISTS).map(async |_| {
            let request = self.request(ListQueueRequest {
                project: PROJECT,
                view: JobView::Full.into(),
                ..ListQueueRequest::default()
            });
            let list = self.queue().list_queue(request).await;
            list.inspect_err(|refused| assert!(is_refusal(refused), "{refused}")).ok()
        });
        let held: Vec<_> = join_all(lists).await.into_iter().flatten().collect();
        sleep_until(Instant::now() + attack_time()).await;
        held.len()
    }
}

fn is_refusal(status: &Status) -> bool {
    matches!(status.code(), Code::ResourceExhausted | Code::Unavailable)
}

#[tokio::test]
async fn reads_of_large_jobs() {
    for kind in StoreKind::ALL {
        let victim = Victim::start(kind, &[]).await;
        let reader = Reader::start(&victim, None).await;
        let attack = reader.again_and_again(|| reader.list());
        let (answered, report) = victim.under("pages of large jobs, four at a time", attack).await;
        assert!(answered > 0);
        report.assert_unharmed();
        let attack = reader.again_and_again(|| reader.summarize());
        let (answered, report) = victim.under("summaries of large jobs", attack).await;
        assert!(answered > 0);
        report.assert_unharmed();
    }
}

#[tokio::test]
async fn lists_whose_reader_takes_nothing() {
    for kind in StoreKind::ALL {
        let victim = Victim::start(kind, &[]).await;
        let reader = Reader::start(&victim, Some(1)).await;
        let (held, report) = victim.under("40 unread lists", reader.hold_lists()).await;
        assert!((10..UNREAD_LISTS).contains(&held), "{held}");
        report.assert_unharmed();
    }
}
