//! What work knows of the work that caused it: task-local, set by every inbound pipeline and read by
//! every outbound one.

use std::future::Future;
use std::sync::Arc;

use jiff::Timestamp;

use crate::message::{Envelope, Id, Metadata, TraceParent};

tokio::task_local! {
    static CURRENT: Context;
}

/// Correlation, causation, deadline and trace of the work at hand.
///
/// Cloning is cheap. A message that is published takes all of it over, so that a whole cascade shares
/// one correlation id and one trace.
#[derive(Clone, Debug, Default)]
pub struct Context {
    message: Option<Arc<Envelope>>,
    correlation: Option<Id>,
    deadline: Option<Timestamp>,
    trace: Option<TraceParent>,
}

impl Context {
    /// The context of the running task; an empty one outside of any handler.
    #[must_use]
    pub fn current() -> Self {
        CURRENT.try_with(Clone::clone).unwrap_or_default()
    }

    /// The context of handling the message.
    #[must_use]
    pub fn of(message: Arc<Envelope>) -> Self {
        let metadata = &message.metadata;
        let trace = metadata.trace.map(TraceParent::child);
        Self { correlation: None, deadline: metadata.deadline, trace, message: Some(message) }
    }

    /// The same context with another correlation id: where a conversation begins, an HTTP request for example.
    #[must_use]
    pub fn with_correlation(mut self, correlation: Id) -> Self {
        self.correlation = Some(correlation);
        self
    }

    /// The same context with a deadline, unless it has an earlier one.
    #[must_use]
    pub fn with_deadline(mut self, deadline: Timestamp) -> Self {
        self.deadline = Some(self.deadline.map_or(deadline, |earlier| earlier.min(deadline)));
        self
    }

    /// The same context in the trace.
    #[must_use]
    pub fn with_trace(mut self, trace: TraceParent) -> Self {
        self.trace = Some(trace);
        self
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
        self.correlation.as_ref().or_else(begun)
    }

    /// The moment after which nobody waits for the result.
    #[must_use]
    pub fn deadline(&self) -> Option<Timestamp> {
        self.deadline
    }

    /// The position in the distributed trace.
    #[must_use]
    pub fn trace(&self) -> Option<TraceParent> {
        self.trace
    }

    /// Runs the future in this context.
    pub fn scope<F: Future>(self, future: F) -> impl Future<Output = F::Output> {
        CURRENT.scope(self, future)
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
        metadata.trace = Some(self.trace.map_or_else(TraceParent::root, TraceParent::child));
        metadata.trace_state = self.message.as_ref().and_then(|message| message.metadata.trace_state.clone());
    }
}

#[cfg(test)]
mod tests {
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
}
