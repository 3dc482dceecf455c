//! Settling a message together with what its handler published: in one step, which nobody sees half of.

use std::sync::{Arc, MutexGuard};

use super::Connection;
use super::group::Group;
use super::hub::{Hub, Route};
use super::state::State;
use super::wakers::Wakers;
use crate::broker::{BrokerError, BrokerErrorKind, Reach, Receipt};
use crate::message::Envelope;

/// A group while it is changed.
type Locked<'a> = (&'a Arc<Group>, MutexGuard<'a, State>);

impl Connection {
    /// Whether the message can be sent, and has a place in every group that it reaches: that is the back-pressure. The place is not
    /// kept for it; what is sent in the end is sent in any case.
    pub(super) async fn prepare(&self, envelope: &Arc<Envelope>) -> Result<(), BrokerError> {
        self.check(envelope)?;
        let route = self.hub.route_of(&envelope.topic)?;
        let patience = self.patience(envelope);
        let room = async {
            for group in route.iter() {
                group.has_room().await;
            }
        };
        tokio::select! {
            () = self.closed() => Err(BrokerError::closed("publish")),
            outcome = tokio::time::timeout(patience, room) => outcome.map_err(|_| {
                let message = format!(
                    "could not publish to `{}` in a transaction within {patience:?}: a group that it reaches is full. Add members, or raise `capacity` in the broker's URL",
                    envelope.topic
                );
                BrokerError::new(BrokerErrorKind::Connection, message)
            }),
        }
    }
}

impl Hub {
    /// Settles a message of a member and sends what its handler published, with all groups locked that this concerns; neither when the
    /// message is not the member's any more.
    pub(super) fn commit(&self, from: &Arc<Group>, member: u64, tag: u64, published: &[Arc<Envelope>]) {
        let mut wakers = Wakers::default();
        let mut topics = self.topics();
        let routes: Vec<Route> = published.iter().filter_map(|envelope| topics.route(&envelope.topic).ok()).collect();
        if routes.len() < published.len() {
            // Can't be: they were prepared.
            drop(topics);
            return from.release(member, tag);
        }
        // Nobody else locks more than one group, and here only who has the topics does.
        let mut states = lock_all(std::iter::once(from).chain(routes.iter().flat_map(|route| route.iter())));
        let Some(settled) =
            states.iter_mut().find(|(group, _)| Arc::ptr_eq(group, from)).and_then(|(_, state)| state.settle(member, tag, &mut wakers))
        else {
            return;
        };
        let mut receipts = Vec::with_capacity(published.len());
        for (envelope, route) in published.iter().zip(&routes) {
            let mut is_read = false;
            for (group, state) in states.iter_mut().filter(|(group, _)| route.iter().any(|reached| Arc::ptr_eq(reached, group))) {
                if !state.gone {
                    group.put(state, Arc::clone(envelope), &mut wakers);
                    is_read = true;
                }
            }
            self.log(&mut topics, envelope);
            receipts.push(self.reach(is_read));
        }
        drop(states);
        drop(topics);
        wakers.wake();
        // After what follows from it: nobody sees the broker empty in between.
        self.counters.settle(1);
        drop(settled);
        for (envelope, reach) in published.iter().zip(receipts) {
            self.record(envelope, Receipt::new(reach));
        }
    }

    /// Whether a message reaches anybody.
    pub(super) fn reach(&self, is_read: bool) -> Reach {
        match is_read {
            true => Reach::Subscribed,
            // A later group may still read it from the log.
            false if self.config.log > 0 => Reach::Unknown,
            false => Reach::Unrouted,
        }
    }
}

/// Each group once.
fn lock_all<'a>(groups: impl Iterator<Item = &'a Arc<Group>>) -> Vec<Locked<'a>> {
    let mut locked: Vec<Locked<'a>> = Vec::new();
    for group in groups {
        if !locked.iter().any(|(other, _)| Arc::ptr_eq(other, group)) {
            locked.push((group, group.lock()));
        }
    }
    locked
}
