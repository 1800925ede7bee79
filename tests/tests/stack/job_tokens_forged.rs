//! Forged and damaged job tokens (contract 7): none is accepted, over HTTP or gRPC, in any place
//! for credentials, and none changes anything.

use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE, URL_SAFE_NO_PAD as BASE64},
};
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Sha256, Sha384, Sha512};
use spiderq_proto::v1::{GetJobRequest, SetJobMetadataRequest};
use spiderq_tests::{Grpc, Http, Stack};
use tonic::Code;

use crate::on_each_store;

const SECRET: &str = "the secret that signs job tokens";
const HEADER: &str = r#"{"alg":"HS256","typ":"JWT"}"#;
const CLAIMS: &str = r#"{"aud":"job:1/1/1","attempt":1}"#;

fn mac<M: Mac + KeyInit>(secret: &[u8], text: &str) -> Vec<u8> {
    let mut mac = <M as KeyInit>::new_from_slice(secret).unwrap();
    mac.update(text.as_bytes());
    mac.finalize().into_bytes().to_vec()
}

fn sign(secret: &str, header: &str, claims: &str) -> String {
    let signed = format!("{}.{}", BASE64.encode(header), BASE64.encode(claims));
    let signature = mac::<Hmac<Sha256>>(secret.as_bytes(), &signed);
    format!("{signed}.{}", BASE64.encode(signature))
}

/// Signed with the right secret, but for another algorithm or by another header.
fn other_headers() -> Vec<String> {
    let headers = [
        r#"{"alg":"none","typ":"JWT"}"#,
        r#"{"alg":"None"}"#,
        r#"{"alg":"NONE"}"#,
        r#"{"alg":"nOnE"}"#,
        r#"{"alg":""}"#,
        r#"{"alg":null}"#,
        r#"{"alg":["HS256"]}"#,
        r#"{"alg":"HS384"}"#,
        r#"{"alg":"HS512"}"#,
        r#"{"alg":"RS256"}"#,
        r#"{"alg":"ES256"}"#,
        r#"{"alg":"hs256"}"#,
        r#"{"alg":"HS256","alg":"none"}"#,
        r#"{"alg":"none","alg":"HS256"}"#,
        r#"{"alg":"HS256","typ":"JWT","crit":["exp"]}"#,
        r#"{"typ":"JWT"}"#,
        "{}",
        "[]",
        "\"HS256\"",
        "",
        "not json",
    ];
    headers.map(|header| sign(SECRET, header, CLAIMS)).to_vec()
}

/// Signed with the right secret for claims that give nothing.
fn other_claims() -> Vec<String> {
    let claims = [
        r#"{"aud":"job:1/1/2","attempt":2}"#,
        r#"{"aud":"job:1/1/1","attempt":0}"#,
        r#"{"aud":"job:1/1/1","attempt":2}"#,
        r#"{"aud":"job:1/1/1","attempt":-1}"#,
        r#"{"aud":"job:1/1/1","attempt":1.0}"#,
        r#"{"aud":"job:1/1/1","attempt":1e0}"#,
        r#"{"aud":"job:1/1/1","attempt":"1"}"#,
        r#"{"aud":"job:1/1/1","attempt":true}"#,
        r#"{"aud":"job:1/1/1","attempt":null}"#,
        r#"{"aud":"job:1/1/1","attempt":4294967297}"#,
        r#"{"aud":"job:1/1/1","attempt":18446744073709551617}"#,
        r#"{"aud":"job:1/1/1"}"#,
        r#"{"attempt":1}"#,
        r#"{"aud":["job:1/1/1"],"attempt":1}"#,
        r#"{"aud":{"job":"1/1/1"},"attempt":1}"#,
        r#"{"aud":null,"attempt":1}"#,
        r#"{"aud":"1/1/1","attempt":1}"#,
        r#"{"aud":"job:","attempt":1}"#,
        r#"{"aud":"job:1/1","attempt":1}"#,
        r#"{"aud":"job:1/1/01","attempt":1}"#,
        r#"{"aud":"job:1/1/+1","attempt":1}"#,
        r#"{"aud":"job:1/1/1/","attempt":1}"#,
        r#"{"aud":"job:1/1/1 ","attempt":1}"#,
        r#"{"aud":" job:1/1/1","attempt":1}"#,
        r#"{"aud":"JOB:1/1/1","attempt":1}"#,
        r#"{"aud":"job:1/1/*","attempt":1}"#,
        "{\"aud\":\"job:1/1/\u{661}\",\"attempt\":1}",
        r#"{"aud":"job:1/1/9007199254740993","attempt":1}"#,
        r#"{"aud":"job:1/1/18446744073709551617","attempt":1}"#,
        r#"{"aud":"job:1/1/1","aud":"job:1/1/1","attempt":1}"#,
        r#"{"aud":"job:1/1/1","attempt":2,"attempt":1}"#,
        r#"{"sub":"job:1/1/1","iss":"admin","role":"admin","attempt":1}"#,
        "{}",
        "[]",
        "null",
        "",
    ];
    claims.map(|claims| sign(SECRET, HEADER, claims)).to_vec()
}

/// The right text with a wrong signature or none.
fn other_signatures(token: &str) -> Vec<String> {
    let [header, claims, signature] = parts(token);
    let signed = format!("{header}.{claims}");
    let secrets = ["", " ", "secret", Stack::KEY, "the secret that signs job tokenS"];
    let mut forged: Vec<String> = secrets.map(|other| sign(other, HEADER, CLAIMS)).to_vec();
    let secret = SECRET.as_bytes();
    let hs384 = BASE64.encode(mac::<Hmac<Sha384>>(secret, &signed));
    let hs512 = BASE64.encode(mac::<Hmac<Sha512>>(secret, &signed));
    let reversed = BASE64.encode(mac::<Hmac<Sha256>>(signed.as_bytes(), SECRET));
    let half = BASE64.encode(&BASE64.decode(signature).unwrap()[..16]);
    for other in ["", "AA", header, claims, &hs384, &hs512, &reversed, &half] {
        forged.push(format!("{signed}.{other}"));
    }
    let foreign = BASE64.encode(CLAIMS.replace("1/1/1", "1/1/2"));
    let none = BASE64.encode(r#"{"alg":"none"}"#);
    forged.extend([
        format!("{header}.{foreign}.{signature}"),
        format!("{none}.{claims}."),
        format!("{none}.{claims}.{signature}"),
        BASE64.encode("0".repeat(64)),
    ]);
    forged
}

/// A valid token with its parts in another order or its text in another form.
fn other_forms(token: &str) -> Vec<String> {
    let [header, claims, signature] = parts(token);
    let padded = |text: &str| URL_SAFE.encode(BASE64.decode(text).unwrap());
    let standard = |text: &str| STANDARD.encode(BASE64.decode(text).unwrap());
    vec![
        format!("{claims}.{header}.{signature}"),
        format!("{signature}.{claims}.{header}"),
        format!("{header}.{signature}"),
        format!("{header}..{signature}"),
        format!("..{signature}"),
        format!(".{token}"),
        format!("{token}."),
        format!("{token}.{signature}"),
        format!("{token}A"),
        format!("{token}="),
        format!("{header}.{claims}.{}", padded(signature)),
        format!("{header}.{claims}.{}", standard(signature)),
        format!("{header}.{}.{signature}", padded(claims)),
        format!("{header}=.{claims}.{signature}"),
        format!("{header}.{claims}.{}", not_canonical(signature)),
        format!("{header} .{claims}.{signature}"),
        format!("{header}.{claims}.{signature}%20"),
        format!("{header}\n.{claims}.{signature}"),
        format!("\u{feff}{token}"),
        format!("{token}\u{200b}"),
        token.replace('.', "\u{ff0e}"),
        token.replace('.', "%2E"),
        token.to_lowercase(),
        token.to_uppercase(),
        token[..token.len() - 1].to_owned(),
        token[1..].to_owned(),
        format!("{token}{}", "A".repeat(8_000)),
        format!("{}.{claims}.{signature}", "A".repeat(8_000)),
        format!("{}.", ".".repeat(1_000)),
        ".".to_owned(),
        "..".to_owned(),
        String::new(),
    ]
}

/// The same signature with other unused bits in its last character.
fn not_canonical(signature: &str) -> String {
    const ALPHABET: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let (start, last) = signature.split_at(signature.len() - 1);
    let place = ALPHABET.find(last).unwrap();
    format!("{start}{}", &ALPHABET[place + 1..=place + 1])
}

fn parts(token: &str) -> [&str; 3] {
    let parts: Vec<&str> = token.split('.').collect();
    parts.try_into().unwrap()
}

async fn assert_refused_over_http(http: &Http, token: &str) {
    let mut callers = vec![http.basic("1/1/1", token), http.basic(token, "")];
    if http::HeaderValue::from_str(token).is_ok() {
        callers.push(http.bearer(token));
    }
    for caller in callers {
        let read = caller.get("/jobs/1/1/1").await;
        let written = caller.post("/jobs/1/1/1", r#"{"forged":1}"#).await;
        assert_eq!((read.status, written.status), (401, 401), "{token}");
    }
    let mut query = form_urlencoded::Serializer::new(String::new());
    let query = query.append_pair("apikey", token).finish();
    let path = format!("/jobs/1/1/1?{query}");
    assert_eq!(http.anonymous().get(&path).await.status, 401, "{token}");
}

async fn assert_refused_over_grpc(grpc: &Grpc, token: &str) {
    let basic = format!("Basic {}", STANDARD.encode(format!("1/1/1:{token}")));
    let mut headers = vec![basic];
    if http::HeaderValue::from_str(token).is_ok() {
        headers.push(format!("Bearer {token}"));
    }
    for header in headers {
        let mut jobs = grpc.with_authorization(&header).jobs();
        let key = "1/1/1".to_owned();
        let read = jobs.get_job(GetJobRequest { key: key.clone() }).await;
        let request = SetJobMetadataRequest {
            key,
            metadata_json: [("forged".to_owned(), "1".to_owned())].into(),
            ..SetJobMetadataRequest::default()
        };
        let written = jobs.set_job_metadata(request).await;
        let codes = (read.unwrap_err().code(), written.unwrap_err().code());
        assert_eq!(codes, (Code::Unauthenticated, Code::Unauthenticated), "{token}");
    }
}

#[tokio::test]
async fn a_forged_or_damaged_token_is_401() {
    on_each_store(async |kind| {
        let stack = Stack::signing_with(kind, SECRET).await;
        let (http, grpc) = (stack.http(), stack.grpc());
        let line = r#"{"spider":"s","state":"running"}"#;
        let pushed = http.post("/jobq/1/push", format!("{line}\n{line}")).await;
        let token = pushed.ok().column("auth")[0].as_str().unwrap().to_owned();
        assert_eq!(token, sign(SECRET, HEADER, CLAIMS), "what is forged here");
        let before = http.get("/jobs/1/1/1").await.ok().text();

        let forged =
            [other_headers(), other_claims(), other_signatures(&token), other_forms(&token)];
        for token in forged.concat() {
            assert_refused_over_http(&http, &token).await;
            assert_refused_over_grpc(&grpc, &token).await;
        }
        assert_eq!(http.get("/jobs/1/1/1").await.ok().text(), before);
        http.basic("1/1/1", &token).get("/jobs/1/1/1").await.ok();
        let finish = r#"{"key":"1/1/1","state":"finished"}"#;
        http.post("/jobq/1/update", finish).await.ok();
        assert_refused_over_http(&http, &token).await;
        assert_refused_over_grpc(&grpc, &token).await;
    })
    .await;
}
