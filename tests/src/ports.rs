//! Ports for servers that tests start.

use std::{
    fs::{self, File},
    net::TcpListener,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU16, Ordering},
    },
};

/// Below the ports that the system gives out by itself, so that no connection takes one in the
/// meantime.
const FIRST: u16 = 10_000;
const COUNT: u16 = 20_000;

/// A port that nobody listens on, for this process as long as it lives: a server may be
/// restarted on it. Test processes that run side by side agree by a lock file for each port.
#[must_use]
pub fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    static HELD: Mutex<Vec<File>> = Mutex::new(Vec::new());
    let user = rustix::process::getuid().as_raw();
    let folder = std::env::temp_dir().join(format!("spiderq-test-ports-{user}"));
    fs::create_dir_all(&folder).expect("a folder for locks");
    // Processes begin at different ports: they then rarely ask for the same one.
    let start = (std::process::id() % u32::from(COUNT / 64)) as u16 * 64;
    for _ in 0..COUNT {
        let next = NEXT.fetch_add(1, Ordering::Relaxed);
        let port = FIRST + start.wrapping_add(next) % COUNT;
        let lock = File::create(folder.join(port.to_string())).expect("a lock");
        if lock.try_lock().is_ok() && TcpListener::bind(("127.0.0.1", port)).is_ok() {
            HELD.lock().unwrap_or_else(PoisonError::into_inner).push(lock);
            return port;
        }
    }
    panic!("no free port");
}
