//! zstd itself: the dictionaries, prepared once in a process, and for each thread a compressor and
//! a decompressor, which are much larger than most values. A thread's compressor keeps 50 KB after
//! values of 1 KB, 0.6 MB after one of 128 KiB, and 2.6 MB after one of 1 MiB.

use std::{cell::RefCell, io, sync::LazyLock};

use zstd::{
    bulk::{Compressor, Decompressor},
    dict::{DecoderDictionary, EncoderDictionary},
    zstd_safe::CParameter,
};

/// The dictionaries that values may need: that of number 1 is the first. Never changed, only added
/// to.
pub(crate) const DICTIONARIES: [&[u8]; 1] = [include_bytes!("../dictionaries/1.dict")];
/// The number of the one that new values get.
pub(crate) const WRITTEN: u8 = 1;
const _: () = assert!(WRITTEN as usize <= DICTIONARIES.len());

/// Takes 10 µs for 1 KB of Scrapy's statistics. Level 3 is a third faster and 11 % larger, level 6
/// takes four times as long for 13 % less.
const LEVEL: i32 = 4;

static ENCODER: LazyLock<io::Result<EncoderDictionary<'static>>> =
    LazyLock::new(|| EncoderDictionary::try_copy(DICTIONARIES[usize::from(WRITTEN) - 1], LEVEL));
static DECODERS: LazyLock<[io::Result<DecoderDictionary<'static>>; DICTIONARIES.len()]> =
    LazyLock::new(|| DICTIONARIES.map(DecoderDictionary::try_copy));

thread_local! {
    static COMPRESSOR: RefCell<Option<Compressor<'static>>> = RefCell::new(compressor().ok());
    static DECOMPRESSOR: RefCell<Option<Decompressor<'static>>> =
        RefCell::new(Decompressor::new().ok());
}

fn compressor() -> io::Result<Compressor<'static>> {
    let dictionary = ENCODER.as_ref().map_err(|error| io::Error::from(error.kind()))?;
    let mut compressor = Compressor::with_prepared_dictionary(dictionary)?;
    compressor.set_parameter(CParameter::ContentSizeFlag(false))?;
    compressor.set_parameter(CParameter::DictIdFlag(false))?;
    compressor.set_parameter(CParameter::ChecksumFlag(true))?;
    Ok(compressor)
}

/// `header` and a frame of `text`, with the dictionary [`WRITTEN`]; `None` where memory is short.
pub(crate) fn compress(header: &[u8], text: &[u8]) -> Option<Vec<u8>> {
    let frame =
        COMPRESSOR.with_borrow_mut(|compressor| compressor.as_mut()?.compress(text).ok())?;
    Some([header, &frame].concat())
}

/// Whether there is a dictionary of this number.
pub(crate) fn is_known(dictionary: u8) -> bool {
    decoder(dictionary).is_some()
}

fn decoder(dictionary: u8) -> Option<&'static io::Result<DecoderDictionary<'static>>> {
    DECODERS.get(usize::from(dictionary).checked_sub(1)?)
}

/// The text of a frame; `None` if it is damaged or longer than `limit`.
pub(crate) fn decompress(dictionary: u8, frame: &[u8], limit: usize) -> Option<Vec<u8>> {
    let dictionary = decoder(dictionary)?.as_ref().ok()?;
    let mut text = Vec::with_capacity(limit);
    DECOMPRESSOR.with_borrow_mut(|decompressor| {
        let decompressor = decompressor.as_mut()?;
        decompressor.set_prepared_dictionary(dictionary).ok()?;
        decompressor.decompress_to_buffer(frame, &mut text).ok()
    })?;
    Some(text)
}
