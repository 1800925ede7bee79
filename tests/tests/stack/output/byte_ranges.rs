//! Parts of a download, as a client asks for them that goes on after a connection that broke.

use hyper::Method;
use spiderq_tests::{Http, Response, Stack};

use super::*;
use crate::on_each_store;

async fn part(http: &Http, path: &str, headers: &[(&str, &str)]) -> Response {
    http.send(Method::GET, path, headers, "").await
}

fn header(response: &Response, name: &str) -> String {
    response.headers.get(name).map(|value| value.to_str().unwrap().to_owned()).unwrap_or_default()
}

#[tokio::test]
async fn a_download_goes_on_where_it_was_broken_off() {
    on_each_store(async |kind| {
        let stack = Stack::start(kind).await;
        let (grpc, http) = (stack.grpc(), stack.http());
        let key = key_of(&started(&grpc).await);
        append(&grpc, &key, "", 0, &logs(0..2_000)).await.unwrap();
        let base = format!("/logs/{key}");
        for path in [
            base.clone(),
            format!("{base}?count=10&start=5"),
            format!("{base}?format=text&contains=7"),
            format!("{base}?format=csv&include_headers=1"),
            format!("{base}?format=msgpack&meta=_key"),
            format!("{base}?index=3&index=5"),
        ] {
            let whole = http.get(&path).await.ok();
            assert_eq!(header(&whole, "accept-ranges"), "bytes", "{path}");
            let total = whole.body.len();
            let middle = total / 3;
            for (range, expected) in [
                (format!("bytes={middle}-"), middle..total),
                (format!("bytes=0-{middle}"), 0..middle + 1),
                ("bytes=-7".to_owned(), total - 7..total),
            ] {
                let got = part(&http, &path, &[("range", &range)]).await;
                let content = format!("bytes {}-{}/{total}", expected.start, expected.end - 1);
                assert_eq!((got.status, header(&got, "content-range")), (206, content), "{path}");
                assert_eq!(got.body, whole.body[expected.clone()], "{range} of {path}");
                assert_eq!(header(&got, "content-length"), expected.len().to_string());
                assert_eq!(header(&got, "content-type"), header(&whole, "content-type"));
            }
            let beyond = part(&http, &path, &[("range", &format!("bytes={total}-"))]).await;
            let content = format!("bytes */{total}");
            assert_eq!((beyond.status, header(&beyond, "content-range")), (416, content));
        }
        // More lines only add to the end. A part is never compressed: its numbers are those of the
        // lines as they are.
        let first = part(&http, &base, &[("range", "bytes=0-99")]).await.body;
        append(&grpc, &key, "", 2_000, &logs(2_000..3_000)).await.unwrap();
        let headers = [("range", "bytes=100-"), ("accept-encoding", "gzip")];
        let rest = part(&http, &base, &headers).await;
        assert_eq!((rest.status, header(&rest, "content-encoding")), (206, String::new()));
        let whole = http.get(&base).await.ok();
        assert_eq!([first, rest.body].concat(), whole.body);
    })
    .await;
}

/// What ends otherwise once there are more lines, or is asked for under a condition, comes whole.
#[tokio::test]
async fn what_has_no_parts_comes_whole() {
    on_each_store(async |kind| {
        let stack = Stack::start(kind).await;
        let (grpc, http) = (stack.grpc(), stack.http());
        let key = key_of(&started(&grpc).await);
        append(&grpc, &key, "", 0, &logs(0..10)).await.unwrap();
        for path in [format!("/logs/{key}?format=json"), format!("/logs/{key}?format=xml")] {
            let whole = http.get(&path).await.ok();
            assert_eq!(header(&whole, "accept-ranges"), "", "{path}");
            let got = part(&http, &path, &[("range", "bytes=3-")]).await;
            assert_eq!((got.status, &got.body), (200, &whole.body), "{path}");
        }
        let path = format!("/logs/{key}");
        let whole = http.get(&path).await.ok().body;
        for headers in [
            [("range", "bytes=1-"), ("if-range", "\"x\"")],
            [("range", "bytes=1-2,4-5"), ("x-any", "x")],
            [("range", "lines=1-"), ("x-any", "x")],
        ] {
            let got = part(&http, &path, &headers).await;
            assert_eq!((got.status, &got.body), (200, &whole), "{headers:?}");
        }
    })
    .await;
}
