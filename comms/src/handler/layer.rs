//! Layers that users put around their handlers.

use std::fmt;
use std::sync::Arc;

use futures_util::future::BoxFuture;

use super::Outcome;
use crate::message::Envelope;

/// What a layer sees of the message that is about to be handled.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Incoming {
    /// The message.
    pub envelope: Arc<Envelope>,
    /// The service whose handler is called.
    pub service: &'static str,
    /// The name of the handler.
    pub handler: &'static str,
    /// Which attempt this is, from 1.
    pub attempt: u32,
}

/// Something done around every attempt of a service's handlers: auditing, a transaction, a tenant switch.
///
/// Layers run inside the retry and the timeout, so once for each attempt, the first listed outermost. A layer that does
/// not call `next` answers for the handler: `Ok` settles the message.
///
/// ```
/// use comms::handler::{Incoming, Layer, Next, Outcome};
/// use futures_util::future::BoxFuture;
///
/// #[derive(Clone)]
/// struct Audit;
///
/// impl Layer for Audit {
///     fn call<'a>(&'a self, incoming: Incoming, next: Next<'a>) -> BoxFuture<'a, Outcome> {
///         Box::pin(async move {
///             let outcome = next.run(incoming.clone()).await;
///             println!("{} took {}: {}", incoming.handler, incoming.envelope.metadata.id, outcome.is_ok());
///             outcome
///         })
///     }
/// }
/// ```
pub trait Layer: Send + Sync + 'static {
    /// Runs around one attempt.
    fn call<'a>(&'a self, incoming: Incoming, next: Next<'a>) -> BoxFuture<'a, Outcome>;
}

/// A layer with the name that `wiring` prints.
#[derive(Clone)]
pub struct NamedLayer {
    /// The name of its type.
    pub name: &'static str,
    /// The layer.
    pub layer: Arc<dyn Layer>,
}

impl NamedLayer {
    /// The layer under its type's name.
    #[must_use]
    pub fn new<L: Layer>(layer: L) -> Self {
        let path = std::any::type_name::<L>();
        Self { name: path.rsplit("::").next().unwrap_or(path), layer: Arc::new(layer) }
    }
}

impl fmt::Debug for NamedLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

/// The rest of the way to the handler.
pub struct Next<'a> {
    layers: &'a [NamedLayer],
    handler: &'a (dyn Fn(&Incoming) -> BoxFuture<'a, Outcome> + Send + Sync),
}

impl<'a> Next<'a> {
    pub(crate) fn new(layers: &'a [NamedLayer], handler: &'a (dyn Fn(&Incoming) -> BoxFuture<'a, Outcome> + Send + Sync)) -> Self {
        Self { layers, handler }
    }

    /// Goes on, with the next layer or the handler itself.
    #[must_use]
    pub fn run(self, incoming: Incoming) -> BoxFuture<'a, Outcome> {
        match self.layers.split_first() {
            Some((first, rest)) => first.layer.call(incoming, Next { layers: rest, handler: self.handler }),
            None => (self.handler)(&incoming),
        }
    }
}

impl fmt::Debug for Next<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Next({:?})", self.layers)
    }
}
