//! How the body of a request may be encoded, and its decompression as it arrives.

use std::{
    io::{self, Write as _},
    mem,
};

use flate2::write::MultiGzDecoder;
use http::{HeaderMap, HeaderValue, StatusCode, header::CONTENT_ENCODING};

use crate::errors::Problem;

/// The encodings that are accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ContentEncoding {
    Identity,
    Gzip,
}

impl ContentEncoding {
    /// That of a request with these headers; a refusal of any other.
    pub(crate) fn of(headers: &HeaderMap) -> Result<Self, Problem> {
        let mut given = headers.get_all(CONTENT_ENCODING).iter().map(HeaderValue::as_bytes);
        match (given.next(), given.next()) {
            (None | Some(b"identity"), None) => Ok(Self::Identity),
            (Some(b"gzip"), None) => Ok(Self::Gzip),
            (_, _) => {
                let code = StatusCode::UNSUPPORTED_MEDIA_TYPE;
                Err(Problem::of_field(code, "Content-Encoding", "must be gzip or identity"))
            }
        }
    }
}

/// Decompresses gzip, all members of it: whoever appends to a file of lines makes one each time.
pub(crate) struct Gunzip(MultiGzDecoder<Vec<u8>>);

impl Gunzip {
    pub(crate) fn new() -> Self {
        Self(MultiGzDecoder::new(Vec::new()))
    }

    /// Decompresses the beginning of `data`, which then holds the rest. Returns at most a few
    /// tens of KiB, so that its caller can see in time that it becomes too much.
    pub(crate) fn read(&mut self, data: &mut &[u8]) -> io::Result<Vec<u8>> {
        let used = self.0.write(data)?;
        if used == 0 {
            return Err(io::ErrorKind::WriteZero.into());
        }
        *data = &data[used..];
        Ok(mem::take(self.0.get_mut()))
    }

    /// The end of what was decompressed; an error where the last member is not whole.
    pub(crate) fn finish(self) -> io::Result<Vec<u8>> {
        self.0.finish()
    }
}

#[cfg(test)]
mod tests {
    use flate2::{Compression, write::GzEncoder};

    use super::*;

    fn member(text: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    }

    /// Decompresses what comes in pieces of so many bytes.
    fn gunzip(compressed: &[u8], piece: usize) -> io::Result<Vec<u8>> {
        let (mut gunzip, mut text) = (Gunzip::new(), Vec::new());
        for mut piece in compressed.chunks(piece) {
            while !piece.is_empty() {
                text.extend(gunzip.read(&mut piece)?);
            }
        }
        text.extend(gunzip.finish()?);
        Ok(text)
    }

    #[test]
    fn all_members_are_read_however_they_arrive() {
        let long = b"0123456789".repeat(20_000);
        let compressed = [member(b"a\n"), member(b""), member(&long), member(b"b\n")].concat();
        let expected = [b"a\n", &long[..], b"b\n"].concat();
        for piece in [1, 2, 7, 100, compressed.len()] {
            assert_eq!(gunzip(&compressed, piece).unwrap(), expected, "{piece}");
        }
    }

    #[test]
    fn what_is_not_whole_and_what_is_no_member_are_refused() {
        let whole = [member(b"a"), member(b"b")].concat();
        for end in 0..whole.len() {
            if end != member(b"a").len() {
                assert!(gunzip(&whole[..end], 5).is_err(), "{end}");
            }
        }
        for more in [&b"\0"[..], b"{\"spider\":\"s\"}", b"\x1f\x8b"] {
            assert!(gunzip(&[&whole[..], more].concat(), 5).is_err(), "{more:?}");
        }
    }

    #[test]
    fn what_expands_much_comes_in_small_pieces() {
        let compressed = member(&vec![0; 16 << 20]);
        let (mut gunzip, mut rest) = (Gunzip::new(), &compressed[..]);
        while !rest.is_empty() {
            assert!(gunzip.read(&mut rest).unwrap().len() <= 64 << 10);
        }
        assert!(gunzip.finish().unwrap().len() <= 64 << 10);
    }

    #[test]
    fn an_encoding_is_given_once_and_known() {
        let of = |given: &[&str]| {
            let value = |text: &&str| (CONTENT_ENCODING, HeaderValue::from_str(text).unwrap());
            ContentEncoding::of(&given.iter().map(value).collect()).ok()
        };
        assert_eq!(of(&[]), Some(ContentEncoding::Identity));
        assert_eq!(of(&["identity"]), Some(ContentEncoding::Identity));
        assert_eq!(of(&["gzip"]), Some(ContentEncoding::Gzip));
        for other in [&["br"][..], &["gzip, gzip"], &["gzip", "gzip"], &["identity", "gzip"]] {
            assert_eq!(of(other), None, "{other:?}");
        }
    }
}
