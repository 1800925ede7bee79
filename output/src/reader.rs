//! Reading an output in order, from segments and then from the tail.

use std::collections::VecDeque;

use bytes::Bytes;
use spiderq_core::{
    error::{Error, Result},
    limits::MAX_OUTPUT_PAGE_BYTES,
};
use tokio::task::spawn_blocking;

use crate::{
    LineFilter, OutputId, Outputs, SegmentName,
    backend::{Known, Peeked},
    segment,
    tail::{self, Lines, Tail},
};

/// After so many bytes that a filter passes over, a reader says how far it has come.
const MAX_SILENT_BYTES: usize = 8 << 20;
/// How often segments and tail are looked at again, when lines move from one to the other.
const MAX_LOOKS: usize = 5;

/// Some lines, and how far the reading has come.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Batch {
    /// Lines that match, without line breaks.
    pub lines: Vec<Bytes>,
    /// The offset of each.
    pub offsets: Vec<u64>,
    /// All lines before this offset are read.
    pub next: u64,
    /// Whether there were no more lines.
    pub at_end: bool,
}

/// A reading that is under way. Holds about one segment.
#[derive(Debug)]
pub struct Reader {
    outputs: Outputs,
    id: OutputId,
    filter: LineFilter,
    /// The offset of the next line.
    next: u64,
    /// Lines that may still be answered; `None`: all.
    limit: Option<u64>,
    /// Segments to read, in order.
    segments: VecDeque<SegmentName>,
    /// How much of the tail is read, and the offset after it.
    tail: Option<(Known, u64)>,
    /// Lines that are read and not looked at.
    chunks: VecDeque<Lines>,
}

impl Reader {
    pub(crate) fn new(outputs: Outputs, id: OutputId, start: u64, filter: LineFilter) -> Self {
        let (segments, chunks) = (VecDeque::new(), VecDeque::new());
        Self { outputs, id, filter, next: start, limit: None, segments, tail: None, chunks }
    }

    /// Ends after so many lines.
    #[must_use]
    pub fn limit(self, lines: u64) -> Self {
        Self { limit: Some(lines), ..self }
    }

    /// Goes to another attempt, from the same offset on: for a reader that has read nothing yet.
    pub fn go_to_attempt(&mut self, attempt: u32) {
        self.id.attempt = attempt;
        self.tail = None;
        self.segments.clear();
        self.chunks.clear();
    }

    /// What is read.
    #[must_use]
    pub const fn id(&self) -> &OutputId {
        &self.id
    }

    /// The offset of the next line.
    #[must_use]
    pub const fn next_offset(&self) -> u64 {
        self.next
    }

    /// Whether as many lines as asked for were answered.
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.limit == Some(0)
    }

    /// The next lines: up to a page of bytes, or those before the end. May be none before the end.
    pub async fn batch(&mut self) -> Result<Batch> {
        let mut batch = Batch { next: self.next, ..Batch::default() };
        let (mut bytes, mut passed) = (0, 0);
        while bytes < MAX_OUTPUT_PAGE_BYTES && passed < MAX_SILENT_BYTES && !self.is_done() {
            let Some(mut chunk) = self.chunk().await? else {
                batch.at_end = true;
                break;
            };
            let (filter, next, limit) = (self.filter.clone(), self.next, self.limit);
            let (length, found) = (chunk.text.len(), batch.lines.len() as u64);
            let room = MAX_OUTPUT_PAGE_BYTES - bytes;
            let take = move || {
                let took = take(&mut chunk, &filter, next, limit, room, &mut batch);
                (chunk, batch, took)
            };
            let took;
            (chunk, batch, took) = spawn_blocking(take).await.map_err(Error::bug)?;
            bytes += took;
            passed += length - chunk.text.len();
            self.next = self.next.max(chunk.start);
            let found = batch.lines.len() as u64 - found;
            self.limit = self.limit.map(|limit| limit.saturating_sub(found));
            if !chunk.text.is_empty() {
                // The page is full.
                self.chunks.push_front(chunk);
                break;
            }
        }
        batch.next = self.next;
        Ok(batch)
    }

    /// The next lines from `next` on, or some that end with them; `None` at the end.
    async fn chunk(&mut self) -> Result<Option<Lines>> {
        for _ in 0..MAX_LOOKS {
            if let Some(found) = self.chunk_of_segments().await? {
                return Ok(found);
            }
            if self.look_at_tail().await? {
                return Ok(self.chunks.pop_front());
            }
            // Its lines moved into a segment after the segments were listed.
        }
        Err(self.missing())
    }

    /// The next lines if they are at hand or in segments.
    async fn chunk_of_segments(&mut self) -> Result<Option<Option<Lines>>> {
        loop {
            if let Some(chunk) = self.chunks.pop_front() {
                return Ok(Some(Some(chunk)));
            }
            if let Some(segment) = self.next_segment() {
                return self.read_segment(segment).await.map(Some);
            }
            if self.tail.is_some() {
                return Ok(None);
            }
            self.segments = self.outputs.segments_page(&self.id, self.next).await?.into();
            if self.segments.is_empty() {
                return Ok(None);
            }
        }
    }

    fn missing(&self) -> Error {
        Error::damaged(format!("line {} of {} is missing", self.next, self.id))
    }

    /// The next segment that may have lines that match; passes over the others.
    fn next_segment(&mut self) -> Option<SegmentName> {
        while let Some(segment) = self.segments.pop_front() {
            if segment.end <= self.next {
                continue;
            }
            if self.filter.may_match(segment.max_level) || segment.start > self.next {
                return Some(segment);
            }
            self.next = segment.end;
        }
        None
    }

    async fn read_segment(&self, segment: SegmentName) -> Result<Option<Lines>> {
        if segment.start > self.next {
            return Err(self.missing());
        }
        let name = format!("{}.{}", self.id.stem(), segment.text());
        // It goes only with the job.
        let Some(object) = self.outputs.backend.get(self.id.key, &name).await? else {
            return Ok(None);
        };
        let decode = move || segment::lines(&object);
        let text = spawn_blocking(decode).await.map_err(Error::bug)??;
        Ok(Some(Lines { start: segment.start, own: Default::default(), text }))
    }

    /// Reads what is new in the tail. False if it begins behind the next line: that is in a
    /// segment.
    async fn look_at_tail(&mut self) -> Result<bool> {
        let known = self.tail.map(|(known, _)| known);
        match self.outputs.backend.peek_tail(&self.id, known).await? {
            Peeked::Missing => {
                self.tail = None;
                Ok(true)
            }
            Peeked::More(bytes) => {
                let Some((known, next)) = &mut self.tail else { return Ok(false) };
                let mut records = tail::records(bytes, *next);
                for (_, lines) in records.by_ref() {
                    *next = lines.start + lines.own.lines;
                    self.chunks.push_back(lines);
                }
                known.len += records.passed as u64;
                Ok(true)
            }
            Peeked::Whole(bytes) => {
                let tail = Tail::parse(&self.id, &bytes)?;
                if tail.start() > self.next {
                    self.tail = None;
                    return Ok(false);
                }
                let known = Known { start: tail.start(), len: tail.len as u64 };
                self.tail = Some((known, tail.start() + tail.own().lines));
                self.chunks.extend(tail.records);
                Ok(true)
            }
        }
    }

    /// Goes on at the last so many lines that match.
    pub async fn skip_to_last(&mut self, lines: u64) -> Result<()> {
        if self.filter.is_empty() {
            let end = self.outputs.summary(&self.id).await?.lines;
            self.next = self.next.max(end.saturating_sub(lines));
            return Ok(());
        }
        let start = self.next;
        let (segments, mut chunks) = self.all_parts().await?;
        let mut segments = segments.into_iter().rev();
        let (mut missing, mut until) = (lines, u64::MAX);
        while missing > 0 {
            // From the end on, chunk by chunk.
            let chunk = match chunks.pop() {
                Some(chunk) => Some(chunk),
                None => match segments.next() {
                    Some(segment) => self.chunk_to_search(segment).await?,
                    None => break,
                },
            };
            let Some(chunk) = chunk else { continue };
            let (filter, chunk_start) = (self.filter.clone(), chunk.start);
            let find = move || matching(&chunk, &filter, start, until);
            let mut found = spawn_blocking(find).await.map_err(Error::bug)?;
            until = until.min(chunk_start);
            let last = found.split_off(found.len() - found.len().min(to_usize(missing)));
            missing -= last.len() as u64;
            if missing == 0 {
                self.next = last.first().copied().unwrap_or(start);
                return Ok(());
            }
        }
        self.next = start;
        Ok(())
    }

    /// The segments with lines from `next` on, and what the tail has behind them.
    async fn all_parts(&mut self) -> Result<(Vec<SegmentName>, Vec<Lines>)> {
        let start = self.next;
        for _ in 0..MAX_LOOKS {
            let segments = self.outputs.segments(&self.id, start).await?;
            self.next = segments.last().map_or(start, |last| last.end);
            if self.look_at_tail().await? {
                // The reading that follows begins with the segments again.
                self.tail = None;
                return Ok((segments, self.chunks.drain(..).collect()));
            }
        }
        Err(self.missing())
    }

    /// The lines of a segment that may have some that match.
    async fn chunk_to_search(&mut self, segment: SegmentName) -> Result<Option<Lines>> {
        if !self.filter.may_match(segment.max_level) {
            return Ok(None);
        }
        self.next = segment.start;
        self.read_segment(segment).await
    }
}

fn to_usize(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

/// Moves lines from `next` on that match from the chunk to the batch, up to `limit` of them and
/// `room` bytes, but one at least. Bytes of these lines.
fn take(
    chunk: &mut Lines,
    filter: &LineFilter,
    next: u64,
    limit: Option<u64>,
    room: usize,
    batch: &mut Batch,
) -> usize {
    let (mut taken, mut found, mut at) = (0, 0, 0);
    for end in memchr::memchr_iter(b'\n', &chunk.text) {
        if limit.is_some_and(|limit| found >= limit) {
            break;
        }
        let line = chunk.text.slice(at..end);
        if chunk.start >= next && filter.matches(&line) {
            if taken + line.len() > room && !batch.lines.is_empty() {
                break;
            }
            taken += line.len() + 1;
            found += 1;
            batch.offsets.push(chunk.start);
            batch.lines.push(line);
        }
        chunk.start += 1;
        at = end + 1;
    }
    chunk.text = chunk.text.slice(at..);
    taken
}

/// Offsets of the lines from `start` on and before `until` that match.
fn matching(chunk: &Lines, filter: &LineFilter, start: u64, until: u64) -> Vec<u64> {
    let (mut found, mut at, mut offset) = (Vec::new(), 0, chunk.start);
    for end in memchr::memchr_iter(b'\n', &chunk.text) {
        if offset >= start && offset < until && filter.matches(&chunk.text[at..end]) {
            found.push(offset);
        }
        (offset, at) = (offset + 1, end + 1);
    }
    found
}
