//! HTTP/2 frames as bytes, and a connection that sends what no library would.

use std::io;

use spiderq_tests::{MAGIC, Stack};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{
        TcpSocket,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    task::AbortHandle,
};

pub(crate) const DATA: u8 = 0;
pub(crate) const HEADERS: u8 = 1;
pub(crate) const PRIORITY: u8 = 2;
pub(crate) const RST_STREAM: u8 = 3;
pub(crate) const SETTINGS: u8 = 4;
pub(crate) const PING: u8 = 6;
pub(crate) const WINDOW_UPDATE: u8 = 8;
pub(crate) const CONTINUATION: u8 = 9;

pub(crate) const END_STREAM: u8 = 1;
pub(crate) const END_HEADERS: u8 = 4;
pub(crate) const PADDED: u8 = 8;

pub(crate) const INITIAL_WINDOW_SIZE: u8 = 4;
pub(crate) const CANCEL: [u8; 4] = [0, 0, 0, 8];

pub(crate) fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let [_, length @ ..] = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&length[..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

/// SETTINGS with one setting.
pub(crate) fn setting(id: u8, value: u32) -> Vec<u8> {
    frame(SETTINGS, 0, 0, &[&[0, id][..], &value.to_be_bytes()].concat())
}

/// A header in HPACK: not indexed, its name an entry of the static table.
fn literal(name: u8, value: &str) -> Vec<u8> {
    // Four bits hold an index below 15.
    let name = if name < 15 { vec![name] } else { vec![15, name - 15] };
    let length = u8::try_from(value.len()).unwrap();
    assert!(length < 127, "{value}");
    [&name[..], &[length], value.as_bytes()].concat()
}

/// Headers of a request, in HPACK. `method`: 2 is GET, 3 is POST.
fn request(method: u8, path: &str) -> Vec<u8> {
    let scheme_http = 0x86;
    [&[0x80 | method, scheme_http][..], &literal(1, "x"), &literal(4, path)].concat()
}

/// Headers of a GET without credentials.
pub(crate) fn get(path: &str) -> Vec<u8> {
    request(2, path)
}

/// Headers of a gRPC call without credentials.
pub(crate) fn call(path: &str) -> Vec<u8> {
    [request(3, path), literal(31, "application/grpc")].concat()
}

/// Headers of a POST with the admin key, whose body is to come.
pub(crate) fn push() -> Vec<u8> {
    let key = format!("Bearer {}", Stack::KEY);
    [request(3, "/jobq/1/push"), literal(23, &key)].concat()
}

/// A connection of an attacker. What the server sends is read and forgotten.
pub(crate) struct Attacker {
    socket: OwnedWriteHalf,
    reading: AbortHandle,
}

impl Attacker {
    /// Opens HTTP/2 with these frames, the first of which must be SETTINGS. `host` is the last
    /// part of the client's address, 127.0.0.`host`.
    pub(crate) async fn open(url: &str, host: u8, frames: &[u8]) -> io::Result<Self> {
        let socket = TcpSocket::new_v4()?;
        socket.bind(([127, 0, 0, host], 0).into())?;
        let (_, address) = url.split_once("://").expect("a URL");
        let stream = socket.connect(address.parse().expect("an address")).await?;
        stream.set_nodelay(true)?;
        let (read, socket) = stream.into_split();
        let reading = tokio::spawn(drain(read)).abort_handle();
        let mut attacker = Self { socket, reading };
        attacker.send(&[MAGIC, frames].concat()).await?;
        Ok(attacker)
    }

    /// Fails once the server has closed the connection.
    pub(crate) async fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        if self.reading.is_finished() {
            return Err(io::ErrorKind::ConnectionAborted.into());
        }
        self.socket.write_all(bytes).await
    }
}

impl Drop for Attacker {
    fn drop(&mut self) {
        self.reading.abort();
    }
}

async fn drain(mut socket: OwnedReadHalf) {
    let mut buffer = vec![0; 64 << 10];
    while socket.read(&mut buffer).await.is_ok_and(|count| count > 0) {}
}
