//! What the kernel lets a process of a job use.

use std::io;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Limits of each process of a job. `None`: that of the runner.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ResourceLimits {
    /// Address space in bytes. In the runner's settings: for each unit of the job.
    pub memory: Option<u64>,
    /// Open files, pipes and sockets.
    pub open_files: Option<u64>,
    /// Processes and threads that the job's user has, also those of its other jobs. The kernel does
    /// not hold root to it.
    pub processes: Option<u64>,
    /// Size in bytes of any file that is written.
    pub file_size: Option<u64>,
}

impl ResourceLimits {
    pub(crate) fn of_units(self, units: u32) -> Self {
        Self { memory: self.memory.map(|bytes| bytes.saturating_mul(units.into())), ..self }
    }

    /// The flags of `spiderq supervise` for these limits.
    pub(crate) fn flags(&self) -> Vec<String> {
        let flags = [
            ("memory", self.memory),
            ("open-files", self.open_files),
            ("processes", self.processes),
            ("file-size", self.file_size),
        ];
        let flags = flags.into_iter().filter_map(|(name, limit)| Some((name, limit?)));
        flags.map(|(name, limit)| format!("--{name}={limit}")).collect()
    }

    /// Sets them for this process and its children, which can't raise them again.
    pub(crate) fn apply(&self) -> io::Result<()> {
        let limits = [
            (Resource::As, self.memory),
            (Resource::Nofile, self.open_files),
            (Resource::Nproc, self.processes),
            (Resource::Fsize, self.file_size),
        ];
        for (resource, limit) in limits {
            let Some(limit) = limit else {
                continue;
            };
            // Only root could raise a limit of the runner, and nobody asked for that.
            let limit = limit.min(getrlimit(resource).maximum.unwrap_or(u64::MAX));
            setrlimit(resource, Rlimit { current: Some(limit), maximum: Some(limit) })?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_grows_with_units_and_only_given_limits_are_flags() {
        let limits =
            ResourceLimits { memory: Some(100), open_files: Some(5), ..ResourceLimits::default() };
        assert_eq!(limits.of_units(3).flags(), ["--memory=300", "--open-files=5"]);
        assert!(ResourceLimits::default().of_units(3).flags().is_empty());
    }
}
