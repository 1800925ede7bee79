//! A push of many jobs whose store goes out of reach in the middle: the caller learns which jobs
//! are done, which may be, and which were not tried.

use spiderq_proto::v1::{NewJob, PushJobsRequest, pushed_job};
use spiderq_tests::{Stack, StoreKind, item_error, job_of};
use tonic::Code;
use tonic_types::RpcStatusExt as _;

/// Jobs that go to the store in one step.
const STEP: usize = 100;
/// More than [`limit_memory`] leaves for a step.
const LARGE: usize = 60_000;

/// A text that stays about as large when it is compressed.
fn large() -> String {
    let mut number: u64 = 1;
    let letter = || {
        number = number.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        u8::try_from(number >> 58).map_or('z', |six_bits| char::from(b'0' + six_bits))
    };
    let text: String = std::iter::repeat_with(letter).take(LARGE).collect();
    text.replace('\\', "z")
}

/// Four steps, of which the second finds no room.
fn jobs() -> Vec<NewJob> {
    let large = format!("\"{}\"", large());
    let job = |number: usize| {
        let is_large = number / STEP == 1;
        let field = is_large.then(|| ("large".to_owned(), large.clone()));
        NewJob { metadata_json: field.into_iter().collect(), ..job_of("s") }
    };
    (0..4 * STEP).map(job).collect()
}

/// Leaves Redis room for a step of small jobs, not for one of large ones.
fn limit_memory(stack: &Stack) {
    let info: String = stack.redis().command(&["INFO", "memory"]);
    let used = info.lines().find_map(|line| line.strip_prefix("used_memory:")).unwrap();
    let most = used.trim().parse::<usize>().unwrap() + STEP * LARGE / 2;
    stack.redis().command::<()>(&["CONFIG", "SET", "maxmemory", &most.to_string()]);
}

fn give_room(stack: &Stack) {
    stack.redis().command::<()>(&["CONFIG", "SET", "maxmemory", "0"]);
}

/// What became of each job: its key, or the reason and the text of its error.
async fn push(stack: &Stack, request_id: &str) -> Vec<Result<String, (String, String)>> {
    let request = PushJobsRequest { project: 53, jobs: jobs(), request_id: request_id.to_owned() };
    let pushed = stack.grpc().queue().push_jobs(request).await.unwrap().into_inner();
    let result = |result| match result {
        Some(pushed_job::Result::Added(job)) => Ok(job.key),
        Some(pushed_job::Result::Error(error)) => {
            let (code, reason, text) = item_error(&error);
            assert_eq!(code, Code::Unavailable);
            assert!(error.get_details_retry_info().is_some());
            Err((reason, text))
        }
        None => panic!("no result"),
    };
    pushed.results.into_iter().map(|pushed| result(pushed.result)).collect()
}

fn key(number: usize) -> String {
    format!("53/1/{}", number + 1)
}

const UNKNOWN: &str = "no answer came, this may have been done; look before trying again";
const NOT_TRIED: &str = "the store is unavailable, try again";

#[tokio::test]
async fn jobs_that_may_have_been_pushed_are_told_from_those_that_were_not_tried() {
    let stack = Stack::start(StoreKind::Redis).await;
    limit_memory(&stack);
    let expected = (0..4 * STEP).map(|number| match number / STEP {
        0 => Ok(key(number)),
        1 => Err(("OUTCOME_UNKNOWN".to_owned(), UNKNOWN.to_owned())),
        _ => Err(("STORE_UNAVAILABLE".to_owned(), NOT_TRIED.to_owned())),
    });
    assert_eq!(push(&stack, "once").await, expected.collect::<Vec<_>>());
    // Under its request id the same call adds the others, and none twice.
    give_room(&stack);
    for _ in 0..2 {
        let all: Vec<_> = (0..4 * STEP).map(|number| Ok(key(number))).collect();
        assert_eq!(push(&stack, "once").await, all);
    }
}

#[tokio::test]
async fn lines_of_a_push_say_the_same() {
    let stack = Stack::start(StoreKind::Redis).await;
    limit_memory(&stack);
    let large = large();
    let line = |number: usize| match number / STEP {
        1 => format!("{{\"spider\":\"s\",\"large\":\"{large}\"}}\n"),
        _ => "{\"spider\":\"s\"}\n".to_owned(),
    };
    let lines: String = (0..4 * STEP).map(line).collect();
    let answer = stack.http().post("/jobq/53/push", lines).await.ok();
    let (keys, errors) = (answer.column("key"), answer.column("error"));
    for number in 0..4 * STEP {
        let expected = match number / STEP {
            0 => (key(number).into(), serde_json::Value::Null),
            1 => (serde_json::Value::Null, UNKNOWN.into()),
            _ => (serde_json::Value::Null, NOT_TRIED.into()),
        };
        assert_eq!((&keys[number], &errors[number]), (&expected.0, &expected.1), "{number}");
    }
}
