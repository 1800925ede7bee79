//! How much memory this process may use for bodies, where nobody says.

use std::fs;

use rustix::process::{Resource, getrlimit};

/// The part of the memory that bodies may take: the store's cache, connections and the code of
/// other processes need the rest.
const BODY_SHARE: u64 = 4;
/// Bytes that are enough for any machine: about ten of the largest bodies at a time …
const MAX_DEFAULT: u64 = 192 << 20;
/// … and that a small one needs to take a request of a few MiB.
const MIN_DEFAULT: u64 = 32 << 20;

/// Bytes for the bodies of requests and responses under way: a quarter of the memory that the
/// process may use by its control group, its resource limits or its machine, from 32 to 192 MiB.
#[must_use]
pub fn default_body_memory() -> usize {
    let address_space = getrlimit(Resource::As).current;
    let known = [address_space, control_group(), machine()];
    let available = known.into_iter().flatten().min().unwrap_or(u64::MAX);
    let bytes = (available / BODY_SHARE).clamp(MIN_DEFAULT, MAX_DEFAULT);
    usize::try_from(bytes).unwrap_or(usize::MAX)
}

/// Bytes. The limit of the innermost group only; one further out is seldom smaller.
fn control_group() -> Option<u64> {
    let groups = fs::read_to_string("/proc/self/cgroup").ok()?;
    let own = groups.lines().find_map(|line| line.strip_prefix("0::"))?;
    // Inside a container the own group is mounted at the root, whatever its path.
    [own, ""].iter().find_map(|path| {
        let limit = fs::read_to_string(format!("/sys/fs/cgroup{path}/memory.max")).ok()?;
        limit.trim().parse().ok()
    })
}

/// Bytes.
fn machine() -> Option<u64> {
    let info = fs::read_to_string("/proc/meminfo").ok()?;
    let total = info.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    total.split_whitespace().next()?.parse().ok().map(|kib: u64| kib << 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_is_within_its_bounds() {
        let bytes = default_body_memory() as u64;
        assert!((MIN_DEFAULT..=MAX_DEFAULT).contains(&bytes), "{bytes}");
        assert!(machine().unwrap() > 1 << 28);
    }
}
