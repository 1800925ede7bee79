//! What entering a state brings with it. The only place that turns a wish for a state
//! into steps, by the table of moves in the model.

use super::push::new_start;
use spiderq_core::{
    error::Result,
    model::{Actor, Move, State},
    store::{Effect, Step},
};

/// `base` for a job that stays in its state, and `base` with the entry into `to` for those
/// that may go there.
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

/// `base` with the entry into `to`: a job that runs has an attempt, and one that is done
/// holds neither lease nor unique key.
pub(super) fn entering(to: State, base: Effect, actor: &Actor) -> Result<Effect> {
    Ok(Effect {
        enter: Some((to, actor.clone())),
        start: match to {
            State::Running => Some(new_start()?),
            State::Pending | State::Finished | State::Deleted => None,
        },
        release: matches!(to, State::Finished | State::Deleted),
        ..base
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wish_for_finished_is_answered_in_every_state() {
        let actor = Actor::parse("ann").unwrap();
        let (on, effects) = towards(Some(State::Finished), Effect::default(), &actor).unwrap();
        assert_eq!(on, [Step::Apply(1), Step::Apply(1), Step::Keep, Step::Refuse]);
        let expected =
            Effect { enter: Some((State::Finished, actor)), release: true, ..Effect::default() };
        assert_eq!(effects[1], expected);
    }

    #[test]
    fn only_running_begins_an_attempt_and_only_an_end_releases() {
        let actor = Actor::parse("ann").unwrap();
        let brings = State::ALL.map(|to| {
            let effect = entering(to, Effect::default(), &actor).unwrap();
            (effect.start.is_some(), effect.release)
        });
        assert_eq!(brings, [(false, false), (true, false), (false, true), (false, true)]);
    }
}
