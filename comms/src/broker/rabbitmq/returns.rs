//! Which confirmed messages had come back unrouted.
//!
//! RabbitMQ sends `basic.return` before the `basic.ack` of the same message, but acknowledges many at
//! once, and lapin hands a returned message to whichever confirmation it completes next. So the
//! returned message is matched by its id, and a confirmation that carries another's is held until a
//! later one carries none: by then its own would have been seen.

use std::collections::HashSet;

use crate::broker::Reach;

/// What became of a published message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    Accepted(Reach),
    Refused,
}

#[derive(Debug, Default)]
pub(super) struct Returns {
    /// Came back, not yet answered.
    unrouted: HashSet<u64>,
    /// Confirmed in this round: the number, whether accepted, whether it carried another's return.
    round: Vec<(u64, bool, bool)>,
    /// Confirmed before, unsure whether their own return is still to come.
    held: Vec<(u64, bool)>,
}

impl Returns {
    /// Takes a confirmation down: `returned` is the number of the message that lapin attached to it.
    pub(super) fn note(&mut self, number: u64, accepted: bool, returned: Option<u64>) {
        if let Some(returned) = returned {
            self.unrouted.insert(returned);
        }
        self.round.push((number, accepted, returned.is_some_and(|returned| returned != number)));
    }

    /// After everything that was confirmed by now is noted: what can be answered. With `last`, nothing
    /// more is in flight.
    pub(super) fn finish_round(&mut self, last: bool) -> Vec<(u64, Outcome)> {
        let drained = last || self.round.iter().any(|&(_, _, carries)| !carries);
        let mut settled = Vec::with_capacity(self.round.len());
        for (number, accepted) in std::mem::take(&mut self.held) {
            self.settle(number, accepted, drained, &mut settled);
        }
        for (number, accepted, carries) in std::mem::take(&mut self.round) {
            self.settle(number, accepted, last || !carries, &mut settled);
        }
        settled
    }

    fn settle(&mut self, number: u64, accepted: bool, sure: bool, settled: &mut Vec<(u64, Outcome)>) {
        if self.unrouted.remove(&number) {
            settled.push((number, outcome(accepted, Reach::Unrouted)));
        } else if sure {
            settled.push((number, outcome(accepted, Reach::Subscribed)));
        } else {
            self.held.push((number, accepted));
        }
    }
}

fn outcome(accepted: bool, reach: Reach) -> Outcome {
    if accepted { Outcome::Accepted(reach) } else { Outcome::Refused }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SUBSCRIBED: Outcome = Outcome::Accepted(Reach::Subscribed);
    const UNROUTED: Outcome = Outcome::Accepted(Reach::Unrouted);

    #[test]
    fn a_return_counts_for_its_own_message_whichever_confirmation_carries_it() {
        let mut returns = Returns::default();
        returns.note(1, true, Some(3));
        returns.note(2, true, None);
        returns.note(3, true, None);
        assert_eq!(returns.finish_round(false), [(2, SUBSCRIBED), (3, UNROUTED)]);
        returns.note(4, true, None);
        assert_eq!(returns.finish_round(false), [(1, SUBSCRIBED), (4, SUBSCRIBED)]);
    }

    #[test]
    fn a_confirmation_with_anothers_return_waits_for_its_own() {
        let mut returns = Returns::default();
        returns.note(2, true, Some(1));
        assert_eq!(returns.finish_round(false), []);
        returns.note(1, true, Some(2));
        assert_eq!(returns.finish_round(true), [(2, UNROUTED), (1, UNROUTED)]);
    }

    #[test]
    fn a_refused_message_is_refused() {
        let mut returns = Returns::default();
        returns.note(1, false, None);
        assert_eq!(returns.finish_round(true), [(1, Outcome::Refused)]);
    }
}
