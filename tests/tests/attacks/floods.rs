//! Floods of HTTP/2 frames, each over a few connections at once, opened anew whenever the server
//! closes them.

use std::io;

use futures::future::join_all;
use spiderq_tests::StoreKind;
use tokio::time::{Instant, timeout_at};

use crate::{
    frames::{
        Attacker, CANCEL, CONTINUATION, DATA, END_HEADERS, END_STREAM, HEADERS,
        INITIAL_WINDOW_SIZE, PADDED, PING, PRIORITY, RST_STREAM, SETTINGS, WINDOW_UPDATE, call,
        frame, get, push, setting,
    },
    victim::{Victim, attack_time},
};

const CONNECTIONS: u8 = 4;
/// What is written at a time, bytes.
const BATCH: usize = 16 << 10;
/// The largest payload before a server allows more, bytes.
const MAX_FRAME: usize = 16 << 10;

/// Bytes that open a connection, then those of each step, which may use `stream` and the next one.
struct Flood {
    name: &'static str,
    opening: Vec<u8>,
    step: fn(stream: u32) -> Vec<u8>,
}

fn flood(name: &'static str, step: fn(u32) -> Vec<u8>) -> Flood {
    Flood { name, opening: frame(SETTINGS, 0, 0, &[]), step }
}

/// Headers of stream 1 that come to no end, for a flood of CONTINUATION.
fn open_headers() -> Vec<u8> {
    [frame(SETTINGS, 0, 0, &[]), frame(HEADERS, 0, 1, &get("/healthz"))].concat()
}

/// A body of stream 1 that comes to no end, for a flood of DATA.
fn open_body() -> Vec<u8> {
    [frame(SETTINGS, 0, 0, &[]), frame(HEADERS, END_HEADERS, 1, &push())].concat()
}

fn resets() -> Vec<Flood> {
    vec![
        flood("rapid reset", |stream| {
            let head = frame(HEADERS, END_HEADERS | END_STREAM, stream, &get("/jobq/1/count"));
            [head, frame(RST_STREAM, 0, stream, &CANCEL)].concat()
        }),
        flood("rapid reset of calls", |stream| {
            let head = call("/spiderq.v1.JobService/CountJobs");
            let head = frame(HEADERS, END_HEADERS, stream, &head);
            [head, frame(RST_STREAM, 0, stream, &CANCEL)].concat()
        }),
        // An increment of zero makes the server reset the stream.
        flood("MadeYouReset, window of zero", |stream| {
            let head = frame(HEADERS, END_HEADERS, stream, &push());
            [head, frame(WINDOW_UPDATE, 0, stream, &[0; 4])].concat()
        }),
        flood("MadeYouReset, window overflow", |stream| {
            let head = frame(HEADERS, END_HEADERS, stream, &push());
            [head, frame(WINDOW_UPDATE, 0, stream, &[0x7f, 0xff, 0xff, 0xff])].concat()
        }),
        flood("MadeYouReset, body after its end", |stream| {
            let head = frame(HEADERS, END_HEADERS | END_STREAM, stream, &get("/jobq/1/count"));
            [head, frame(DATA, 0, stream, b"more")].concat()
        }),
    ]
}

fn headers_and_data() -> Vec<Flood> {
    vec![
        Flood {
            name: "CONTINUATION",
            opening: open_headers(),
            // A literal header that is not indexed: x: y.
            step: |_| frame(CONTINUATION, 0, 1, b"\x00\x01x\x01y"),
        },
        Flood {
            name: "empty CONTINUATION",
            opening: open_headers(),
            step: |_| frame(CONTINUATION, 0, 1, &[]),
        },
        // The first header fills the table; each byte of the next frame names it again.
        flood("HPACK bomb", |stream| {
            let value = "v".repeat(4000);
            // The length 4000 in HPACK: 127, then the rest in groups of seven bits.
            let insert = [b"\x40\x01x\x7f\xa1\x1e", value.as_bytes()].concat();
            let first = [get("/healthz"), insert].concat();
            let first = frame(HEADERS, END_HEADERS | END_STREAM, stream, &first);
            let bomb = [get("/healthz"), vec![0xbe; MAX_FRAME - 64]].concat();
            let flags = END_HEADERS | END_STREAM;
            [first, frame(HEADERS, flags, stream + 2, &bomb)].concat()
        }),
        Flood { name: "empty DATA", opening: open_body(), step: |_| frame(DATA, 0, 1, &[]) },
        Flood {
            name: "DATA of padding",
            opening: open_body(),
            step: |_| frame(DATA, PADDED, 1, &[&[255][..], &[0; 255]].concat()),
        },
    ]
}

fn control() -> Vec<Flood> {
    vec![
        flood("PING", |_| frame(PING, 0, 0, b"are you?")),
        flood("SETTINGS", |_| setting(INITIAL_WINDOW_SIZE, 65_535)),
        flood("empty SETTINGS", |_| frame(SETTINGS, 0, 0, &[])),
        flood("WINDOW_UPDATE", |_| frame(WINDOW_UPDATE, 0, 0, &[0, 0, 0, 1])),
        flood("WINDOW_UPDATE overflow", |_| frame(WINDOW_UPDATE, 0, 0, &[0x7f, 0xff, 0xff, 0xff])),
        flood("PRIORITY", |stream| frame(PRIORITY, 0, stream, &[0, 0, 0, 0, 255])),
        flood("unknown frames", |stream| frame(0xfa, 0, stream, b"what is it?")),
    ]
}

/// Streams whose answers may not be sent, as their windows are zero. None needs a key.
fn zero_windows() -> Vec<Flood> {
    let closed = |name, step| Flood { name, opening: setting(INITIAL_WINDOW_SIZE, 0), step };
    vec![
        closed("zero window, /openapi.json", |stream| {
            frame(HEADERS, END_HEADERS | END_STREAM, stream, &get("/openapi.json"))
        }),
        closed("zero window, Watch", |stream| {
            let head = frame(HEADERS, END_HEADERS, stream, &call("/grpc.health.v1.Health/Watch"));
            [head, frame(DATA, END_STREAM, stream, &[0; 5])].concat()
        }),
        closed("zero window, reflection", |stream| {
            let head = call("/grpc.reflection.v1.ServerReflection/ServerReflectionInfo");
            // list_services: a message of two bytes, field 7 with an empty text.
            let ask = frame(DATA, 0, stream, &[0, 0, 0, 0, 2, 0x3a, 0]);
            [frame(HEADERS, END_HEADERS, stream, &head), ask].concat()
        }),
    ]
}

impl Flood {
    /// Goes on until `end`; how many bytes the server took, and over how many connections.
    async fn run(&self, url: &str, end: Instant) -> (usize, usize) {
        let connections = (0..CONNECTIONS).map(async |number| {
            let (mut sent, mut opened) = (0, 0);
            while Instant::now() < end {
                opened += 1;
                // An error is the server's end of the connection.
                let _ = timeout_at(end, self.connection(url, number + 2, &mut sent)).await;
            }
            (sent, opened)
        });
        let done = join_all(connections).await;
        (done.iter().map(|(sent, _)| sent).sum(), done.iter().map(|(_, opened)| opened).sum())
    }

    async fn connection(&self, url: &str, host: u8, sent: &mut usize) -> io::Result<()> {
        let mut attacker = Attacker::open(url, host, &self.opening).await?;
        let mut stream = 1;
        loop {
            let mut batch = Vec::with_capacity(2 * BATCH);
            while batch.len() < BATCH {
                batch.extend((self.step)(stream));
                stream += 4;
            }
            attacker.send(&batch).await?;
            *sent += batch.len();
            tokio::task::yield_now().await;
        }
    }
}

async fn withstands(floods: Vec<Flood>) {
    let victim = Victim::start(StoreKind::Sqlite, &[]).await;
    for flood in floods {
        let end = Instant::now() + attack_time();
        let attack = flood.run(victim.url(), end);
        let ((sent, opened), report) = victim.under(flood.name, attack).await;
        eprintln!("    {} KiB sent over {opened} connections", sent >> 10);
        report.assert_unharmed();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn floods_of_resets_harm_nobody() {
    withstands(resets()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn floods_of_headers_and_data_harm_nobody() {
    withstands(headers_and_data()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn floods_of_control_frames_harm_nobody() {
    withstands(control()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn streams_with_a_window_of_zero_harm_nobody() {
    withstands(zero_windows()).await;
}
