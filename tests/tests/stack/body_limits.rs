//! Bodies of HTTP requests that are too large, as sent or after decompression.

use http::Method;
use spiderq_tests::Stack;

#[tokio::test]
async fn a_body_beyond_the_limit_is_413_in_each_family() {
    let stack = Stack::start(spiderq_tests::StoreKind::Sqlite).await;
    let big = "x".repeat((16 << 20) + 1);
    let storage = stack.http().post("/jobq/1/push", big.clone()).await;
    assert_eq!(storage.status, 413, "{storage}");
    assert_eq!(storage.json()["error"], "Payload Too Large");
    let dash = stack.http().form("/api/run.json", &[("big", &big)]).await;
    assert_eq!(dash.status, 413, "{dash}");
    assert_eq!(dash.json()["status"], "error");
}

#[tokio::test]
async fn a_small_body_that_inflates_beyond_the_limit_is_413() {
    let stack = Stack::start(spiderq_tests::StoreKind::Sqlite).await;
    let zeros = vec![b' '; 64 << 20];
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    std::io::Write::write_all(&mut gzip, &zeros).unwrap();
    let headers = [("content-encoding", "gzip")];
    let path = "/jobq/1/push";
    let http = stack.http();
    let answer = http.send(Method::POST, path, &headers, gzip.finish().unwrap());
    assert_eq!(answer.await.status, 413);
}
