//! The `spiderq.v1` gRPC API as generated from `proto/spiderq/v1/*.proto`: messages,
//! service traits, clients, calls to an upstream, and the descriptor set for reflection.
//!
//! No handwritten logic belongs here but [`time`]; the documentation is in the .proto files.

/// Messages, service traits (`…_service_server`) and clients (`…_service_client`).
#[expect(clippy::large_enum_variant, reason = "a message is as large as its fields")]
pub mod v1 {
    tonic::include_proto!("spiderq.v1");
}

/// Milliseconds as [`Timestamp`] and [`Duration`].
pub mod time;

pub use prost_types::{Duration, FieldMask, Timestamp};
pub use tonic_types::pb::Status as RpcStatus;

/// The server traits, implemented by calling a client: the services of another process in the
/// place of our own. They add nothing to a call and take nothing away. `build.rs` writes them.
pub mod upstream {
    use tonic::{Request, Response, Status, codegen::BoxStream, transport::Channel};

    use crate::v1::*;

    include!(concat!(env!("OUT_DIR"), "/upstream.rs"));
}

/// The encoded `FileDescriptorSet` of the package, for gRPC reflection.
pub const DESCRIPTOR_SET: &[u8] = tonic::include_file_descriptor_set!("spiderq_v1");

#[cfg(test)]
mod tests {
    use prost::Message as _;

    #[test]
    fn the_descriptor_set_names_every_service() {
        let set = prost_types::FileDescriptorSet::decode(super::DESCRIPTOR_SET).unwrap();
        let mut services: Vec<String> = set
            .file
            .iter()
            .flat_map(|file| file.service.iter().map(|service| service.name().to_owned()))
            .collect();
        services.sort();
        assert_eq!(
            services,
            [
                "ApiKeyService",
                "AuditService",
                "JobOutputService",
                "JobQueueService",
                "JobService",
                "ProjectService",
                "RunnerService"
            ]
        );
    }
}
