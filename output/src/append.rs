//! Appending lines, and moving them from the tail into segments.

use bytes::Bytes;
use spiderq_core::{
    error::{Error, Result},
    model::{Fence, JobKey},
};
use tokio::task::spawn_blocking;

use crate::{
    OutputId, OutputKind, Outputs, Summary,
    backend::{Peeked, Version},
    line, segment,
    tail::{Header, Record, Tail, encode_header, encode_record},
};

/// How often an append is tried again after another process was faster.
const MAX_TRIES: usize = 50;
/// Bytes of lines that are not worth a segment when the job has ended.
const MIN_SEGMENT_BYTES: u64 = 16 << 10;

/// Lines to append.
#[derive(Clone, Debug)]
pub struct Append {
    /// To which output.
    pub id: OutputId,
    /// The offset of the first line.
    pub start: u64,
    /// The lines, without line breaks.
    pub lines: Vec<Bytes>,
    /// Who appends, if it is the holder of an attempt.
    pub holder: Option<Fence>,
    /// How many bytes of lines the output may have with these.
    pub max_bytes: u64,
}

/// What has become of an append.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Appended {
    /// The offset of the next line.
    pub next: u64,
    /// Bytes of all lines of the output.
    pub bytes: u64,
}

/// The end of an output, as this process left it.
#[derive(Clone, Debug)]
pub(crate) struct State {
    /// All lines.
    totals: Summary,
    /// The tail; `None` where there is none yet.
    tail: Option<Version>,
    holder: Option<String>,
}

impl Outputs {
    /// Appends lines. Those that are there already are passed over. [`Error::OutputGap`] where
    /// lines before them are missing, [`Error::TooLarge`] where there would be too many bytes, and
    /// [`Error::Invalid`] where a line is not what the output may hold; then nothing is done.
    pub async fn append(&self, append: Append) -> Result<Appended> {
        // A caller that goes away must not leave an append half done.
        let this = self.clone();
        tokio::spawn(async move { this.append_to_end(append).await }).await.map_err(Error::bug)?
    }

    async fn append_to_end(&self, append: Append) -> Result<Appended> {
        let shared = self.state(&append.id);
        let mut state = shared.lock().await;
        for _ in 0..MAX_TRIES {
            let (known, is_new) = match state.take() {
                Some(known) => (known, false),
                None => (self.load(&append.id).await?, true),
            };
            let next = known.totals.lines;
            if append.start > next && !is_new {
                // Another process may have appended those between.
                continue;
            }
            if append.start > next {
                *state = Some(known);
                return Err(Error::OutputGap(append.id.key, next));
            }
            if append.start + append.lines.len() as u64 <= next {
                let done = known.appended();
                *state = Some(known);
                return Ok(done);
            }
            match self.append_at(&append, &known).await {
                Ok(Some(new)) => {
                    self.wakes.wake(append.id.key);
                    let done = new.appended();
                    *state = self.compact_if_full(&append.id, new).await;
                    return Ok(done);
                }
                // Another process was faster.
                Ok(None) => {}
                Err(error @ Error::Unavailable { .. }) => return Err(error),
                Err(error) => {
                    *state = Some(known);
                    return Err(error);
                }
            }
        }
        Err(Error::unavailable("others append to the same output all the time"))
    }

    /// The end of an output, as the backend has it.
    async fn load(&self, id: &OutputId) -> Result<State> {
        let Some((version, bytes)) = self.backend.load_tail(id).await? else {
            let totals = self.summary_of_segments(id).await?;
            return Ok(State { totals, tail: None, holder: None });
        };
        let tail = Tail::parse(id, &bytes)?;
        let mut totals = tail.header.before.clone();
        totals.add(&tail.own());
        Ok(State { totals, tail: Some(version), holder: tail.holder })
    }

    /// Appends what is new at the end that is known; `None`: it is not the end any more.
    async fn append_at(&self, append: &Append, known: &State) -> Result<Option<State>> {
        let present = usize::try_from(known.totals.lines - append.start).map_err(Error::bug)?;
        let (kind, lines) = (append.id.kind, append.lines.clone());
        let holder = append.holder.as_ref().map(kept);
        let room = append.max_bytes.saturating_sub(known.totals.bytes);
        let record = move || record(kind, &lines, present, holder, room);
        let (record, own) = spawn_blocking(record).await.map_err(Error::bug)??;
        let holder = append.holder.as_ref().map(kept).or_else(|| known.holder.clone());
        let done = match &known.tail {
            Some(at) => self.backend.append_tail(&append.id, at, record).await?,
            None => {
                let header = Header { before: known.totals.clone(), holder: None };
                let tail = [encode_header(&header)?.as_slice(), &record].concat();
                self.backend.replace_tail(&append.id, None, tail.into()).await?
            }
        };
        let Some(version) = done else { return Ok(None) };
        let mut totals = known.totals.clone();
        totals.add(&own);
        Ok(Some(State { totals, tail: Some(version), holder }))
    }

    async fn compact_if_full(&self, id: &OutputId, state: State) -> Option<State> {
        let is_full = |tail: &Version| tail.len >= self.backend.tail_bytes();
        if !state.tail.as_ref().is_some_and(is_full) {
            return Some(state);
        }
        // What was appended is safe where it is: another append tries this again.
        let done = self.compact(id, 0).await;
        done.unwrap_or_else(|error| {
            tracing::warn!(output = %id, %error, cause = error.cause(), "tail not compressed");
            Some(state)
        })
    }

    /// Moves the lines of the tail into a segment if they have so many bytes. The end of the output
    /// after it; `None`: not known.
    async fn compact(&self, id: &OutputId, min_bytes: u64) -> Result<Option<State>> {
        let Some((version, bytes)) = self.backend.load_tail(id).await? else { return Ok(None) };
        let output = *id;
        let compress = move || {
            let tail = Tail::parse(&output, &bytes)?;
            let own = tail.own();
            if own.bytes < min_bytes.max(1) {
                return Ok(None);
            }
            let length = tail.records.iter().map(|record| record.text.len()).sum();
            let mut text = Vec::with_capacity(length);
            tail.records.iter().for_each(|record| text.extend_from_slice(&record.text));
            let segment = segment::encode(&output, &tail.header.before, &own, &text)?;
            let mut totals = tail.header.before;
            totals.add(&own);
            Ok::<_, Error>(Some((segment, totals, tail.holder)))
        };
        let compressed = spawn_blocking(compress).await.map_err(Error::bug)??;
        let Some(((name, object), totals, holder)) = compressed else { return Ok(None) };
        let name = format!("{}.{}", id.stem(), name.text());
        self.backend.put(id.key, &name, object).await?;
        // Until this is done both have the lines, and readers take them from the segment.
        let header = encode_header(&Header { before: totals.clone(), holder: holder.clone() })?;
        let tail = self.backend.replace_tail(id, Some(&version), header.into()).await?;
        Ok(tail.map(|tail| State { totals, tail: Some(tail), holder }))
    }

    /// Compresses what is left in all tails of a job that has ended, where that is worth it.
    pub async fn end_all(&self, key: JobKey) -> Result<()> {
        for (name, bytes) in self.objects(key).await? {
            if let Some(((attempt, kind), "tail")) = OutputId::split(&name)
                && bytes >= MIN_SEGMENT_BYTES
            {
                self.end_one(&OutputId { key, attempt, kind }).await?;
            }
        }
        Ok(())
    }

    /// Compresses what is left in the tails of an attempt that has ended.
    pub async fn end(&self, key: JobKey, attempt: u32) -> Result<()> {
        for kind in OutputKind::ALL {
            self.end_one(&OutputId { key, attempt, kind }).await?;
        }
        Ok(())
    }

    /// The same of one output.
    pub async fn end_one(&self, id: &OutputId) -> Result<()> {
        let shared = self.state(id);
        let mut state = shared.lock().await;
        *state = None;
        let done = self.compact(id, MIN_SEGMENT_BYTES).await;
        self.forget(id);
        done.map(|_| ())
    }

    /// Whether lines of the attempt were appended under this fence.
    pub async fn was_appended_by(&self, key: JobKey, attempt: u32, fence: &Fence) -> Result<bool> {
        let holder = kept(fence);
        for kind in OutputKind::ALL {
            let id = OutputId { key, attempt, kind };
            if let Peeked::Whole(bytes) = self.backend.peek_tail(&id, None).await?
                && Tail::parse(&id, &bytes)?.holder.as_ref() == Some(&holder)
            {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

/// A fence as the tail keeps it: whoever appends after the job's end must be who did before.
fn kept(fence: &Fence) -> String {
    fence.expose().to_owned()
}

impl State {
    const fn appended(&self) -> Appended {
        Appended { next: self.totals.lines, bytes: self.totals.bytes }
    }
}

/// A record of the lines behind those that are `present`, and their summary.
fn record(
    kind: OutputKind,
    lines: &[Bytes],
    present: usize,
    holder: Option<String>,
    room: u64,
) -> Result<(Bytes, Summary)> {
    let mut own = Summary::default();
    for (index, text) in lines.iter().enumerate().skip(present) {
        line::add(kind, text, &mut own)
            .map_err(|refused| Error::invalid("lines", refused).at(&format!("lines[{index}]")))?;
    }
    if own.bytes > room {
        return Err(Error::too_large(
            "lines",
            "the job's output is as large as the project's setting max_output_bytes allows",
        ));
    }
    let record = encode_record(&Record { own: own.clone(), holder }, &lines[present..])?;
    Ok((record, own))
}
