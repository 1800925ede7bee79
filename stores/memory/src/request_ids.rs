//! Request ids: the answers that are given again to a repeated call.

use std::collections::HashMap;

use spiderq_core::{
    error::{Error, Result},
    model::{Fence, JobKey, Millis},
    store::{AddOutcome, Changed, KeptAnswers, RequestDigest},
};

/// What a call answered, as far as it is kept.
#[derive(Clone, Debug)]
pub(crate) enum Reply {
    Pushed(KeptAnswers<AddOutcome>),
    Changed(KeptAnswers<Changed>),
    /// The job is read again when the call is repeated; the fence is the first call's.
    Claimed(JobKey, Fence),
}

impl Reply {
    pub(crate) fn pushed(self) -> Result<KeptAnswers<AddOutcome>> {
        let Self::Pushed(pushed) = self else { return Err(another_call()) };
        Ok(pushed)
    }

    pub(crate) fn changed(self) -> Result<KeptAnswers<Changed>> {
        let Self::Changed(changed) = self else { return Err(another_call()) };
        Ok(changed)
    }

    pub(crate) fn claimed(self) -> Result<(JobKey, Fence)> {
        let Self::Claimed(key, fence) = self else { return Err(another_call()) };
        Ok((key, fence))
    }
}

/// Fingerprints of different calls differ.
fn another_call() -> Error {
    Error::bug("a request id with the fingerprint of another call")
}

/// The answers of one project by their request id.
#[derive(Clone, Debug, Default)]
pub(crate) struct RequestIds(HashMap<String, (RequestDigest, Reply)>);

impl RequestIds {
    /// The answer to the first call with this id.
    pub(crate) fn recall(&self, id: Option<&RequestDigest>, now: Millis) -> Result<Option<Reply>> {
        let kept = id.and_then(|id| Some((id, self.0.get(&id.id)?)));
        match kept.filter(|(_, (first, _))| first.expires > now) {
            Some((id, (first, _))) if first.fingerprint != id.fingerprint => {
                Err(Error::RequestIdReused)
            }
            kept => Ok(kept.map(|(_, (_, reply))| reply.clone())),
        }
    }

    /// Keeps the answer, if there is one, and forgets all that have expired.
    pub(crate) fn keep(&mut self, id: Option<&RequestDigest>, now: Millis, reply: Option<Reply>) {
        let Some((id, reply)) = id.zip(reply) else { return };
        self.0.retain(|_, (kept, _)| kept.expires > now);
        self.0.insert(id.id.clone(), (id.clone(), reply));
    }
}
