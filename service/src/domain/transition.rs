//! What entering a state brings with it. Only this file turns a request for a state into steps,
//! by the table of moves in the model.

use spiderq_core::{
    error::Result,
    model::{Actor, Fence, Move, State},
    store::{Effect, NewAttempt, Step},
};

/// `base` for a job that stays in its state, and `base` with the entry into `to` for a job that
/// may go there. Without `to` all jobs stay.
pub(super) fn towards(
    to: Option<State>,
    base: Effect,
    actor: &Actor,
) -> Result<([Step; 4], Vec<Effect>)> {
    let stay = if base == Effect::default() { Step::Keep } else { Step::Apply(0) };
    let Some(to) = to else {
        return Ok(([stay; 4], vec![base]));
    };
    let entering = entering(to, base.clone(), actor)?;
    let on = State::ALL.map(|from| match from.move_to(to) {
        Move::Nothing => stay,
        Move::Enter => Step::Apply(1),
        Move::Refused => Step::Refuse,
    });
    Ok((on, vec![base, entering]))
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
    fn running_begins_an_attempt_and_finished_and_deleted_release_the_job() {
        let actor = Actor::parse("ann").unwrap();
        let effects = State::ALL.map(|to| {
            let effect = entering(to, Effect::default(), &actor).unwrap();
            (effect.start.is_some(), effect.release)
        });
        assert_eq!(effects, [(false, false), (true, false), (false, true), (false, true)]);
    }
}
