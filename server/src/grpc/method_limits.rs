//! How large the message of each method may be.

use spiderq_core::limits::{
    MAX_METADATA_REQUEST_BYTES, MAX_OUTPUT_REQUEST_BYTES, MAX_SMALL_REQUEST_BYTES,
};

/// For methods that take many jobs, up to `--max-body`; these are all of them.
const BULK: [&str; 2] =
    ["/spiderq.v1.JobQueueService/PushJobs", "/spiderq.v1.JobQueueService/UpdateQueue"];
/// Takes lines of output.
const OUTPUT: &str = "/spiderq.v1.JobOutputService/AppendOutput";
/// Methods that take the metadata of one job, or those for all jobs of a filter, or the settings of a project.
const METADATA: [&str; 5] = [
    "/spiderq.v1.JobQueueService/StartJob",
    "/spiderq.v1.JobService/ScheduleJob",
    "/spiderq.v1.JobService/SetJobMetadata",
    "/spiderq.v1.JobService/UpdateJobs",
    "/spiderq.v1.ProjectService/UpdateProjectSettings",
];

/// Largest message of the method at `path`, bytes after decompression.
pub(super) fn max_message_bytes(path: &str, max_body: usize) -> usize {
    let limit = if BULK.contains(&path) {
        max_body
    } else if METADATA.contains(&path) {
        MAX_METADATA_REQUEST_BYTES
    } else if path == OUTPUT {
        MAX_OUTPUT_REQUEST_BYTES
    } else {
        MAX_SMALL_REQUEST_BYTES
    };
    limit.min(max_body)
}

#[cfg(test)]
mod tests {
    use prost::Message as _;
    use spiderq_proto::DESCRIPTOR_SET;

    use super::*;

    #[test]
    fn the_methods_with_a_limit_of_their_own_exist() {
        let set = prost_types::FileDescriptorSet::decode(DESCRIPTOR_SET).unwrap();
        let paths: Vec<String> = set
            .file
            .iter()
            .flat_map(|file| file.service.iter().map(move |service| (file.package(), service)))
            .flat_map(|(package, service)| {
                let path = move |name: &str| format!("/{package}.{}/{name}", service.name());
                service.method.iter().map(move |method| path(method.name()))
            })
            .collect();
        for path in BULK.iter().chain(&METADATA).chain([&OUTPUT]) {
            assert!(paths.iter().any(|known| known == path), "{path}");
        }
        let limits = |path: &str| max_message_bytes(path, 16 << 20);
        assert_eq!(limits(BULK[0]), 16 << 20);
        assert_eq!(limits("/spiderq.v1.JobQueueService/Heartbeat"), 256 << 10);
        assert_eq!(max_message_bytes(METADATA[0], 1 << 20), 1 << 20);
    }
}
