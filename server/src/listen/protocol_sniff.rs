//! Reads the first bytes of a connection until they tell its protocol. For HTTP/2 that is the
//! whole preface, the magic and the first SETTINGS: hyper sets no timeout for it.

use std::io;

use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt as _};

const MAGIC: &[u8; 24] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// Bytes of a frame's header; the first three are the length of its payload.
const FRAME_HEADER: usize = 9;
/// Largest payload before a server allows more, bytes. HTTP/2 will refuse a larger one, so it is
/// not waited for.
const MAX_FRAME: usize = 16 << 10;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Protocol {
    Http1,
    Http2,
}

/// The bytes that were read; hyper must get them too.
#[derive(Debug)]
pub(super) struct Opening {
    pub(super) protocol: Protocol,
    pub(super) bytes: Bytes,
}

impl Opening {
    pub(super) async fn read(socket: &mut (impl AsyncRead + Unpin)) -> io::Result<Self> {
        // Grows with what arrives, so that a client that sends little costs little memory.
        let mut bytes = BytesMut::new();
        loop {
            if let Some(protocol) = protocol(&bytes) {
                let bytes = bytes.freeze();
                return Ok(Self { protocol, bytes });
            }
            if socket.read_buf(&mut bytes).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
    }
}

/// `None`: it may still be either protocol, or the preface of HTTP/2 is not complete.
fn protocol(bytes: &[u8]) -> Option<Protocol> {
    let known = bytes.len().min(MAGIC.len());
    if bytes[..known] != MAGIC[..known] {
        return Some(Protocol::Http1);
    }
    let frame = bytes.get(MAGIC.len()..)?;
    let [high, middle, low] = *frame.first_chunk()?;
    let length = u32::from_be_bytes([0, high, middle, low]) as usize;
    let whole = frame.len() >= FRAME_HEADER + length;
    (whole || length > MAX_FRAME).then_some(Protocol::Http2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_byte_that_is_not_the_magic_tells_http1() {
        assert_eq!(protocol(b""), None);
        assert_eq!(protocol(b"P"), None);
        assert_eq!(protocol(b"POST / HTTP/1.1"), Some(Protocol::Http1));
        assert_eq!(protocol(b"G"), Some(Protocol::Http1));
        assert_eq!(protocol(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\rX"), Some(Protocol::Http1));
    }

    #[test]
    fn only_the_whole_preface_tells_http2() {
        // Two settings of six bytes.
        let settings = [0, 0, 12, 4, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 9, 0, 4, 0, 0, 1, 0];
        let preface = [MAGIC.as_slice(), &settings].concat();
        for cut in 0..preface.len() {
            assert_eq!(protocol(&preface[..cut]), None, "{cut}");
        }
        assert_eq!(protocol(&preface), Some(Protocol::Http2));
        let more = [preface.as_slice(), b"more"].concat();
        assert_eq!(protocol(&more), Some(Protocol::Http2));
    }

    #[test]
    fn a_frame_that_is_too_long_is_not_waited_for() {
        let preface = [MAGIC.as_slice(), &[0xff, 0xff, 0xff]].concat();
        assert_eq!(protocol(&preface), Some(Protocol::Http2));
    }
}
