//! What entering a state brings with it. The only place that turns a wish for a state
//! into steps, by the table of moves in the model.

use super::push::new_start;
use crate::{
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
    let stay = if base == Effect::default() {
        Step::Keep
    } else {
        Step::Apply(0)
    };
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
