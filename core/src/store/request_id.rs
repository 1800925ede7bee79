//! Request ids: a call that is made twice under one id is done once.

use crate::model::Millis;

/// What a store keeps of a call under a request id, beside the answer that it gave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestDigest {
    /// Digest of the caller, its request id and the number of the step of the call: 32
    /// hexadecimal characters, one space for each project.
    pub id: String,
    /// Digest of what the call asks for: 32 hexadecimal characters. The same id with another
    /// one is [`Error::RequestIdReused`](crate::error::Error::RequestIdReused).
    pub fingerprint: String,
    /// When the store may forget it: [`REQUEST_ID_TTL_MS`](crate::limits::REQUEST_ID_TTL_MS)
    /// after the call.
    pub expires: Millis,
}

/// The kept answers to the parts of a call, each of which is done or refused on its own. `None`
/// stands for a part that was refused: nothing was done, so that it is judged anew.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptAnswers<T>(pub Vec<Option<T>>);

impl<T> KeptAnswers<T> {
    /// All answers, if no part was refused. They hold even where a call that looks for its parts
    /// has found others the second time.
    pub fn whole(self) -> Result<Vec<T>, Self> {
        match self.0.iter().all(Option::is_some) {
            true => Ok(self.0.into_iter().flatten().collect()),
            false => Err(self),
        }
    }

    /// The answers to all `parts`: those that are kept, and what `judge` answers to the others.
    pub fn complete<P, E>(
        self,
        parts: Vec<P>,
        judge: impl FnOnce(Vec<P>) -> Result<Vec<T>, E>,
    ) -> Result<Vec<T>, E> {
        let Self(kept) = self;
        let open = parts.into_iter().zip(&kept).filter(|(_, kept)| kept.is_none());
        let mut judged = judge(open.map(|(part, _)| part).collect())?.into_iter();
        Ok(kept.into_iter().filter_map(|kept| kept.or_else(|| judged.next())).collect())
    }

    /// What to keep of `answers`; `None` when nothing was done. With `all_or_nothing` that is so
    /// as soon as one part is refused.
    pub fn of(answers: &[T], all_or_nothing: bool, is_refusal: impl Fn(&T) -> bool) -> Option<Self>
    where
        T: Clone,
    {
        let refused = answers.iter().filter(|answer| is_refusal(answer)).count();
        let nothing_done = refused > 0 && (all_or_nothing || refused == answers.len());
        let kept = answers.iter().map(|answer| (!is_refusal(answer)).then(|| answer.clone()));
        (!nothing_done).then(|| Self(kept.collect()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(answers: &[i32], all_or_nothing: bool) -> Option<Vec<Option<i32>>> {
        KeptAnswers::of(answers, all_or_nothing, |answer| *answer < 0).map(|kept| kept.0)
    }

    #[test]
    fn refusals_are_not_kept() {
        assert_eq!(of(&[1, -1, 2], false), Some(vec![Some(1), None, Some(2)]));
        assert_eq!(of(&[-1, -1], false), None);
        assert_eq!(of(&[1, -1], true), None);
        assert_eq!(of(&[1, 2], true), Some(vec![Some(1), Some(2)]));
        assert_eq!(of(&[], false), Some(vec![]));
    }

    #[test]
    fn only_parts_without_an_answer_are_judged() {
        let kept = KeptAnswers(vec![Some(1), None, None]);
        let judge = |parts: Vec<&str>| {
            assert_eq!(parts, ["b", "c"]);
            Ok::<_, ()>(vec![20, 30])
        };
        assert_eq!(kept.complete(vec!["a", "b", "c"], judge), Ok(vec![1, 20, 30]));
        assert_eq!(KeptAnswers(vec![Some(1), Some(2)]).whole(), Ok(vec![1, 2]));
        assert_eq!(KeptAnswers::<i32>(vec![]).whole(), Ok(vec![]));
        let open = KeptAnswers(vec![Some(1), None]);
        assert_eq!(open.clone().whole(), Err(open));
    }
}
