//! Pages: how many rows, and tokens that are good for the same request only.

use std::fmt;

use prost::Message;
use sha2::{Digest as _, Sha256};

use spiderq_core::{
    error::{Error, Result},
    hex,
};

/// Bytes of the digest that binds a token to its request.
const DIGEST_BYTES: usize = 8;

/// Makes and reads the tokens of one request. The digest in a token finds mistakes, not attacks:
/// a token holds nothing that its reader may not know.
#[derive(Debug)]
pub(super) struct PageTokens(Sha256);

impl PageTokens {
    /// `request` is the message without what may differ from page to page: its page size, its page
    /// token and its request id.
    pub(super) fn of<M: Message>(call: &str, request: &M) -> Self {
        let mut hash = Sha256::new();
        hash.update(call);
        hash.update([0_u8]);
        hash.update(request.encode_to_vec());
        Self(hash)
    }

    /// The token of the page that begins after `cursor`.
    pub(super) fn token(&self, cursor: impl fmt::Display) -> String {
        let cursor = cursor.to_string();
        format!("{}-{cursor}", self.digest(&cursor))
    }

    fn digest(&self, cursor: &str) -> String {
        let digest = self.0.clone().chain_update(cursor).finalize();
        hex(&digest[..DIGEST_BYTES])
    }

    /// The cursor of a token as `parse` reads it; `None` for the first page.
    pub(super) fn cursor<T>(
        &self,
        token: &str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Result<Option<T>> {
        if token.is_empty() {
            return Ok(None);
        }
        let accepted = "must be the next_page_token of a page before, with the same request";
        let bad = || Error::invalid("page_token", accepted);
        let (digest, cursor) = token.split_once('-').ok_or_else(bad)?;
        if digest != self.digest(cursor) {
            return Err(bad());
        }
        parse(cursor).map(Some).ok_or_else(bad)
    }
}

/// A number as cursors have it. There is one way to write it: others were not given by this
/// service.
pub(super) fn number(text: &str) -> Option<u64> {
    let number = u64::from_str_radix(text, 16).ok()?;
    (format!("{number:x}") == text).then_some(number)
}

/// Rows of a page: `default` for 0, and never more than `most`.
pub(super) fn page_size(asked: i32, default: usize, most: usize) -> Result<usize> {
    match usize::try_from(asked) {
        Ok(0) => Ok(default),
        Ok(size) => Ok(size.min(most)),
        Err(_) => Err(Error::invalid("page_size", "must not be negative")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use spiderq_proto::v1::ListProjectsRequest;

    #[test]
    fn a_token_is_good_for_the_same_request_only() {
        let request = |page_size| ListProjectsRequest { page_size, ..Default::default() };
        let tokens = PageTokens::of("ListProjects", &request(1));
        let token = tokens.token(format_args!("{:x}", 31));
        assert_eq!(tokens.cursor(&token, number).unwrap(), Some(31));
        assert_eq!(tokens.cursor("", number).unwrap(), None);
        for other in [
            PageTokens::of("ListProjects", &request(2)),
            PageTokens::of("ListSpiders", &request(1)),
        ] {
            assert!(other.cursor(&token, number).is_err());
        }
        for bad in ["x", "1f", "-1f", &format!("{token}0"), &format!("{token}-")] {
            let refused = tokens.cursor(bad, number).unwrap_err().to_string();
            assert!(refused.starts_with("page_token: must be the next_page_token"), "{bad}");
        }
    }

    #[test]
    fn sizes_above_the_most_are_reduced() {
        assert_eq!(page_size(0, 100, 1_000).unwrap(), 100);
        assert_eq!(page_size(5, 100, 1_000).unwrap(), 5);
        assert_eq!(page_size(5_000, 100, 1_000).unwrap(), 1_000);
        assert_eq!(page_size(-1, 0, 0).unwrap_err().to_string(), "page_size: must not be negative");
    }

    #[test]
    fn a_number_is_written_in_one_way() {
        assert_eq!(number("1f"), Some(31));
        for bad in ["", "1F", "01f", "+1f", "x", "10000000000000000"] {
            assert_eq!(number(bad), None, "{bad}");
        }
    }
}
