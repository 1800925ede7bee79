//! Runs clients beside each other and gathers what they saw.

use std::{
    cell::Cell,
    rc::Rc,
    time::{Duration, Instant},
};

use tokio::task::LocalSet;

use crate::{cpu::CpuTime, times::Times};

/// What a measurement found.
pub(crate) struct Report {
    calls: usize,
    wall: Duration,
    cpu: Option<Duration>,
    latencies: Times,
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

    /// What `percent` of the calls took at most, ms.
    pub(crate) fn latency_ms(&self, percent: usize) -> f64 {
        self.latencies.percentile(percent)
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
                let mut latencies = Times::default();
                while let Some(rest) = left.get().checked_sub(1) {
                    left.set(rest);
                    latencies.time(&mut caller).await;
                }
                latencies
            })
        })
        .collect();
    local.await;
    let wall = start.elapsed();
    let cpu = cpu.map(|cpu| cpu.elapsed());
    let mut latencies = Times::default();
    for task in tasks {
        latencies.extend(task.await.expect("a client to its end"));
    }
    Report { calls, wall, cpu, latencies }
}
