//! What entering a state brings with it. Only this file turns a request for a state into steps,
//! by the table of moves in the model.

use spiderq_core::{
    error::Result,
    model::{Actor, Fence, JsonText, Millis, Move, State},
    store::{Effect, NewAttempt, Step},
};

/// Why a job ended.
const CLOSE_REASON: &str = "close_reason";

/// `base` for a job that stays in its state, and `base` with the entry into `to` for a job that
/// may go there. Without `to` all jobs stay. A deleted job is not restored; [`or_restore`] adds
/// that.
pub(super) fn towards(
    to: Option<State>,
    base: Effect,
    actor: &Actor,
) -> Result<([Step; 4], Vec<Effect>)> {
    let stay = |effect: &Effect| match *effect == Effect::default() {
        true => Step::Keep,
        false => Step::Apply(0),
    };
    let Some(to) = to else {
        return Ok(([stay(&base); 4], vec![base]));
    };
    let entering = entering(to, base.clone(), actor)?;
    let staying = if to == State::Finished { without_end(base) } else { base };
    let on = State::ALL.map(|from| match from.move_to(to) {
        Move::Nothing => stay(&staying),
        Move::Enter => Step::Apply(1),
        Move::Restore | Move::Refused => Step::Refuse,
    });
    Ok((on, vec![staying, entering]))
}

/// Steps [towards] finished, and with `base` too for a deleted job: it is restored.
pub(super) fn or_restore(
    (mut on, mut effects): ([Step; 4], Vec<Effect>),
    base: Effect,
    actor: &Actor,
    now: Millis,
) -> Result<([Step; 4], Vec<Effect>)> {
    on[State::Deleted.index()] = restore_at(effects.len());
    effects.extend(restoring(base, actor, now)?);
    Ok((on, effects))
}

/// Steps that restore a deleted job and leave any other as it is.
pub(super) fn restore_only(actor: &Actor, now: Millis) -> Result<([Step; 4], Vec<Effect>)> {
    let mut on = [Step::Keep; 4];
    on[State::Deleted.index()] = restore_at(0);
    Ok((on, restoring(Effect::default(), actor, now)?.into()))
}

/// The step for the effects of [`restoring`], the first of which has this index.
const fn restore_at(index: usize) -> Step {
    Step::Restore { ended: index, never_ended: index + 1 }
}

/// What restores a deleted job: one that had ended goes back to that end. One that had not ends
/// now, as `cancelled` unless `base` says otherwise.
fn restoring(base: Effect, actor: &Actor, now: Millis) -> Result<[Effect; 2]> {
    let restored = |mut effect: Effect| {
        effect.set.set("restored_by", JsonText::string(actor.as_str()));
        effect.set.set("restored_time", JsonText::integer(now.0));
        entering(State::Finished, effect, actor)
    };
    let ended = Effect { restore: true, ..restored(without_end(base.clone()))? };
    let mut never_ended = restored(base)?;
    if never_ended.set.get(CLOSE_REASON).is_none() {
        never_ended.set.set(CLOSE_REASON, JsonText::string("cancelled"));
    }
    Ok([ended, never_ended])
}

/// `effect` for a job that has ended already: why it did is not said twice.
fn without_end(mut effect: Effect) -> Effect {
    effect.set.remove(CLOSE_REASON);
    effect.max_bytes = effect.max_bytes.filter(|_| !effect.set.is_empty());
    effect
}

/// `base` with the entry into `to`: a job that runs gets an attempt, and one that has ended
/// loses its lease and its unique key.
pub(super) fn entering(to: State, base: Effect, actor: &Actor) -> Result<Effect> {
    Ok(Effect {
        enter: Some((to, actor.clone())),
        start: attempt_in(to)?,
        release: matches!(to, State::Finished | State::Deleted),
        ..base
    })
}

/// The attempt of a job that enters `state` without being leased: only running jobs have one.
pub(super) fn attempt_in(state: State) -> Result<Option<NewAttempt>> {
    let attempt = || Ok(NewAttempt { fence: Fence::random()?, lease_expires: None });
    (state == State::Running).then(attempt).transpose()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_for_finished_has_a_step_for_every_state() {
        let actor = Actor::parse("ann").unwrap();
        let (on, effects) = towards(Some(State::Finished), Effect::default(), &actor).unwrap();
        assert_eq!(on, [Step::Apply(1), Step::Apply(1), Step::Keep, Step::Refuse]);
        let expected =
            Effect { enter: Some((State::Finished, actor)), release: true, ..Effect::default() };
        assert_eq!(effects[1], expected);
    }

    #[test]
    fn an_end_comes_once_and_all_else_is_merged() {
        let actor = Actor::parse("ann").unwrap();
        let mut base = Effect { max_bytes: Some(9), ..Effect::default() };
        base.set.set(CLOSE_REASON, JsonText::string("late"));
        let (on, effects) = towards(Some(State::Finished), base.clone(), &actor).unwrap();
        assert_eq!((on[2], &effects[0]), (Step::Keep, &Effect::default()));
        assert_eq!(effects[1].set, base.set);
        base.set.set("n", JsonText::integer(1));
        let (on, effects) = towards(Some(State::Finished), base.clone(), &actor).unwrap();
        let mut merged = base.clone();
        merged.set.remove(CLOSE_REASON);
        assert_eq!((on[2], &effects[0]), (Step::Apply(0), &merged));
        // Without a request for finished, a job that has ended may be told another reason.
        let (on, effects) = towards(None, base.clone(), &actor).unwrap();
        assert_eq!((on[2], effects), (Step::Apply(0), vec![base]));
    }

    #[test]
    fn a_restored_job_keeps_its_end_and_one_that_never_ended_is_cancelled() {
        let actor = Actor::parse("ann").unwrap();
        let mut base = Effect::default();
        base.set.set("n", JsonText::integer(1));
        let steps = towards(Some(State::Finished), base.clone(), &actor).unwrap();
        let (on, effects) = or_restore(steps, base, &actor, Millis(7)).unwrap();
        assert_eq!(on[3], Step::Restore { ended: 2, never_ended: 3 });
        let text = |effect: &Effect| {
            let fields = effect.set.iter().map(|(name, json)| format!("{}={json}", name.as_str()));
            fields.collect::<Vec<_>>().join(" ")
        };
        assert!(effects[2].restore && !effects[3].restore);
        assert_eq!(text(&effects[2]), "n=1 restored_by=\"ann\" restored_time=7");
        let cancelled = "close_reason=\"cancelled\" n=1 restored_by=\"ann\" restored_time=7";
        assert_eq!(text(&effects[3]), cancelled);
        let (on, effects) = restore_only(&actor, Millis(7)).unwrap();
        let restore = Step::Restore { ended: 0, never_ended: 1 };
        assert_eq!((on, effects.len()), ([Step::Keep, Step::Keep, Step::Keep, restore], 2));
    }

    #[test]
    fn running_begins_an_attempt_and_finished_and_deleted_release_the_job() {
        let actor = Actor::parse("ann").unwrap();
        let effects = State::ALL.map(|to| {
            let effect = entering(to, Effect::default(), &actor).unwrap();
            (effect.start.is_some(), effect.release)
        });
        assert_eq!(effects, [(false, false), (true, false), (false, true), (false, true)]);
    }
}
