//! Job metadata: values are passed on byte for byte, both ways.

use spiderq_proto::v1::*;

use crate::{fake::Fake, fields, job};

const STATS: &str =
    r#"{"finish_time": 1566311822568.0,"n":18446744073709551616,"e":"\u00e9\/","l":[ ],"z":null}"#;

fn stored() -> GetJobResponse {
    GetJobResponse {
        job: Some(Job {
            metadata_json: fields(&[("scrapystats", STATS), ("a b", "[]")]),
            ..job("1/2/3")
        }),
    }
}

#[tokio::test]
async fn the_whole_object_has_values_byte_for_byte() {
    let fake = Fake::default().responds(stored());
    let reply = fake.get("/jobs/1/2/3").await;
    let expected = format!(
        "{{\"a b\":[],\"priority\":2,\"project\":1,\"scrapystats\":{STATS},\"spider\":\"s\",\
         \"state\":\"finished\",\"tags\":[],\"units\":1}}"
    );
    let line = format!("{expected}\n");
    assert_eq!(reply.code_and_body(), (200, line.as_str()));
    assert_eq!(reply.header("content-type"), Some("application/x-jsonlines"));
    assert_eq!(fake.request::<GetJobRequest>().key, "1/2/3");

    let array = format!("[{expected}]");
    for (query, accept, body) in [
        ("", "application/json", &array),
        ("?format=json", "*/*", &array),
        ("?format=jl", "application/json", &line),
    ] {
        let path = format!("/jobs/1/2/3{query}");
        let headers = [("accept", accept)];
        let reply = Fake::default().responds(stored()).with("GET", &path, &headers, "").await;
        assert_eq!(reply.code_and_body(), (200, body.as_str()), "{path}");
    }
}

#[tokio::test]
async fn a_job_that_does_not_exist_is_a_list_of_none() {
    let missing = || tonic::Status::not_found("there is no job 1/2/3");
    for (path, content_type, body) in [
        ("/jobs/1/2/3", "application/x-jsonlines", ""),
        ("/jobs/1/2/3?format=json", "application/json", "[]"),
        ("/jobs/1/2/3/state", "application/json", "null"),
    ] {
        let reply = Fake::default().responds(missing()).get(path).await;
        assert_eq!(reply.code_and_body(), (200, body), "{path}");
        assert_eq!(reply.header("content-type"), Some(content_type));
    }
    let reply = Fake::default().responds(missing()).get("/jobs/1/2/3/auth").await;
    assert_eq!(reply.code, 404);
    let reply = Fake::default().responds(missing()).post("/jobs/1/2/3", "{}").await;
    assert_eq!(reply.code, 404);
}

#[tokio::test]
async fn a_field_is_its_value_or_null() {
    for (path, value) in [
        ("/jobs/1/2/3/scrapystats", STATS),
        ("/jobs/1/2/3/a%20b/", "[]"),
        ("/jobs/1/2/3/state", "\"finished\""),
        ("/jobs/1/2/3/nothing", "null"),
    ] {
        let reply = Fake::default().responds(stored()).get(path).await;
        assert_eq!(reply.code_and_body(), (200, value), "{path}");
    }
}

#[tokio::test]
async fn post_merges_an_object() {
    let fake = Fake::default();
    let body = format!("{{\"scrapystats\":{STATS}, \"a\": 1,\"a\": 2.0 }}");
    let reply = fake.with("POST", "/jobs/1/2/3", &[("content-type", "text/json")], body).await;
    assert_eq!(reply.code_and_body(), (200, ""));
    let expected = SetJobMetadataRequest {
        key: "1/2/3".to_owned(),
        metadata_json: fields(&[("a", "2.0"), ("scrapystats", STATS)]),
        ..SetJobMetadataRequest::default()
    };
    assert_eq!(fake.request::<SetJobMetadataRequest>(), expected);
}

#[tokio::test]
async fn post_to_a_field_sets_it() {
    for (path, field, value) in [
        ("/jobs/1/2/3/a%2Fb%C3%A9", "a/bé", "1566311822568.0"),
        ("/jobs/1/2/3/a/b", "a/b", "\"x\""),
        ("/jobs/1/2/3/auth", "auth", "null"),
    ] {
        let fake = Fake::default();
        assert_eq!(fake.post(path, value).await.code_and_body(), (200, ""));
        let request = fake.request::<SetJobMetadataRequest>();
        assert_eq!(request.metadata_json, fields(&[(field, value)]));
    }
}

#[tokio::test]
async fn delete_takes_a_field_or_the_job() {
    let fake = Fake::default();
    let reply = fake.with("DELETE", "/jobs/1/2/3/my-meta", &[], "").await;
    assert_eq!(reply.code_and_body(), (200, ""));
    let expected = DeleteJobMetadataRequest {
        key: "1/2/3".to_owned(),
        field: "my-meta".to_owned(),
        ..DeleteJobMetadataRequest::default()
    };
    assert_eq!(fake.request::<DeleteJobMetadataRequest>(), expected);

    let fake = Fake::default();
    assert_eq!(fake.with("DELETE", "/jobs/1/2/3/", &[], "").await.code_and_body(), (200, ""));
    assert_eq!(fake.request::<PurgeJobRequest>().key, "1/2/3");
}

#[tokio::test]
async fn auth_is_the_token_of_the_job() {
    let fake = Fake::default().responds(GetJobTokenResponse { token: "T.\"".to_owned() });
    assert_eq!(fake.get("/jobs/1/2/3/auth").await.code_and_body(), (200, r#""T.\"""#));
    assert_eq!(fake.request::<GetJobTokenRequest>().key, "1/2/3");
}
