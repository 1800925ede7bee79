//! Runs clients beside each other and gathers what they saw.

use std::{
    cell::Cell,
    fmt,
    rc::Rc,
    time::{Duration, Instant},
};

use tokio::task::LocalSet;

use crate::cpu::CpuTime;

/// What a measurement found.
pub(crate) struct Report {
    calls: usize,
    wall: Duration,
    cpu: Option<Duration>,
    /// Of each call, ascending.
    latencies: Vec<Duration>,
}

impl Report {
    /// Calls a second.
    pub(crate) fn rate(&self) -> f64 {
        self.calls as f64 / self.wall.as_secs_f64()
    }

    /// Microseconds of the server's CPU a call; NaN where its process is not known.
    pub(crate) fn cpu(&self) -> f64 {
        self.cpu.map_or(f64::NAN, |cpu| cpu.as_secs_f64() * 1e6 / self.calls as f64)
    }

    fn latency(&self, percent: usize) -> Duration {
        let at = (self.latencies.len() * percent / 100).min(self.latencies.len() - 1);
        self.latencies[at]
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:.0} pushes/s, p50 {:.2} ms, p99 {:.2} ms, {:.1} us of server CPU a push",
            self.rate(),
            self.latency(50).as_secs_f64() * 1e3,
            self.latency(99).as_secs_f64() * 1e3,
            self.cpu(),
        )
    }
}

/// Has `clients` make `calls` calls in all. `connect` gives each client its own caller,
/// before the clock starts.
pub(crate) async fn run<C: AsyncFnMut() + 'static>(
    clients: usize,
    calls: usize,
    server: Option<u32>,
    mut connect: impl AsyncFnMut() -> C,
) -> Report {
    let mut callers = Vec::new();
    for _ in 0..clients {
        let mut caller = connect().await;
        // Warms up connection and server.
        caller().await;
        callers.push(caller);
    }
    let left = Rc::new(Cell::new(calls));
    let local = LocalSet::new();
    let cpu = server.map(CpuTime::of);
    let start = Instant::now();
    let tasks: Vec<_> = callers
        .into_iter()
        .map(|mut caller| {
            let left = Rc::clone(&left);
            local.spawn_local(async move {
                let mut latencies = Vec::new();
                while let Some(rest) = left.get().checked_sub(1) {
                    left.set(rest);
                    let start = Instant::now();
                    caller().await;
                    latencies.push(start.elapsed());
                }
                latencies
            })
        })
        .collect();
    local.await;
    let wall = start.elapsed();
    let cpu = cpu.map(|cpu| cpu.elapsed());
    let mut latencies = Vec::with_capacity(calls);
    for task in tasks {
        latencies.extend(task.await.expect("a client to its end"));
    }
    latencies.sort();
    Report { calls, wall, cpu, latencies }
}
