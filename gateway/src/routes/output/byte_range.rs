//! A part of a response by `Range`, so that a download goes on where it was broken off.

use std::ops::Range;

use bytes::Bytes;
use futures::{Stream, TryStreamExt as _, stream};
use http::{
    HeaderMap, HeaderValue,
    header::{IF_RANGE, RANGE},
};

/// The bytes that a request asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ByteRange {
    /// From the first one to the last one or to the end.
    From(u64, Option<u64>),
    /// The last so many.
    Last(u64),
}

impl ByteRange {
    /// One range of bytes. A request for several, or for a part of what it has seen before by its
    /// tag, which no response has, gets all.
    pub(super) fn of(headers: &HeaderMap) -> Option<Self> {
        if headers.contains_key(IF_RANGE) {
            return None;
        }
        let text = headers.get(RANGE)?.to_str().ok()?.strip_prefix("bytes=")?.trim();
        let (first, last) = text.split_once('-')?;
        match (first, last) {
            ("", last) => Some(Self::Last(number(last)?)),
            (first, "") => Some(Self::From(number(first)?, None)),
            (first, last) => {
                let (first, last) = (number(first)?, number(last)?);
                (first <= last).then_some(Self::From(first, Some(last)))
            }
        }
    }

    /// Of that many bytes; `None` where it has none of them.
    pub(super) fn within(self, total: u64) -> Option<Range<u64>> {
        let range = match self {
            Self::From(first, last) => {
                first..last.map_or(total, |last| last.saturating_add(1).min(total))
            }
            Self::Last(count) => total.saturating_sub(count)..total,
        };
        (!range.is_empty()).then_some(range)
    }
}

/// The value of `Content-Range`.
pub(super) fn content_range(range: Option<&Range<u64>>, total: u64) -> HeaderValue {
    let text = match range {
        Some(range) => format!("bytes {}-{}/{total}", range.start, range.end.saturating_sub(1)),
        None => format!("bytes */{total}"),
    };
    HeaderValue::try_from(text).unwrap_or_else(|_| HeaderValue::from_static("bytes */*"))
}

/// These bytes of a body, which is read no further than they go.
pub(super) fn part<E: Send + 'static>(
    body: impl Stream<Item = Result<Bytes, E>> + Send + 'static,
    range: Range<u64>,
) -> impl Stream<Item = Result<Bytes, E>> + Send + 'static {
    let state = (Box::pin(body), 0);
    stream::try_unfold(state, move |(mut body, mut position)| {
        let range = range.clone();
        async move {
            while position < range.end {
                let Some(piece) = body.try_next().await? else { break };
                let start = position;
                position += piece.len() as u64;
                let at = |place: u64| (place.clamp(start, position) - start) as usize;
                let piece = piece.slice(at(range.start)..at(range.end));
                if !piece.is_empty() {
                    return Ok(Some((piece, (body, position))));
                }
            }
            Ok(None)
        }
    })
}

fn number(text: &str) -> Option<u64> {
    let is_number = text.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| text.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use super::*;

    #[test]
    fn one_range_of_bytes_is_taken() {
        let range = |text: &'static str| {
            ByteRange::of(&[(RANGE, HeaderValue::from_static(text))].into_iter().collect())
        };
        let whole = 10;
        for (text, bytes) in [
            ("bytes=0-", Some(0..10)),
            ("bytes=3-", Some(3..10)),
            ("bytes=3-3", Some(3..4)),
            ("bytes=3-99", Some(3..10)),
            ("bytes=0-18446744073709551615", Some(0..10)),
            ("bytes=-4", Some(6..10)),
            ("bytes=-99", Some(0..10)),
            ("bytes=10-", None),
            ("bytes=-0", None),
        ] {
            assert_eq!(range(text).unwrap().within(whole), bytes, "{text}");
        }
        for text in
            ["bytes=", "bytes=-", "bytes=4-3", "bytes=1-2,4-5", "lines=1-", "bytes=+1-", "bytes=x-"]
        {
            assert_eq!(range(text), None, "{text}");
        }
        let seen = [(RANGE, "bytes=1-"), (IF_RANGE, "\"x\"")];
        let seen = seen.map(|(name, value)| (name, HeaderValue::from_static(value)));
        assert_eq!(ByteRange::of(&seen.into_iter().collect()), None);
    }

    #[tokio::test]
    async fn a_part_is_cut_out_of_whichever_pieces() {
        for pieces in [vec!["0123456789"], vec!["", "01", "234", "", "56789"]] {
            for (range, expected) in
                [(0..10, "0123456789"), (2..5, "234"), (1..6, "12345"), (9..10, "9")]
            {
                let body = pieces.iter().map(|piece| Ok::<_, Infallible>(Bytes::from(*piece)));
                let body: Vec<_> = body.collect();
                let cut: Vec<Bytes> =
                    part(stream::iter(body), range.clone()).try_collect().await.unwrap();
                assert_eq!(cut.concat(), expected.as_bytes(), "{range:?} of {pieces:?}");
            }
        }
    }
}
