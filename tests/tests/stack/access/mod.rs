//! Who may call what: every call by every kind of caller, as `docs/access.md` says, over gRPC and
//! HTTP.

mod calls;
mod fields;
pub(crate) mod table;
mod world;

use std::collections::BTreeSet;

use prost::Message as _;
use spiderq_proto::v1::UpdateQueueResponse;
use spiderq_tests::{Stack, StoreKind, call_raw, item_error, update_error};
use tonic::Code;

use self::{
    calls::{Target, message},
    table::{COLUMNS, Cell, Path, Row},
    world::{Caller, World},
};
use crate::{helpers::assert_refused, on_each_store};

/// The outcome of a call; or its response, if it was neither done nor refused to the caller.
type Found = Result<Cell, String>;

async fn over_grpc(world: &World, row: &Row, caller: &Caller, target: &Target) -> Found {
    let mut target = target.clone();
    if ["RevokeApiKey", "RotateApiKey"].contains(&row.call.as_str()) {
        target.key_id = world.revocable().await;
    }
    let path = format!("/spiderq.v1.{}/{}", row.service, row.rpc());
    let authorization = caller.authorization.as_deref();
    let channel = world.stack.grpc().channel();
    let answer = call_raw(channel, authorization, &path, message(&row.call, &target)).await;
    match answer {
        Ok(answer) if row.rpc() == "UpdateQueue" => {
            let answer = UpdateQueueResponse::decode(&answer[0][..]).unwrap();
            match update_error(&answer.results[0]) {
                None => Ok(Cell::Yes),
                Some(error) if item_error(&error).0 == Code::PermissionDenied => {
                    Ok(Cell::Forbidden)
                }
                Some(error) => Err(format!("{error:?}")),
            }
        }
        Ok(_) => Ok(Cell::Yes),
        Err(status) if status.code() == Code::Unauthenticated => Ok(Cell::Unauthenticated),
        Err(status) if status.code() == Code::PermissionDenied => Ok(Cell::Forbidden),
        Err(status) => Err(format!("{status:?}")),
    }
}

async fn over_http(path: &Path, caller: &Caller, target: &Target) -> Found {
    let (text, body) = (target.fill(&path.path), target.fill(&path.body));
    let form = path.method == "POST" && text.starts_with("/api/");
    let form_type = [("content-type", "application/x-www-form-urlencoded")];
    let headers = if form { &form_type[..] } else { &[] };
    let method = path.method.parse().unwrap();
    let answer = caller.http.send(method, &text, headers, body).await;
    match answer.status {
        200 if text.starts_with("/jobq/") && text.ends_with("/update") => {
            let error = answer.column("error").remove(0);
            let reasons = ["is not run by this key's owner", "reaches only its own job"];
            match error.as_str() {
                None => Ok(Cell::Yes),
                Some(error) if reasons.iter().any(|reason| error.contains(reason)) => {
                    Ok(Cell::Forbidden)
                }
                Some(_) => Err(answer.to_string()),
            }
        }
        200 => Ok(Cell::Yes),
        401 => {
            assert_refused(&answer, &text, 401);
            Ok(Cell::Unauthenticated)
        }
        403 => {
            assert_refused(&answer, &text, 403);
            Ok(Cell::Forbidden)
        }
        _ => Err(answer.to_string()),
    }
}

/// Makes a call as every caller; returns the outcomes that differ from the table.
async fn differences(
    world: &World,
    row: &Row,
    call: impl AsyncFn(&Caller, &Target) -> Found,
) -> Vec<String> {
    let mut differences = Vec::new();
    for (column, name) in COLUMNS.iter().enumerate() {
        for (caller, target, expected) in world.cases(row, column).await {
            let found = call(&caller, &target).await;
            if expected != Cell::Any && found != Ok(expected) {
                differences.push(format!("{name}: {found:?}"));
            }
        }
    }
    differences
}

#[tokio::test]
async fn every_grpc_call_allows_the_callers_of_the_table() {
    on_each_store(async |kind| {
        let world = World::new(Stack::start(kind).await).await;
        let mut wrong = Vec::new();
        for row in table::calls() {
            let call = async |caller: &_, target: &_| over_grpc(&world, &row, caller, target).await;
            for difference in differences(&world, &row, call).await {
                wrong.push(format!("{}, {difference}", row.call));
            }
        }
        assert!(wrong.is_empty(), "{wrong:#?}");
    })
    .await;
}

#[tokio::test]
async fn a_session_may_do_what_its_key_may() {
    let world = World::with_sessions(Stack::start(StoreKind::Sqlite).await).await;
    let mut wrong = Vec::new();
    // It makes no other session.
    for row in table::calls().iter().filter(|row| row.rpc() != "CreateSession") {
        let call = async |caller: &_, target: &_| over_grpc(&world, row, caller, target).await;
        for difference in differences(&world, row, call).await {
            wrong.push(format!("{}, {difference}", row.call));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[tokio::test]
async fn every_path_allows_the_callers_of_its_call() {
    on_each_store(async |kind| {
        let world = World::new(Stack::start(kind).await).await;
        let calls = table::calls();
        let mut wrong = Vec::new();
        for path in table::paths() {
            let row = calls.iter().find(|row| row.call == path.call);
            let row = row.unwrap_or_else(|| panic!("no call {}", path.call));
            let call = async |caller: &_, target: &_| over_http(&path, caller, target).await;
            for difference in differences(&world, row, call).await {
                wrong.push(format!("{} {}, {difference}", path.method, path.path));
            }
        }
        assert!(wrong.is_empty(), "{wrong:#?}");
    })
    .await;
}

#[test]
fn the_tables_have_every_call_and_every_path() {
    let calls = table::calls();
    let told: BTreeSet<(&str, &str)> =
        calls.iter().map(|row| (row.service.as_str(), row.rpc())).collect();
    let known = table::described();
    let known: BTreeSet<(&str, &str)> =
        known.iter().map(|(service, rpc)| (service.as_str(), rpc.as_str())).collect();
    assert_eq!(told, known);

    let told: BTreeSet<String> = table::paths().iter().map(Path::route).collect();
    assert_eq!(told, table::routes());
}
