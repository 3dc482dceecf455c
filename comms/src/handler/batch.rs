//! Several messages at once: what a handler of batches takes, and what it says of each.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::{HandlerDecl, Outcome};
use crate::context::Context;
use crate::error::{BoxError, Fault};
use crate::inject::{InjectError, Scope, TypeList};
use crate::message::{Event, MessageType};

/// `batch(max = 100, wait = "10ms")`: when a batch is handed over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct BatchDecl {
    /// With so many messages, at the latest.
    pub max: u32,
    /// So long after its first message, at the latest.
    pub wait: Duration,
}

impl BatchDecl {
    /// Up to 100 messages that come within 10 ms.
    pub const DEFAULT: Self = Self { max: 100, wait: Duration::from_millis(10) };

    /// Up to so many messages.
    ///
    /// # Panics
    /// When it is 0, or more than 10,000; in a constant that is a build error.
    #[must_use]
    pub const fn max(mut self, max: u32) -> Self {
        assert!(max > 0 && max <= 10_000, "a batch has 1 to 10000 messages");
        self.max = max;
        self
    }

    /// Those that come within this time of the first one.
    #[must_use]
    pub const fn wait(mut self, wait: Duration) -> Self {
        self.wait = wait;
        self
    }
}

/// Several events that one call handles, each with an outcome of its own.
///
/// What the handler returns is the outcome of every message of which nothing was said: with `Ok` it is settled, with an
/// error it is tried again or given up, as a single message would be. [`Received::done`] and [`Received::fail`] say it of one message; what they
/// said holds also when the handler fails, panics or takes too long afterwards.
///
/// ```
/// use comms::{Batch, event, event_handler};
///
/// #[event(name = "shop.viewed", version = 1, topic = "shop.views")]
/// pub struct Viewed { pub article: String }
///
/// #[event_handler(service = "statistics", batch(max = 500, wait = "50ms"))]
/// pub async fn on_viewed(batch: Batch<Viewed>) -> Result<(), comms::BoxError> {
///     for message in &batch {
///         if message.event().article.is_empty() {
///             message.fail(comms::Classified::permanent("no article"));
///         }
///     }
///     // Then all others in one write; when that fails, they are all tried again.
///     Ok(())
/// }
/// # fn main() {}
/// ```
#[derive(Debug)]
pub struct Batch<E> {
    messages: Vec<Received<E>>,
}

/// One message of a [`Batch`].
pub struct Received<E> {
    event: E,
    context: Context,
    attempt: u32,
    index: usize,
    said: Said,
}

impl<E> Batch<E> {
    /// How many there are; at least one.
    #[must_use]
    pub fn len(&self) -> usize {
        self.messages.len()
    }

    /// Never: a batch has at least one message.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.messages.is_empty()
    }

    /// The messages, in the order in which they came.
    pub fn iter(&self) -> std::slice::Iter<'_, Received<E>> {
        self.messages.iter()
    }

    /// The events alone.
    pub fn events(&self) -> impl Iterator<Item = &E> {
        self.iter().map(Received::event)
    }
}

impl<E> IntoIterator for Batch<E> {
    type Item = Received<E>;
    type IntoIter = std::vec::IntoIter<Received<E>>;

    fn into_iter(self) -> Self::IntoIter {
        self.messages.into_iter()
    }
}

impl<'a, E> IntoIterator for &'a Batch<E> {
    type Item = &'a Received<E>;
    type IntoIter = std::slice::Iter<'a, Received<E>>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl<E> Received<E> {
    /// The event.
    #[must_use]
    pub fn event(&self) -> &E {
        &self.event
    }

    /// The context that the message brought: its correlation, causation and trace. What is published for this one message is published
    /// within it, `message.context().clone().scope(..)`; the call as a whole belongs to none.
    #[must_use]
    pub fn context(&self) -> &Context {
        &self.context
    }

    /// Which attempt at handling it this is, from 1.
    #[must_use]
    pub fn attempt(&self) -> u32 {
        self.attempt
    }

    /// It is handled, whatever becomes of the others.
    pub fn done(&self) {
        self.said.say(self.index, Ok(()));
    }

    /// It failed, whatever becomes of the others. Its class is found in the error as in that which a handler returns.
    pub fn fail(&self, error: impl Into<BoxError>) {
        self.said.say(self.index, Err(Fault::from_boxed(error.into())));
    }
}

impl<E: fmt::Debug> fmt::Debug for Received<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Received").field("event", &self.event).field("attempt", &self.attempt).finish_non_exhaustive()
    }
}

/// The descriptor of a handler of batches. Implemented by `#[event_handler]` on a hidden type beside a method or function that takes a [`Batch`].
pub trait BatchHandler: Send + Sync + 'static {
    /// The service whose method it is, or [`Free`](super::Free).
    type Service: Send + Sync + 'static;
    /// The event that it handles.
    type Event: Event;
    /// Its further arguments, injected once and cloned for each call.
    type Args: TypeList + Clone + Send + Sync + 'static;
    /// What its attribute says; `batch` is set.
    const DECL: HandlerDecl;
    /// The events that it publishes beside what its service does.
    const PUBLISHES: &'static [MessageType] = &[];

    /// Resolves the further arguments.
    ///
    /// # Errors
    /// When a value is missing.
    fn inject(scope: &Scope) -> Result<Self::Args, InjectError>;

    /// Calls it once.
    fn call(service: &Self::Service, batch: Batch<Self::Event>, args: Self::Args) -> impl Future<Output = Outcome> + Send;
}

/// What was said of the messages of a batch, one by one. It outlives the call: a handler that is stopped has said what it has said.
#[derive(Clone, Debug, Default)]
pub(crate) struct Said(Arc<Mutex<Vec<Option<Outcome>>>>);

impl Said {
    /// Of so many messages nothing yet.
    pub(crate) fn nothing_of(messages: usize) -> Self {
        Self(Arc::new(Mutex::new((0..messages).map(|_| None).collect())))
    }

    fn say(&self, index: usize, outcome: Outcome) {
        if let Some(said) = self.lock().get_mut(index) {
            *said = Some(outcome);
        }
    }

    /// The outcome of each: what was said of it, else what the call came to. Nothing that is said later counts.
    pub(crate) fn outcomes(&self, call: Outcome) -> Vec<Outcome> {
        let said = std::mem::take(&mut *self.lock());
        let whole = call.map_err(|Fault { class, error }| (class, Shared(Arc::from(error))));
        said.into_iter().map(|said| said.unwrap_or_else(|| whole.clone().map_err(|(class, error)| Fault::new(class, error)))).collect()
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Option<Outcome>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The messages of a batch, of one event each.
pub(crate) fn batch_of<E>(events: Vec<(E, Context, u32)>, said: &Said) -> Batch<E> {
    let messages = events.into_iter().enumerate();
    let received = |(index, (event, context, attempt))| Received { event, context, attempt, index, said: said.clone() };
    Batch { messages: messages.map(received).collect() }
}

/// One error that stands for several messages.
#[derive(Clone, Debug)]
struct Shared(Arc<dyn std::error::Error + Send + Sync>);

impl fmt::Display for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for Shared {
    // The error itself, so that what it says to the pipeline is found; its text stands in the chain once.
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&*self.0)
    }
}
