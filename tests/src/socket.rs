//! A bare connection, bytes out and bytes in: for requests that no library would send.

use std::{io, time::Duration};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpSocket, TcpStream},
    time::timeout,
};

use crate::wait::TIMEOUT;

/// The magic with which HTTP/2 begins.
pub const MAGIC: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// An empty SETTINGS frame.
pub const SETTINGS: &[u8] = &[0, 0, 0, 4, 0, 0, 0, 0, 0];

/// A connection.
#[derive(Debug)]
pub struct Raw(TcpStream);

impl Raw {
    /// Connects to `url` (`http://HOST:PORT`).
    pub async fn connect(url: &str) -> Self {
        let (_, address) = url.split_once("://").expect("a URL");
        Self(TcpStream::connect(address).await.expect("a connection"))
    }

    /// Connects and sends `bytes`.
    pub async fn begin(url: &str, bytes: &[u8]) -> Self {
        let mut raw = Self::connect(url).await;
        raw.send(bytes).await;
        raw
    }

    /// The same from 127.0.0.`host`.
    pub async fn begin_from(host: u8, url: &str, bytes: &[u8]) -> Self {
        let socket = TcpSocket::new_v4().expect("a socket");
        socket.bind(([127, 0, 0, host], 0).into()).expect("an address of the loopback");
        let (_, address) = url.split_once("://").expect("a URL");
        let address = address.parse().expect("an address");
        let mut raw = Self(socket.connect(address).await.expect("a connection"));
        raw.send(bytes).await;
        raw
    }

    /// Sends `bytes`.
    pub async fn send(&mut self, bytes: &[u8]) {
        self.0.write_all(bytes).await.expect("a connection");
    }

    /// All bytes until the server closes or resets the connection.
    pub async fn read_to_end(&mut self) -> Vec<u8> {
        let mut all = Vec::new();
        let read = timeout(TIMEOUT, self.0.read_to_end(&mut all)).await;
        // An error is a reset.
        let _ = read.unwrap_or_else(|_| panic!("no end, but {all:?}"));
        all
    }

    /// Reads until `end`, and returns all that came.
    pub async fn read_until(&mut self, end: &str) -> String {
        let mut all = Vec::new();
        let read = async {
            while !String::from_utf8_lossy(&all).contains(end) {
                let count = self.0.read_buf(&mut all).await.expect("a connection");
                assert!(count > 0, "an end before {end:?}");
            }
        };
        timeout(TIMEOUT, read).await.expect("an answer");
        String::from_utf8_lossy(&all).into_owned()
    }

    /// Asserts that nothing comes for so long and that the connection stays open.
    pub async fn stays_silent(&mut self, long: Duration) {
        let mut byte = [0];
        let read = timeout(long, self.0.read(&mut byte)).await;
        assert!(read.is_err(), "{read:?}");
    }

    /// As [`Raw::frame`]; `None` if the server closes the connection before.
    pub async fn try_frame(&mut self) -> Option<(u8, u8, u32, Vec<u8>)> {
        timeout(TIMEOUT, self.read_frame()).await.expect("a frame in time").ok()
    }

    /// The next HTTP/2 frame: its type, its flags, its stream, its payload.
    pub async fn frame(&mut self) -> (u8, u8, u32, Vec<u8>) {
        let frame = timeout(TIMEOUT, self.read_frame()).await.expect("a frame in time");
        frame.expect("a frame")
    }

    async fn read_frame(&mut self) -> io::Result<(u8, u8, u32, Vec<u8>)> {
        let mut head = [0; 9];
        self.0.read_exact(&mut head).await?;
        let [high, middle, low, kind, flags, stream @ ..] = head;
        let mut payload = vec![0; u32::from_be_bytes([0, high, middle, low]) as usize];
        self.0.read_exact(&mut payload).await?;
        Ok((kind, flags, u32::from_be_bytes(stream), payload))
    }
}
