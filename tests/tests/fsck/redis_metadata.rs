//! Larger metadata on Redis that can no longer be read, or that the job does not speak of.

use spiderq_core::{model::FieldSelection, store::NewJob};
use spiderq_tests::{
    redis_server::RedisServer,
    store_contract::world::{T, metadata, pending},
};

use crate::{
    redis::store_at,
    sample::{begin, check, end},
};

/// Changes a byte of the compressed value of `big` in the sample.
fn changed_value(server: &RedisServer, hash: &str, at: usize, byte: u8) -> Vec<u8> {
    let mut value: Vec<u8> = server.command(&["HGET", hash, "big"]);
    assert_eq!(value[0], spiderq_compression::MARK);
    value[at] = byte;
    let mut connection = redis::Client::open(server.url()).unwrap().get_connection().unwrap();
    redis::cmd("HSET").arg(hash).arg("big").arg(&value).exec(&mut connection).unwrap();
    value
}

#[tokio::test]
async fn a_job_that_does_not_say_that_its_arguments_are_large() {
    let server = RedisServer::start(&[]);
    let store = store_at(&server.url()).await;
    let world = begin(&store).await;
    let arguments = metadata(&[("spider_args", &format!(r#"{{"a":"{}"}}"#, "x".repeat(70)))]);
    let key = world.add(T, NewJob { metadata: arguments, ..pending("a") }).await;
    assert_eq!(check(&store, false).await.0, [""; 0]);
    let hash = format!("sq:{{{}}}:j:{}/{}", world.project, key.spider, key.job);
    server.command::<redis::Value>(&["HDEL", &hash, "m:spider_args"]);
    let line = format!("{key}: does not say that it has large spider_args");
    assert_eq!(check(&store, true).await.0, [format!("{line}; repaired")]);
    assert_eq!(check(&store, false).await.0, [""; 0]);
    assert_eq!(server.command::<String>(&["HGET", &hash, "m:spider_args"]), "");
}

#[tokio::test]
async fn a_damaged_compressed_value_is_set_aside_with_its_job() {
    let server = RedisServer::start(&[]);
    let store = store_at(&server.url()).await;
    let world = begin(&store).await;
    let hash = format!("sq:{{{}}}:x:1/3", world.project);
    let value = changed_value(&server, &hash, 5, 0);
    let why = "a stored value is damaged: its frame cannot be decompressed";
    let line =
        format!("{}/1/3: has a record that cannot be read: metadata big: {why}", world.project);
    assert_eq!(check(&store, false).await.0, std::slice::from_ref(&line));
    let error = store.get(&[world.key(1, 3)], &FieldSelection::Full).await.unwrap_err();
    assert_eq!(error.cause().unwrap(), format!("unexpected data in redis: metadata big: {why}"));
    let (mended, checked) = check(&store, true).await;
    assert_eq!((mended, checked.set_aside), (vec![format!("{line}; repaired")], 2));
    assert_eq!(check(&store, false).await.0, [""; 0]);
    let aside = format!("sq:{{{}}}:aside:x:1/3", world.project);
    assert_eq!(server.command::<Vec<u8>>(&["HGET", &aside, "big"]), value);
    assert_eq!(world.claim(T + 50).await.unwrap().job.key, world.key(1, 2));
    assert_eq!(world.claim(T + 50).await, None);
}

/// Its first byte says no more that it is compressed.
#[tokio::test]
async fn a_value_that_is_no_text_is_set_aside_with_its_job() {
    for first in [0xfc, b'x'] {
        let server = RedisServer::start(&[]);
        let store = store_at(&server.url()).await;
        let world = begin(&store).await;
        let hash = format!("sq:{{{}}}:x:1/3", world.project);
        let value = changed_value(&server, &hash, 0, first);
        let why = "metadata big: a stored value is damaged: its text is not UTF-8";
        let line = format!("{}/1/3: has a record that cannot be read: {why}", world.project);
        // The other field is `small`, with the value 1.
        let bytes = value.len() + "big".len() + "small".len() + 1;
        let sum = format!("{}/1/3: has {bytes} bytes of metadata, not 511", world.project);
        assert_eq!(check(&store, false).await.0, [sum, line]);
        assert_eq!(check(&store, true).await.1.set_aside, 2);
        assert_eq!(check(&store, false).await.0, [""; 0]);
    }
}

/// A later version can read it.
#[tokio::test]
async fn a_value_of_a_newer_version_is_found_and_left_as_it_is() {
    let server = RedisServer::start(&[]);
    let store = store_at(&server.url()).await;
    let world = begin(&store).await;
    let hash = format!("sq:{{{}}}:x:1/3", world.project);
    changed_value(&server, &hash, 1, 9);
    let line = format!(
        "{}/1/3: has metadata big that cannot be read: a value is compressed with dictionary 9, \
         which this program does not have: a newer version has written it",
        world.project
    );
    for repair in [false, true] {
        assert_eq!(check(&store, repair).await.0, std::slice::from_ref(&line));
    }
    changed_value(&server, &hash, 1, 1);
    assert_eq!(check(&store, false).await.0, [""; 0]);
    end(&world).await;
}
