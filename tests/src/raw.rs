//! gRPC calls by path with messages as bytes: for tests that make every call.

use prost::bytes::{Buf as _, BufMut as _};
use tonic::{
    Request, Status,
    client::Grpc,
    codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder},
    transport::Channel,
};

/// Calls `path` (`/PACKAGE.SERVICE/METHOD`) and returns its response messages; of a stream
/// without end the first.
pub async fn call_raw(
    channel: Channel,
    authorization: Option<&str>,
    path: &str,
    message: Vec<u8>,
) -> Result<Vec<Vec<u8>>, Status> {
    let endless = path.ends_with("/WatchJobs");
    let mut request = Request::new(message);
    if let Some(text) = authorization {
        let value = text.parse().expect("a header of text");
        request.metadata_mut().insert("authorization", value);
    }
    let mut client = Grpc::new(channel);
    client.ready().await.expect("a connection");
    let path = path.parse().expect("a path");
    let answer = client.server_streaming(request, path, Bytes).await?;
    let mut stream = answer.into_inner();
    let mut messages = Vec::new();
    while let Some(message) = stream.message().await? {
        messages.push(message);
        if endless {
            break;
        }
    }
    Ok(messages)
}

/// Messages as they are on the wire.
#[derive(Debug)]
struct Bytes;

impl Codec for Bytes {
    type Encode = Vec<u8>;
    type Decode = Vec<u8>;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        Self
    }

    fn decoder(&mut self) -> Self {
        Self
    }
}

impl Encoder for Bytes {
    type Item = Vec<u8>;
    type Error = Status;

    fn encode(&mut self, message: Vec<u8>, into: &mut EncodeBuf<'_>) -> Result<(), Status> {
        into.put(message.as_slice());
        Ok(())
    }
}

impl Decoder for Bytes {
    type Item = Vec<u8>;
    type Error = Status;

    fn decode(&mut self, from: &mut DecodeBuf<'_>) -> Result<Option<Vec<u8>>, Status> {
        Ok(Some(from.copy_to_bytes(from.remaining()).to_vec()))
    }
}
