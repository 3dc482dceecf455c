//! Copies of a delivery: on the ladder of delays, and among the dead letters. The original is acknowledged once its copy is safe.

use std::time::Duration;

use lapin::BasicProperties;

use super::headers::{NOT_BEFORE, PROVENANCE, write_copy};
use super::provenance;
use super::settle::Desk;
use crate::broker::{BrokerError, BrokerErrorKind, DeadLetter};
use crate::message::Envelope;

impl Desk {
    pub(super) async fn hold_back(&self, tag: u64, again: &Envelope, delay: Duration) -> Result<(), BrokerError> {
        if !self.is_open(tag) {
            return Ok(());
        }
        let (queue, foreign) = self.origin(tag);
        if self.topology.dead_letters.is_none() {
            // An ephemeral queue has no ladder; its messages end with this process anyway.
            tokio::time::sleep(delay).await;
            self.shared.send_copy(queue, write_copy(again, foreign.as_ref(), &[]), again.payload.clone()).await?;
        } else {
            self.climb(&queue, again, foreign.as_ref(), delay).await?;
        }
        self.done(tag);
        Ok(())
    }

    /// Puts the copy on the ladder; a rung that somebody deleted is made again.
    async fn climb(&self, queue: &str, again: &Envelope, foreign: Option<&BasicProperties>, delay: Duration) -> Result<(), BrokerError> {
        let properties = write_copy(again, foreign, &self.hold_until(delay));
        let rung = self.shared.rung_for(queue, delay).await?;
        let sent = self.shared.send_copy(rung.clone(), properties.clone(), again.payload.clone()).await;
        match sent {
            Err(error) if error.kind() == BrokerErrorKind::Topology => {
                self.shared.forget_rung(&rung);
                let rung = self.shared.rung_for(queue, delay).await?;
                self.shared.send_copy(rung, properties, again.payload.clone()).await
            }
            sent => sent,
        }
    }

    /// What a delay longer than the ladder needs: whoever takes the message too early sends it up again.
    fn hold_until(&self, delay: Duration) -> Vec<(&'static str, String)> {
        let is_longer = self.shared.config.ladder.last().is_some_and(|&longest| delay > longest);
        let until = jiff::Timestamp::now().checked_add(delay).ok().filter(|_| is_longer);
        until.map(|until| (NOT_BEFORE, until.to_string())).into_iter().collect()
    }

    pub(super) async fn bury(&self, tag: u64, letter: DeadLetter) -> Result<(), BrokerError> {
        if !self.is_open(tag) {
            return Ok(());
        }
        if let Some(queue) = &self.topology.dead_letters {
            let (_, foreign) = self.origin(tag);
            let extra = [(PROVENANCE, provenance::write(letter.provenance))];
            let properties = write_copy(&letter.envelope, foreign.as_ref(), &extra);
            self.shared.send_copy(queue.name.clone(), properties, letter.envelope.payload.clone()).await?;
        }
        self.done(tag);
        Ok(())
    }

    /// The name of the queue that the delivery came from, and what else to keep of it.
    fn origin(&self, tag: u64) -> (String, Option<BasicProperties>) {
        let mut state = self.lock();
        let (shard, foreign) = state.ledger.kept(tag).map_or((0, None), |kept| (kept.shard.index, kept.foreign.as_deref().cloned()));
        (self.topology.queues[usize::from(shard)].name.clone(), foreign)
    }
}
