//! Time that only moves forward, whatever somebody sets the machine's clock to.

use std::time::Duration;

/// For how long the machine has been on, the time that it slept included: a laptop that wakes up has
/// missed that time.
#[cfg(target_os = "linux")]
#[must_use]
pub fn uptime() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
    let (seconds, nanos) = (u64::try_from(time.tv_sec), u32::try_from(time.tv_nsec));
    Duration::new(seconds.unwrap_or_default(), nanos.unwrap_or_default())
}

/// For how long this process has asked, without the time that the machine slept.
#[cfg(not(target_os = "linux"))]
#[must_use]
pub fn uptime() -> Duration {
    static FIRST: std::sync::OnceLock<std::time::Instant> = std::sync::OnceLock::new();
    FIRST.get_or_init(std::time::Instant::now).elapsed()
}
