//! Handing messages to the groups, and waiting while one of them is full.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use futures_util::FutureExt;
use jiff::Timestamp;

use super::Connection;
use super::group::{Group, Offered};
use super::hub::Route;
use crate::broker::{BrokerError, BrokerErrorKind, Confirm, Publishing, Receipt};
use crate::message::Envelope;

/// A message on its way through the groups that it reaches. It enters each once.
struct Rounds {
    route: Route,
    next: usize,
    reached: bool,
}

impl Rounds {
    /// Offers it to the groups that are left; stops at one that is full.
    fn advance(&mut self, envelope: &Arc<Envelope>) -> Option<Arc<Group>> {
        while let Some(group) = self.route.get(self.next) {
            match group.offer(envelope) {
                Offered::Full => return Some(Arc::clone(group)),
                Offered::Taken => self.reached = true,
                Offered::Gone => {}
            }
            self.next += 1;
        }
        None
    }
}

impl Connection {
    pub(super) fn publish(&self, envelope: Arc<Envelope>) -> Publishing<'_> {
        let mut rounds = match self.begin(&envelope) {
            Ok(rounds) => rounds,
            Err(error) => return Publishing::done(Confirm::ready(Err(error))),
        };
        if rounds.advance(&envelope).is_none() {
            return Publishing::done(Confirm::ready(Ok(self.receipt(&rounds, &envelope))));
        }
        Publishing::Waiting(Box::pin(async move { self.wait(rounds, &envelope).await }.map(Confirm::ready)))
    }

    fn begin(&self, envelope: &Arc<Envelope>) -> Result<Rounds, BrokerError> {
        self.check(envelope)?;
        Ok(Rounds { route: self.hub.route(envelope)?, next: 0, reached: false })
    }

    pub(super) fn check(&self, envelope: &Envelope) -> Result<(), BrokerError> {
        if self.closed.load(Ordering::Acquire) {
            return Err(BrokerError::closed("publish"));
        }
        match self.hub.config.max_message.filter(|&limit| envelope.payload.len() > limit) {
            Some(limit) => Err(too_large(envelope, limit)),
            None => Ok(()),
        }
    }

    /// Resolves once the connection is closed.
    pub(super) async fn closed(&self) {
        let mut closed = self.closed_once.subscribe();
        let _ = closed.wait_for(|closed| *closed).await;
    }

    fn receipt(&self, rounds: &Rounds, envelope: &Arc<Envelope>) -> Receipt {
        let receipt = Receipt::new(self.hub.reach(rounds.reached));
        self.hub.record(envelope, receipt);
        receipt
    }

    async fn wait(&self, mut rounds: Rounds, envelope: &Arc<Envelope>) -> Result<Receipt, BrokerError> {
        let patience = self.patience(envelope);
        match tokio::time::timeout(patience, self.go_round(&mut rounds, envelope)).await {
            Ok(Ok(())) => Ok(self.receipt(&rounds, envelope)),
            Ok(Err(error)) => Err(error),
            Err(_) => Err(still_full(&rounds, envelope, patience)),
        }
    }

    async fn go_round(&self, rounds: &mut Rounds, envelope: &Arc<Envelope>) -> Result<(), BrokerError> {
        loop {
            let Some(full) = rounds.advance(envelope) else { return Ok(()) };
            // Listens before it looks again, so that room made in between is not missed.
            let mut room = std::pin::pin!(full.room.notified());
            let mut closing = std::pin::pin!(self.closing.notified());
            room.as_mut().enable();
            closing.as_mut().enable();
            if self.closed.load(Ordering::Acquire) {
                return Err(BrokerError::closed("publish"));
            }
            if rounds.advance(envelope).is_none() {
                return Ok(());
            }
            tokio::select! {
                () = room => {}
                () = closing => {}
            }
        }
    }

    pub(super) fn patience(&self, envelope: &Envelope) -> Duration {
        envelope.metadata.deadline.map_or(self.hub.config.publish_timeout, |deadline| {
            Duration::try_from(deadline.duration_since(Timestamp::now())).unwrap_or(Duration::ZERO)
        })
    }
}

fn too_large(envelope: &Envelope, limit: usize) -> BrokerError {
    let size = envelope.payload.len();
    BrokerError::new(
        BrokerErrorKind::TooLarge,
        format!(
            "could not publish to `{}`: the payload has {size} bytes, the broker takes at most {limit} (`max_message` in its URL)",
            envelope.topic
        ),
    )
}

fn still_full(rounds: &Rounds, envelope: &Envelope, patience: Duration) -> BrokerError {
    let group = rounds.route.get(rounds.next).map_or("", |group| &group.name);
    BrokerError::new(
        BrokerErrorKind::Unknown,
        format!(
            "could not publish to `{}` within {patience:?}: the group `{group}` is full; other groups may have the message. Add members, or raise `capacity` in the broker's URL",
            envelope.topic
        ),
    )
}
