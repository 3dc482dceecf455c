//! What a transactional handler has published in one attempt, until the attempt has ended.

use std::mem;
use std::sync::{Arc, Mutex, PoisonError};

use crate::message::Envelope;

/// How many messages one attempt may publish: they are kept in memory until they are sent together.
pub(crate) const MOST_MESSAGES: usize = 10_000;
/// How many bytes of payload, for the same reason.
pub(crate) const MOST_BYTES: usize = 64 << 20;

/// The messages of one attempt. The pipeline puts it into the context of the handler, and takes the messages when the handler has ended.
#[derive(Debug)]
pub(crate) struct Outbox {
    handler: &'static str,
    /// Tells the broker whose transaction it is from all others.
    broker: usize,
    kept: Mutex<Kept>,
}

#[derive(Debug)]
enum Kept {
    Open { messages: Vec<Arc<Envelope>>, bytes: usize },
    Closed,
}

/// Why a message can't be part of the transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NotKept {
    /// The attempt has ended.
    Ended,
    /// There are too many.
    Full,
}

impl Outbox {
    /// An open one, for the broker that is told from others by this number.
    pub(crate) fn new(handler: &'static str, broker: usize) -> Arc<Self> {
        Arc::new(Self { handler, broker, kept: Mutex::new(Kept::Open { messages: Vec::new(), bytes: 0 }) })
    }

    /// The name of the handler.
    pub(crate) fn handler(&self) -> &'static str {
        self.handler
    }

    /// Whether messages of that broker can be part of it.
    pub(crate) fn is_of(&self, broker: usize) -> bool {
        self.broker == broker
    }

    /// Adds a message.
    pub(crate) fn add(&self, envelope: Arc<Envelope>) -> Result<(), NotKept> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let Kept::Open { messages, bytes } = &mut *kept else { return Err(NotKept::Ended) };
        let size = *bytes + envelope.payload.len();
        if messages.len() >= MOST_MESSAGES || size > MOST_BYTES {
            return Err(NotKept::Full);
        }
        *bytes = size;
        messages.push(envelope);
        Ok(())
    }

    /// Takes what is in it; nothing can be added from now on.
    pub(crate) fn close(&self) -> Vec<Arc<Envelope>> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        match mem::replace(&mut *kept, Kept::Closed) {
            Kept::Open { messages, .. } => messages,
            Kept::Closed => Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::Metadata;

    fn message(size: usize) -> Arc<Envelope> {
        Arc::new(Envelope::new("t".into(), Metadata::new("n", "s".into()), vec![0; size].into()))
    }

    #[test]
    fn what_comes_after_the_end_is_refused() {
        let outbox = Outbox::new("on_paid", 7);
        assert!(outbox.is_of(7) && !outbox.is_of(8));
        assert_eq!((outbox.add(message(1)), outbox.add(message(2))), (Ok(()), Ok(())));
        assert_eq!(outbox.close().iter().map(|message| message.payload.len()).collect::<Vec<_>>(), [1, 2]);
        assert_eq!(outbox.add(message(1)), Err(NotKept::Ended));
        assert!(outbox.close().is_empty());
    }

    #[test]
    fn it_is_bounded() {
        let outbox = Outbox::new("on_paid", 7);
        assert_eq!(outbox.add(message(MOST_BYTES)), Ok(()));
        assert_eq!(outbox.add(message(1)), Err(NotKept::Full));
        let outbox = Outbox::new("on_paid", 7);
        assert!((0..MOST_MESSAGES).all(|_| outbox.add(message(0)).is_ok()));
        assert_eq!(outbox.add(message(0)), Err(NotKept::Full));
    }
}
