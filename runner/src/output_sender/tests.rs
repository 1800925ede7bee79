use std::{
    collections::{BTreeMap, VecDeque},
    path::Path,
    sync::Mutex,
};

use spiderq_proto::v1::{
    AppendOutputRequest, AppendOutputResponse,
    job_output_service_server::{JobOutputService, JobOutputServiceServer},
};
use tonic::{
    Code, Request, Response, Status,
    transport::{Endpoint, Server, server::TcpIncoming},
};
use tonic_types::{ErrorDetails, StatusExt as _};

use super::*;
use crate::{
    output_files::{Output, OutputFiles},
    spool_record::Owner,
};

/// What goes wrong with a call.
#[derive(Debug)]
enum Fault {
    /// It is refused.
    Refused(Status),
    /// Its lines are stored and the response is lost.
    ResponseLost,
}

/// A server that stores lines as `JobOutputService` promises to.
#[derive(Debug, Default)]
struct Fake {
    stored: Mutex<BTreeMap<i32, Vec<String>>>,
    faults: Mutex<VecDeque<Fault>>,
}

impl Fake {
    fn store(&self, request: AppendOutputRequest) -> Result<i64, Status> {
        let mut stored = self.stored.lock().unwrap();
        let lines = stored.entry(request.kind).or_default();
        let start = usize::try_from(request.start_offset).unwrap();
        if start > lines.len() && !request.lines.is_empty() {
            return Err(Status::failed_precondition("a gap"));
        }
        let known = lines.len() - start.min(lines.len());
        let new = request.lines.into_iter().skip(known);
        lines.extend(new.map(|line| String::from_utf8(line.into()).unwrap()));
        Ok(i64::try_from(lines.len()).unwrap())
    }

    fn stored(&self, kind: OutputKind) -> Vec<String> {
        self.stored.lock().unwrap().get(&kind.into()).cloned().unwrap_or_default()
    }
}

/// The server's end, which shares the fake with the test.
struct Shared(Arc<Fake>);

#[tonic::async_trait]
impl JobOutputService for Shared {
    async fn append_output(
        &self,
        request: Request<AppendOutputRequest>,
    ) -> Result<Response<AppendOutputResponse>, Status> {
        let request = request.into_inner();
        let fault = self.0.faults.lock().unwrap().pop_front();
        if let Some(Fault::Refused(status)) = fault {
            return Err(status);
        }
        let next_offset = self.0.store(request)?;
        match fault {
            Some(_) => Err(Status::unavailable("the connection broke")),
            None => Ok(Response::new(AppendOutputResponse { next_offset })),
        }
    }
}

async fn serve(faults: Vec<Fault>) -> (Arc<Fake>, Client) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let fake = Arc::new(Fake { faults: Mutex::new(faults.into()), ..Fake::default() });
    let service = JobOutputServiceServer::new(Shared(Arc::clone(&fake)));
    let incoming = TcpIncoming::from(listener);
    tokio::spawn(Server::builder().add_service(service).serve_with_incoming(incoming));
    let endpoint = Endpoint::from_shared(url).unwrap();
    (fake, Client::new(endpoint, "key").unwrap())
}

fn held() -> HeldJob {
    HeldJob { project: 1, key: "1/1/1".to_owned(), fence: "secret".to_owned() }
}

/// Files in `folder` of a size that few lines fill, and what sends them.
fn start(folder: &Path, client: Client) -> (OutputFiles, OutputSender) {
    let owner = Owner::new("http://x", &held(), 1);
    let files = OutputFiles::create(&folder.join("job"), 1_000, 1 << 30, Some(&owner)).unwrap();
    let (readers, record, wake) = (files.readers(false), files.record(), files.wake());
    let sender = OutputSender::start(client, held(), readers, record, wake);
    (files, sender)
}

fn count(folder: &Path) -> usize {
    std::fs::read_dir(folder.join("job")).unwrap().count()
}

#[tokio::test]
async fn every_line_arrives_once_and_in_order_whatever_happens_to_calls() {
    let away = || Fault::Refused(Status::unavailable("away"));
    let (fake, client) =
        serve(vec![away(), Fault::ResponseLost, Fault::ResponseLost, away()]).await;
    let folder = tempfile::tempdir().unwrap();
    let (mut files, mut sender) = start(folder.path(), client);
    let mut expected = Vec::new();
    for n in 0..5_000 {
        let line = format!(r#"{{"n":{n}}}"#);
        files.write(Output::Items, &line).unwrap();
        if n % 100 == 0 {
            files.write(Output::Log, &line).unwrap();
            files.flush().unwrap();
            tokio::task::yield_now().await;
        }
        expected.push(line);
    }
    files.write(Output::Requests, r#"{"url":"x"}"#).unwrap();
    files.flush().unwrap();
    assert_eq!(sender.finish().await, Sent::All);
    assert_eq!(fake.stored(OutputKind::Items), expected);
    let logged: Vec<String> = expected.into_iter().step_by(100).collect();
    assert_eq!(fake.stored(OutputKind::Logs), logged);
    assert_eq!(fake.stored(OutputKind::Requests), [r#"{"url":"x"}"#]);
    assert!(!folder.path().join("job").exists(), "the spool is removed");
}

#[tokio::test]
async fn lines_are_sent_while_the_job_runs() {
    let (fake, client) = serve(Vec::new()).await;
    let folder = tempfile::tempdir().unwrap();
    let (mut files, mut sender) = start(folder.path(), client);
    files.write(Output::Log, "{}").unwrap();
    files.flush().unwrap();
    while fake.stored(OutputKind::Logs).is_empty() {
        tokio::task::yield_now().await;
    }
    assert_eq!(sender.finish().await, Sent::All);
    assert_eq!(fake.stored(OutputKind::Logs), ["{}"], "and not once more");
}

#[tokio::test]
async fn what_the_server_refuses_stays_in_the_spool() {
    let details = ErrorDetails::with_error_info("TOO_LARGE", "spiderq", []);
    let large = Status::with_error_details(Code::ResourceExhausted, "too large", details);
    let stale = Status::failed_precondition("the fence is stale");
    let lost = Sent::Refused("this runner no longer holds the job".to_owned());
    for (status, expected) in [(large, Sent::TooLarge), (stale, lost)] {
        let (fake, client) = serve(vec![Fault::Refused(status)]).await;
        let folder = tempfile::tempdir().unwrap();
        let (mut files, mut sender) = start(folder.path(), client);
        files.write(Output::Items, "{}").unwrap();
        files.flush().unwrap();
        if expected == Sent::TooLarge {
            sender.too_large().await;
        }
        assert_eq!(sender.finish().await, expected);
        assert!(fake.stored(OutputKind::Items).is_empty());
        assert_eq!(count(folder.path()), 3);
    }
}

#[tokio::test]
async fn a_server_that_keeps_no_output_says_so() {
    let details = ErrorDetails::with_error_info("OUTPUT_DISABLED", "spiderq", []);
    let disabled = Status::with_error_details(Code::FailedPrecondition, "none", details);
    for status in [disabled, Status::unimplemented("an older server")] {
        let (_fake, client) = serve(vec![Fault::Refused(status)]).await;
        let answer = client.append_output(&held(), OutputKind::Logs, 0, Vec::new()).await;
        assert_eq!(answer, Err(AppendError::Disabled));
    }
}
