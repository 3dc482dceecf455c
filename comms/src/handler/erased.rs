//! Handlers without their types: what the pipeline holds of each.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};

use futures_util::future::BoxFuture;
use tokio_util::sync::ReusableBoxFuture;

use super::attempt::{Attempt, panicked};
use super::batch::{Said, batch_of};
use super::{BatchHandler, EventHandler, Incoming, NamedLayer, Next, Outcome};
use crate::broker::BrokerError;
use crate::context::Context;
use crate::error::{Class, Fault};
use crate::message::{CodecError, Envelope, Message};

/// The storage of one worker for the future of the attempt at hand: reused from message to message, so
/// that handling allocates nothing while the handlers' futures have one size; it is made anew when the size changes.
pub(crate) type Slot = ReusableBoxFuture<'static, Outcome>;

/// A slot in which nothing runs.
pub(crate) fn empty_slot() -> Slot {
    ReusableBoxFuture::new(std::future::ready(Ok(())))
}

/// A handler in its subscription.
#[derive(Clone, Debug)]
pub(crate) enum Bound {
    /// Called with each message.
    One(Arc<dyn ErasedHandler>),
    /// Called with several.
    Batch(Arc<dyn ErasedBatch>),
}

/// A handler whose message type is known only to itself.
pub(crate) trait ErasedHandler: fmt::Debug + Send + Sync {
    /// Decodes the message and puts the future of one attempt into the slot. It begins only when it is polled.
    fn start(&self, attempt: &Attempt<'_>, slot: &mut Slot) -> Result<(), CodecError>;

    /// Answers the one who waits for the message in the handler's stead, when it is given up; `None` for
    /// messages that nobody waits for: these become dead letters.
    fn answer_failure(&self, _envelope: &Arc<Envelope>, _fault: &Fault) -> Option<BoxFuture<'static, Result<(), BrokerError>>> {
        None
    }
}

/// An event handler bound to its service and its arguments, behind the service's layers.
pub(crate) struct BoundEventHandler<H: EventHandler> {
    service: Arc<H::Service>,
    args: H::Args,
    layers: Arc<[NamedLayer]>,
}

impl<H: EventHandler> BoundEventHandler<H> {
    pub(crate) fn new(service: Arc<H::Service>, args: H::Args, layers: Arc<[NamedLayer]>) -> Self {
        Self { service, args, layers }
    }
}

impl<H: EventHandler> fmt::Debug for BoundEventHandler<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}({})", H::DECL.name, H::Event::TYPE.name)
    }
}

impl<H: EventHandler> ErasedHandler for BoundEventHandler<H> {
    fn start(&self, attempt: &Attempt<'_>, slot: &mut Slot) -> Result<(), CodecError> {
        let event = decode::<H::Event>(attempt.envelope)?;
        let service = Arc::clone(&self.service);
        let args = self.args.clone();
        if self.layers.is_empty() {
            slot.set(async move { H::call(&service, event, args).await });
        } else {
            let call = move |event| -> BoxFuture<'static, Outcome> { Box::pin(async move { H::call(&service, event, args).await }) };
            slot.set(through_layers(Arc::clone(&self.layers), attempt.incoming(), event, call));
        }
        Ok(())
    }
}

/// A handler of batches whose message type is known only to itself.
pub(crate) trait ErasedBatch: fmt::Debug + Send + Sync {
    /// Decodes the messages, each with the number of its attempt, and makes the call. It begins only when it is polled.
    fn open(&self, messages: &mut dyn Iterator<Item = (&Arc<Envelope>, u32)>) -> Opened;
}

/// A batch that is about to be handled.
pub(crate) struct Opened {
    pub(crate) call: BoxFuture<'static, Outcome>,
    /// What is said of those that could be read, in their order.
    pub(crate) said: Said,
    /// The places of those that could not, ascending, each with the reason.
    pub(crate) undecodable: Vec<(usize, Fault)>,
}

/// A handler of batches bound to its service and its arguments.
pub(crate) struct BoundBatchHandler<H: BatchHandler> {
    service: Arc<H::Service>,
    args: H::Args,
}

impl<H: BatchHandler> BoundBatchHandler<H> {
    pub(crate) fn new(service: Arc<H::Service>, args: H::Args) -> Self {
        Self { service, args }
    }
}

impl<H: BatchHandler> fmt::Debug for BoundBatchHandler<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}(batch of {})", H::DECL.name, H::Event::TYPE.name)
    }
}

impl<H: BatchHandler> ErasedBatch for BoundBatchHandler<H> {
    fn open(&self, messages: &mut dyn Iterator<Item = (&Arc<Envelope>, u32)>) -> Opened {
        let (mut readable, mut undecodable) = (Vec::new(), Vec::new());
        for (index, (envelope, attempt)) in messages.enumerate() {
            match decode_or_fault::<H::Event>(envelope) {
                Ok(event) => readable.push((event, Context::of(Arc::clone(envelope)), attempt)),
                Err(fault) => undecodable.push((index, fault)),
            }
        }
        let said = Said::nothing_of(readable.len());
        let (batch, service, args) = (batch_of(readable, &said), Arc::clone(&self.service), self.args.clone());
        Opened { call: Box::pin(async move { H::call(&service, batch, args).await }), said, undecodable }
    }
}

/// Decoding is the user's code as well: one message that makes it panic must not take the others along.
fn decode_or_fault<M: Message>(envelope: &Envelope) -> Result<M, Fault> {
    match catch_unwind(AssertUnwindSafe(|| decode::<M>(envelope))) {
        Ok(decoded) => decoded.map_err(|error| Fault::new(Class::Permanent, error)),
        Err(panic) => Err(panicked(panic.as_ref())),
    }
}

/// Reads the message in the codec that its content type names.
pub(crate) fn decode<M: Message>(envelope: &Envelope) -> Result<M, CodecError> {
    M::decode(envelope.metadata.content_type.as_deref(), &envelope.payload)
}

/// Calls through the layers. They may drop the call, but can't repeat it: `Next` is consumed.
pub(crate) async fn through_layers<M, F>(layers: Arc<[NamedLayer]>, incoming: Incoming, message: M, call: F) -> Outcome
where
    M: Send + 'static,
    F: FnOnce(M) -> BoxFuture<'static, Outcome> + Send + 'static,
{
    let once = Mutex::new(Some((message, call)));
    let handler = move |_: &Incoming| -> BoxFuture<'_, Outcome> {
        match once.lock().unwrap_or_else(PoisonError::into_inner).take() {
            Some((message, call)) => call(message),
            None => Box::pin(std::future::ready(Ok(()))),
        }
    };
    Next::new(&layers, &handler).run(incoming).await
}
