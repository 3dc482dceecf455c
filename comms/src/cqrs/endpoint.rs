//! The handler of a command or query, bound: called from this process or by a message.

use std::fmt;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use jiff::Timestamp;
use tokio::sync::oneshot;
use tracing::Instrument;

use super::local::{Answer, Call};
use super::reply;
use crate::broker::{Broker, BrokerError, Reach};
use crate::context::{Context, time_left};
use crate::error::{Class, Fault};
use crate::handler::attempt::{Attempt, panicked};
use crate::handler::erased::{ErasedHandler, Slot, decode, through_layers};
use crate::handler::{Incoming, NamedLayer, Outcome, RequestHandler};
use crate::message::{CodecError, Envelope, Message, Request};
use crate::publisher::{self, envelope};

/// A request handler with its service, its arguments and its layers.
pub(crate) struct Endpoint<H: RequestHandler> {
    service_name: &'static str,
    service: Arc<H::Service>,
    args: H::Args,
    layers: Arc<[NamedLayer]>,
    timeout: Duration,
}

impl<H: RequestHandler> Endpoint<H> {
    pub(crate) fn new(
        service_name: &'static str,
        service: Arc<H::Service>,
        args: H::Args,
        layers: Arc<[NamedLayer]>,
        timeout: Duration,
    ) -> Self {
        Self { service_name, service, args, layers, timeout }
    }

    /// Calls the handler, through the layers if there are any.
    async fn answer(&self, request: H::Request, incoming: Option<Incoming>) -> Answer<H::Request> {
        let service = Arc::clone(&self.service);
        let args = self.args.clone();
        let Some(incoming) = incoming.filter(|_| !self.layers.is_empty()) else {
            return Ok(H::call(&service, request, args).await);
        };
        let (tell, told) = oneshot::channel();
        let call = move |request| -> BoxFuture<'static, Outcome> {
            Box::pin(async move {
                let result = H::call(&service, request, args).await;
                let outcome = result.as_ref().map(|_| ()).map_err(|error| Fault::new(Class::Permanent, error.to_string()));
                let _ = tell.send(result);
                outcome
            })
        };
        let outcome = through_layers(Arc::clone(&self.layers), incoming, request, call).await;
        told.await.map_err(|_| {
            outcome.err().unwrap_or_else(|| Fault::new(Class::Permanent, "a layer settled the request without calling its handler"))
        })
    }

    /// The span of a call in this process, with the ids of the conversation that it belongs to.
    fn span(&self, context: &Context) -> tracing::Span {
        tracing::debug_span!(
            target: "comms::process",
            "call",
            otel.kind = "internal",
            messaging.operation.type = "process",
            messaging.destination.name = H::Request::TYPE.topic,
            correlation_id = context.correlation().map(tracing::field::display),
            trace_id = context.trace().map(|trace| tracing::field::display(format!("{:032x}", trace.trace_id()))),
            comms.service = self.service_name,
            comms.handler = H::DECL.name,
        )
    }

    /// What the layers see of a call that came by no message.
    fn incoming(&self, request: &H::Request) -> Result<Option<Incoming>, CodecError> {
        if self.layers.is_empty() {
            return Ok(None);
        }
        let topic = H::Request::TYPE.topic.into();
        let envelope = envelope(request, &topic, &self.service_name.into())?;
        Ok(Some(Incoming { envelope: Arc::new(envelope), service: self.service_name, handler: H::DECL.name, attempt: 1 }))
    }
}

impl<H: RequestHandler> Call<H::Request> for Arc<Endpoint<H>> {
    fn call(&self, request: H::Request, context: Context, patience: Duration) -> BoxFuture<'static, Answer<H::Request>> {
        let endpoint = Arc::clone(self);
        let timeout = self.timeout.min(patience);
        let answer = async move {
            let incoming = endpoint.incoming(&request).map_err(|error| Fault::new(Class::Permanent, error))?;
            endpoint.answer(request, incoming).await
        };
        let span = self.span(&context);
        let context = context.of_handler(self.service_name, H::DECL.name);
        // As it would come with a message.
        let context = match Timestamp::now().checked_add(patience) {
            Ok(deadline) => context.with_deadline(deadline),
            Err(_) => context,
        };
        let call = async move {
            let caught = AssertUnwindSafe(context.scope(answer)).catch_unwind();
            match tokio::time::timeout(timeout, caught).await {
                Ok(Ok(answer)) => answer,
                Ok(Err(panic)) => Err(panicked(panic.as_ref())),
                Err(_elapsed) => Err(Fault::new(Class::Unknown, format!("the handler did not finish within {timeout:?}"))),
            }
        };
        Box::pin(call.instrument(span))
    }
}

/// The same handler behind the inbound pipeline, for requests that come over a broker.
pub(crate) struct BoundRequestHandler<H: RequestHandler> {
    endpoint: Arc<Endpoint<H>>,
    replies: Replies,
}

/// Where replies leave.
#[derive(Clone)]
struct Replies {
    broker: Arc<dyn Broker>,
    source: Arc<str>,
}

impl<H: RequestHandler> BoundRequestHandler<H> {
    pub(crate) fn new(endpoint: Arc<Endpoint<H>>, broker: Arc<dyn Broker>) -> Self {
        let source = endpoint.service_name.into();
        Self { endpoint, replies: Replies { broker, source } }
    }
}

impl<H: RequestHandler> fmt::Debug for BoundRequestHandler<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}({})", H::DECL.name, H::Request::TYPE.name)
    }
}

impl<H: RequestHandler> ErasedHandler for BoundRequestHandler<H> {
    fn start(&self, attempt: &Attempt<'_>, slot: &mut Slot) -> Result<(), CodecError> {
        let request = decode::<H::Request>(attempt.envelope)?;
        let incoming = attempt.incoming();
        let endpoint = Arc::clone(&self.endpoint);
        let replies = self.replies.clone();
        slot.set(async move {
            let asked = Arc::clone(&incoming.envelope);
            let result = endpoint.answer(request, Some(incoming)).await?;
            let reply = replies.prepare::<H::Request>(&asked, result)?;
            replies.send(reply).await
        });
        Ok(())
    }

    fn answer_failure(&self, envelope: &Arc<Envelope>, fault: &Fault) -> Option<BoxFuture<'static, Result<(), BrokerError>>> {
        let reply = reply::failure(envelope, &self.replies.source, fault)?;
        let broker = Arc::clone(&self.replies.broker);
        Some(Box::pin(async move { publish(broker.as_ref(), reply).await }))
    }
}

impl Replies {
    /// The reply, if the request asks for one. Without anybody to tell, a refusal is a fault: it must not vanish.
    fn prepare<R: Request>(&self, request: &Envelope, result: Result<R::Reply, R::Error>) -> Result<Option<Envelope>, Fault> {
        let permanent = |error: String| Fault::new(Class::Permanent, error);
        match reply::answer::<R>(request, &self.source, &result).map_err(|error| permanent(error.to_string()))? {
            None => result.map(|_| None).map_err(|error| permanent(error.to_string())),
            reply => Ok(reply),
        }
    }

    async fn send(&self, reply: Option<Envelope>) -> Outcome {
        match reply {
            Some(reply) => publish(self.broker.as_ref(), reply).await.map_err(|error| Fault::new(Class::Retryable, error)),
            None => Ok(()),
        }
    }
}

/// A reply that comes too late, or can't be sent any more, is nothing to handle the request for once more: nobody waits for it.
async fn publish(broker: &dyn Broker, reply: Envelope) -> Result<(), BrokerError> {
    let deadline = reply.metadata.deadline;
    let is_too_late = || deadline.is_some_and(|deadline| time_left(deadline).is_zero());
    if is_too_late() {
        tracing::debug!("the caller waits no longer; its reply was not sent");
        return Ok(());
    }
    let span = publisher::span(broker, &reply);
    match broker.publish(Arc::new(reply)).instrument(span).await.await {
        Ok(receipt) if receipt.reach == Reach::Unrouted => tracing::debug!("the caller is gone; its reply was dropped"),
        Ok(_) => {}
        Err(error) if is_too_late() => tracing::debug!(%error, "the caller waits no longer; its reply could not be sent in time"),
        Err(error) => return Err(error),
    }
    Ok(())
}

#[cfg(test)]
mod tests;
