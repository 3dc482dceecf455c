//! What work knows of the work that caused it: task-local, set by every inbound pipeline and read by
//! every outbound one.

mod outbox;

use std::cell::RefCell;
use std::fmt::Display;
use std::future::{Future, poll_fn};
use std::mem;
use std::num::NonZeroU64;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

pub(crate) use self::outbox::{MOST_BYTES, MOST_MESSAGES, NotKept, Outbox};
use crate::message::{Envelope, Id, Metadata, TraceParent, new_span};

thread_local! {
    /// Of the task that is polled now: [`Context::scope`] puts it here for the time of each poll.
    static CURRENT: RefCell<Context> = const { RefCell::new(Context { message: None, span: None, handler: None, own: None }) };
}

/// Correlation, causation, deadline and trace of the work at hand.
///
/// Cloning is cheap. A message that is published takes all of it over, so that a whole cascade shares
/// one correlation id and one trace.
#[derive(Clone, Debug, Default)]
pub struct Context {
    message: Option<Arc<Envelope>>,
    /// The span of handling the message, in its trace.
    span: Option<NonZeroU64>,
    handler: Option<Handler>,
    /// What was set here. Rare, and apart, so that entering a context moves little.
    own: Option<Arc<Own>>,
}

/// What comes before what the message says.
#[derive(Clone, Debug, Default)]
struct Own {
    correlation: Option<Id>,
    deadline: Option<Timestamp>,
    trace: Option<TraceParent>,
    /// Belongs to `trace`.
    trace_state: Option<Arc<str>>,
    idempotency_key: Option<Arc<str>>,
    /// Of a transactional handler.
    outbox: Option<Arc<Outbox>>,
}

/// Who handles the message.
#[derive(Clone, Copy, Debug)]
struct Handler {
    service: &'static str,
    name: &'static str,
}

impl Context {
    /// The context of the running task; an empty one outside of any handler.
    #[must_use]
    pub fn current() -> Self {
        CURRENT.try_with(|current| current.borrow().clone()).unwrap_or_default()
    }

    /// The context of handling the message.
    #[must_use]
    pub fn of(message: Arc<Envelope>) -> Self {
        let span = message.metadata.trace.map(|_| new_span());
        Self { span, handler: None, own: None, message: Some(message) }
    }

    /// The same context at work in a handler.
    pub(crate) fn of_handler(mut self, service: &'static str, name: &'static str) -> Self {
        self.handler = Some(Handler { service, name });
        self
    }

    /// The same context with another correlation id: where a conversation begins, an HTTP request for example.
    #[must_use]
    pub fn with_correlation(mut self, correlation: Id) -> Self {
        self.own().correlation = Some(correlation);
        self
    }

    /// The same context with a deadline, unless it has an earlier one.
    #[must_use]
    pub fn with_deadline(mut self, deadline: Timestamp) -> Self {
        let earliest = self.deadline().map_or(deadline, |earlier| earlier.min(deadline));
        self.own().deadline = Some(earliest);
        self
    }

    /// The same context for what outlives the deadline.
    #[cfg(feature = "http")]
    pub(crate) fn without_deadline(mut self) -> Self {
        if let Some(own) = &mut self.own {
            Arc::make_mut(own).deadline = None;
        }
        self
    }

    /// The same context in the trace.
    #[must_use]
    pub fn with_trace(mut self, trace: TraceParent) -> Self {
        self.own().trace = Some(trace);
        self
    }

    /// What vendors say of the trace that was set here, the `tracestate` of W3C Trace Context.
    #[must_use]
    pub fn with_trace_state(mut self, state: Option<Arc<str>>) -> Self {
        self.own().trace_state = state;
        self
    }

    /// The same context for a request that has the key of idempotency, as a method finds it that is called in this process.
    #[must_use]
    pub fn with_idempotency_key(mut self, key: impl Into<Arc<str>>) -> Self {
        self.own().idempotency_key = Some(key.into());
        self
    }

    /// The same context in an attempt whose messages are sent when it has ended well.
    pub(crate) fn with_outbox(mut self, outbox: Arc<Outbox>) -> Self {
        self.own().outbox = Some(outbox);
        self
    }

    /// Where the running task's messages go, if it is the attempt of a transactional handler.
    pub(crate) fn current_outbox() -> Option<Arc<Outbox>> {
        CURRENT.try_with(|current| current.borrow().own.as_ref()?.outbox.clone()).ok().flatten()
    }

    fn own(&mut self) -> &mut Own {
        Arc::make_mut(self.own.get_or_insert_default())
    }

    /// The message that is being handled, if any.
    #[must_use]
    pub fn message(&self) -> Option<&Envelope> {
        self.message.as_deref()
    }

    /// The conversation: the one set here, else that of the message, else the message itself, which began it.
    #[must_use]
    pub fn correlation(&self) -> Option<&Id> {
        let begun = || self.message.as_ref().map(|message| message.metadata.correlation.as_ref().unwrap_or(&message.metadata.id));
        self.own.as_ref().and_then(|own| own.correlation.as_ref()).or_else(begun)
    }

    /// The moment after which nobody waits for the result.
    #[must_use]
    pub fn deadline(&self) -> Option<Timestamp> {
        let own = self.own.as_ref().and_then(|own| own.deadline);
        own.or_else(|| self.message.as_ref().and_then(|message| message.metadata.deadline))
    }

    /// The key of idempotency of the request at hand, without quotes: one that was seen before is of a repetition.
    ///
    /// Methods of a contract under the option `idempotency_key` find it here, if the caller sent one. It is the caller's: what this work calls and publishes does not
    /// carry it.
    #[must_use]
    pub fn idempotency_key(&self) -> Option<&str> {
        self.own.as_ref()?.idempotency_key.as_deref()
    }

    /// How long it is to the deadline, if there is one; nothing once it has passed.
    #[must_use]
    pub fn time_left(&self) -> Option<Duration> {
        self.deadline().map(time_left)
    }

    /// The position in the distributed trace.
    #[must_use]
    pub fn trace(&self) -> Option<TraceParent> {
        let own = self.own.as_ref().and_then(|own| own.trace);
        own.or_else(|| Some(self.message.as_ref()?.metadata.trace?.at(self.span?)))
    }

    /// The position in the trace of what is about to leave.
    pub(crate) fn next_trace(&self) -> TraceParent {
        self.trace().map_or_else(TraceParent::root, TraceParent::child)
    }

    /// What vendors say of the trace.
    pub(crate) fn trace_state(&self) -> Option<Arc<str>> {
        match &self.own {
            Some(own) if own.trace.is_some() => own.trace_state.clone(),
            _ => self.message.as_ref()?.metadata.trace_state.clone(),
        }
    }

    /// Runs the future in this context.
    pub async fn scope<F: Future>(mut self, future: F) -> F::Output {
        let mut future = pin!(future);
        poll_fn(|task| self.enter(|| future.as_mut().poll(task))).await
    }

    /// Runs the closure in this context.
    pub(crate) fn enter<R>(&mut self, work: impl FnOnce() -> R) -> R {
        /// Puts the one before back, also when the work panics.
        struct Entered<'a>(&'a mut Context);

        impl Entered<'_> {
            /// A thread that ends has no context any more; then there is nothing to put back either.
            fn swap(&mut self) {
                let _ = CURRENT.try_with(|current| mem::swap(&mut *current.borrow_mut(), self.0));
            }
        }

        impl Drop for Entered<'_> {
            fn drop(&mut self) {
                self.swap();
            }
        }

        let mut entered = Entered(self);
        entered.swap();
        work()
    }

    /// Tells by name what a line of the log says of the running task.
    pub(crate) fn describe_current(tell: impl FnMut(&'static str, &dyn Display)) {
        // A thread that ends has no context any more.
        let _ = CURRENT.try_with(|current| current.borrow().describe(tell));
    }

    fn describe(&self, mut tell: impl FnMut(&'static str, &dyn Display)) {
        if let Some(correlation) = self.correlation() {
            tell("correlation_id", correlation);
        }
        if let Some(trace) = self.trace() {
            tell("trace_id", &format_args!("{:032x}", trace.trace_id()));
        }
        if let Some(message) = &self.message {
            tell("messaging.message.id", &message.metadata.id);
            tell("messaging.destination.name", &message.topic);
        }
        if let Some(Handler { service, name }) = self.handler {
            tell("comms.service", &service);
            tell("comms.handler", &name);
        }
    }

    /// Spawns a task that keeps the current context; plain `tokio::spawn` loses it.
    pub fn spawn<F>(future: F) -> tokio::task::JoinHandle<F::Output>
    where
        F: Future<Output: Send + 'static> + Send + 'static,
    {
        tokio::spawn(Self::current().scope(future))
    }

    /// Writes this context into the attributes of a message that is about to leave.
    ///
    /// The deadline is not among them: it ends the waiting of a caller, and an event has none. Requests add it.
    pub fn stamp(&self, metadata: &mut Metadata) {
        metadata.correlation = Some(self.correlation().unwrap_or(&metadata.id).clone());
        metadata.causation = self.message.as_ref().map(|message| message.metadata.id.clone());
        metadata.trace = Some(self.next_trace());
        metadata.trace_state = self.trace_state();
    }
}

/// How long it is to that moment; nothing once it has passed.
pub(crate) fn time_left(deadline: Timestamp) -> Duration {
    Duration::try_from(deadline.duration_since(Timestamp::now())).unwrap_or(Duration::ZERO)
}

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};

    use super::*;

    fn message() -> Arc<Envelope> {
        Arc::new(Envelope::new("orders".into(), Metadata::new("orders.placed", "orders".into()), "".into()))
    }

    #[tokio::test]
    async fn what_is_published_while_handling_belongs_to_the_conversation() {
        let cause = message();
        let mut effect = Metadata::new("billing.issued", "billing".into());
        Context::of(Arc::clone(&cause)).scope(async { Context::current().stamp(&mut effect) }).await;
        assert_eq!(effect.correlation.as_ref(), Some(&cause.metadata.id));
        assert_eq!(effect.causation.as_ref(), Some(&cause.metadata.id));
    }

    #[tokio::test]
    async fn a_spawned_task_keeps_the_context() {
        let cause = message();
        let seen =
            Context::of(Arc::clone(&cause)).scope(async { Context::spawn(async { Context::current().message().cloned() }).await }).await;
        assert_eq!(seen.unwrap(), Some((*cause).clone()));
    }

    #[test]
    fn a_deadline_can_only_come_closer() {
        let soon = Timestamp::now();
        let later = soon + jiff::SignedDuration::from_secs(60);
        assert_eq!(Context::default().with_deadline(soon).with_deadline(later).deadline(), Some(soon));
    }

    #[test]
    fn a_context_ends_with_its_work_also_when_that_panics() {
        let mut context = Context::of(message());
        let panicked = catch_unwind(AssertUnwindSafe(|| context.enter(|| panic!("{}", Context::current().message().is_some()))));
        assert_eq!(panicked.unwrap_err().downcast_ref::<String>().unwrap(), "true");
        assert!(Context::current().message().is_none() && context.message().is_some());
    }

    #[tokio::test]
    async fn tasks_that_take_turns_keep_their_contexts_apart() {
        let turn = || async {
            let before = Context::current().correlation().cloned();
            tokio::task::yield_now().await;
            assert_eq!(Context::current().correlation().cloned(), before);
            before.unwrap()
        };
        let in_context = || Context::default().with_correlation(Id::new()).scope(turn());
        let (one, other) = tokio::join!(in_context(), in_context());
        assert_ne!(one, other);
        assert!(Context::current().correlation().is_none());
    }
}
