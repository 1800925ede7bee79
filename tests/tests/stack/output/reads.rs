//! Reading, counting and following.

use spiderq_proto::v1::{GetOutputStatsRequest, GetOutputStatsResponse, OutputStats, Timestamp};
use spiderq_tests::{Stack, StoreKind};
use tonic::Code;

use super::*;
use crate::{helpers::NOW, on_each_store};

#[tokio::test]
async fn readers_choose_by_offset_level_and_text() {
    let stack = Stack::at(StoreKind::Sqlite, NOW).await;
    let grpc = stack.grpc();
    let key = key_of(&started(&grpc).await);
    let mut texts = logs(0..10);
    (texts[3], texts[6]) = (log(3, 40), log(6, 30));
    append(&grpc, &key, "", 0, &texts).await.unwrap();
    let of = |change: fn(&mut ReadOutputRequest)| {
        let mut request = read(&key);
        change(&mut request);
        request
    };
    for (request, expected) in [
        (of(|it| it.start_offset = 7), vec![7, 8, 9]),
        (of(|it| (it.start_offset, it.limit) = (2, 2)), vec![2, 3]),
        (of(|it| it.tail = 2), vec![8, 9]),
        (of(|it| it.min_level = 30), vec![3, 6]),
        (of(|it| (it.min_level, it.tail) = (30, 1)), vec![6]),
        (of(|it| it.contains = "line 5".to_owned()), vec![5]),
        (of(|it| it.regex = "line [57]$".to_owned()), vec![5, 7]),
        (of(|it| it.start_offset = 10), vec![]),
    ] {
        let (found, attempt, _) = all(&grpc, request.clone()).await;
        let offsets: Vec<i64> = found.iter().map(|(offset, _)| *offset).collect();
        assert_eq!((offsets, attempt), (expected, 1), "{request:?}");
    }
    for (request, message) in [
        (of(|it| it.kind = 0), "kind: must be logs, items, requests or samples"),
        (of(|it| it.start_offset = -1), "start_offset: must not be negative"),
        (of(|it| it.tail = 100_001), "tail: must be at most 100000"),
        (of(|it| it.attempt = Some(2)), "attempt: must be at most 1, the job's last one"),
        (of(|it| it.attempt = Some(-1)), "attempt: must not be negative"),
        (
            of(|it| it.regex = "(".to_owned()),
            "regex: must be a regular expression in the syntax of RE2",
        ),
        (of(|it| it.contains = "x".repeat(1_025)), "contains: must be at most 1024 bytes"),
        (
            of(|it| (it.kind, it.min_level) = (OutputKind::Items.into(), 10)),
            "min_level: must be 0 for items, which have no levels",
        ),
    ] {
        let refused = grpc.output().read_output(request).await.unwrap_err();
        assert_eq!((refused.code(), refused.message()), (Code::InvalidArgument, message));
    }
    let missing = grpc.output().read_output(read("53/9/9")).await.unwrap_err();
    assert_eq!((missing.code(), missing.message()), (Code::NotFound, "there is no job 53/9/9"));
}

#[tokio::test]
async fn outputs_are_told_in_numbers() {
    on_each_store(async |kind| {
        let stack = Stack::at(kind, NOW).await;
        let grpc = stack.grpc();
        let key = key_of(&started(&grpc).await);
        let stats = async || {
            let request = GetOutputStatsRequest { key: key.clone(), attempt: None };
            grpc.output().get_output_stats(request).await.unwrap().into_inner()
        };
        let none = GetOutputStatsResponse { outputs: vec![], attempt: 1 };
        assert_eq!(stats().await, none);
        append(&grpc, &key, "", 0, &[log(1_500, 20), log(2_000, 40)]).await.unwrap();
        let mut items =
            lines(&key, "", 0, &[r#"{"a":1,"b":2}"#.to_owned(), r#"{"a":3}"#.to_owned()]);
        items.kind = OutputKind::Items.into();
        grpc.output().append_output(items).await.unwrap();
        let counts = |pairs: [(&str, i64); 2]| pairs.map(|(name, n)| (name.to_owned(), n)).into();
        let logs = OutputStats {
            kind: OutputKind::Logs.into(),
            lines: 2,
            bytes: 2 * log(1_500, 20).len() as i64,
            counts: counts([("20", 1), ("40", 1)]),
            first_time: Some(Timestamp { seconds: 1, nanos: 500_000_000 }),
            last_time: Some(Timestamp { seconds: 2, nanos: 0 }),
        };
        let items = OutputStats {
            kind: OutputKind::Items.into(),
            lines: 2,
            bytes: 20,
            counts: counts([("a", 2), ("b", 1)]),
            ..OutputStats::default()
        };
        let expected = GetOutputStatsResponse { outputs: vec![logs, items], attempt: 1 };
        assert_eq!(stats().await, expected);
    })
    .await;
}

/// Two servers on one Redis and one folder: lines come to either, and a follower of each gets all.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn followers_get_lines_that_another_server_took() {
    let stack = Stack::start(StoreKind::Redis).await;
    let another = stack.another().await;
    let servers = [stack.grpc(), another.grpc()];
    let key = key_of(&started(&servers[0]).await);
    let mut followers = Vec::new();
    for server in &servers {
        let follow = ReadOutputRequest { follow: true, ..read(&key) };
        let mut stream = begin(server, follow).await;
        // It follows from here on.
        let first = stream.message().await.unwrap().unwrap();
        assert_eq!((first.lines.len(), first.next_offset, first.attempt), (0, 0, 1));
        followers.push(stream);
    }
    let texts = logs(0..40);
    for (at, text) in texts.iter().enumerate() {
        append(&servers[at % 2], &key, "", at as i64, std::slice::from_ref(text)).await.unwrap();
        if at % 10 == 0 {
            // Each line comes while the stream stays open.
            for stream in &mut followers {
                loop {
                    let response = stream.message().await.unwrap().unwrap();
                    if response.next_offset > at as i64 {
                        break;
                    }
                }
            }
        }
    }
    finish(&servers[0], &key).await;
    for mut stream in followers {
        let mut next = 0;
        while let Some(response) = stream.message().await.unwrap() {
            next = response.next_offset;
        }
        assert_eq!(next, 40);
    }
    assert_eq!(all(&servers[1], read(&key)).await, (numbered(&texts), 1, 40));
}

#[tokio::test]
async fn a_follower_hears_that_its_server_stops() {
    let mut stack = Stack::start(StoreKind::Sqlite).await;
    let grpc = stack.grpc();
    let key = key_of(&started(&grpc).await);
    append(&grpc, &key, "", 0, &logs(0..2)).await.unwrap();
    let mut stream = begin(&grpc, ReadOutputRequest { follow: true, ..read(&key) }).await;
    while stream.message().await.unwrap().unwrap().next_offset < 2 {}
    let running = stack.running.take().unwrap();
    let (end, ()) = tokio::join!(stream.message(), running.shutdown());
    let end = end.unwrap_err();
    assert_eq!(
        (end.code(), end.message()),
        (Code::Unavailable, "the server is stopping, resume at the cursor")
    );
}
