//! The two buses.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::error::CallError;
use super::local::{Answer, LocalHandlers};
use super::remote::RemoteCalls;
use super::reply::{self, Said};
use crate::broker::{BrokerError, BrokerErrorKind};
use crate::context::Context;
use crate::error::{Failure, chain_text};
use crate::inject::{InjectError, Injectable, Scope};
use crate::message::{Command, Envelope, Query, Request};
use crate::publisher::{Brokers, envelope};

/// How long a caller waits that neither says so nor has a deadline.
const DEFAULT_PATIENCE: Duration = Duration::from_secs(30);

/// What both buses stand on. The handlers are set once the services are made, which may hold a bus themselves.
#[derive(Debug)]
pub(crate) struct BusCore {
    local: OnceLock<LocalHandlers>,
    remote: BTreeMap<String, RemoteCalls>,
    source: Arc<str>,
}

impl BusCore {
    pub(crate) fn new(brokers: &Brokers, source: Arc<str>) -> Self {
        let remote = brokers.iter().map(|(name, broker)| (name.to_owned(), RemoteCalls::new(Arc::clone(broker)))).collect();
        Self { local: OnceLock::new(), remote, source }
    }

    /// The handlers of this process; until then every call goes over a broker.
    pub(crate) fn set_local(&self, handlers: LocalHandlers) {
        let _ = self.local.set(handlers);
    }

    async fn call<R: Request>(&self, request: R, patience: Duration) -> Result<R::Reply, CallError<R::Error>> {
        let context = Context::current();
        let patience = patience.min(context.time_left().unwrap_or(Duration::MAX));
        match self.local.get().and_then(LocalHandlers::get::<R>) {
            Some(handler) => read_answer::<R>(handler.call(request, context, patience).await),
            None => self.call_remote(request, patience).await,
        }
    }

    async fn call_remote<R: Request>(&self, request: R, patience: Duration) -> Result<R::Reply, CallError<R::Error>> {
        let message = R::TYPE.name;
        let failed = |source| CallError::Broker { message, source };
        let remote = self.remote.get(R::TYPE.broker).ok_or_else(|| failed(no_broker(R::TYPE.broker)))?;
        let mut envelope = envelope(&request, &R::TYPE.topic.into(), &self.source)?;
        envelope.metadata.deadline = Timestamp::now().checked_add(SignedDuration::try_from(patience).unwrap_or(SignedDuration::MAX)).ok();
        match tokio::time::timeout(patience, remote.call(envelope)).await {
            Ok(Ok(Some(reply))) => read_reply::<R>(&reply),
            Ok(Ok(None)) => Err(CallError::NoHandler { message, owner: R::TYPE.owner.unwrap_or(""), broker: R::TYPE.broker }),
            Ok(Err(source)) => Err(failed(source)),
            Err(_elapsed) => Err(CallError::Deadline { message, patience }),
        }
    }
}

fn no_broker(name: &str) -> BrokerError {
    BrokerError::new(BrokerErrorKind::Config, format!("no broker named `{name}` is configured: add `[brokers.{name}]` with a `url`"))
}

fn read_answer<R: Request>(answer: Answer<R>) -> Result<R::Reply, CallError<R::Error>> {
    match answer {
        Ok(result) => result.map_err(CallError::Refused),
        Err(fault) => {
            let failure = Failure { class: fault.class, message: chain_text(fault.error.as_ref()).join(": ") };
            Err(CallError::Failed { message: R::TYPE.name, failure })
        }
    }
}

fn read_reply<R: Request>(reply: &Envelope) -> Result<R::Reply, CallError<R::Error>> {
    match reply::read::<R>(reply)? {
        Said::Ok(reply) => Ok(reply),
        Said::Refused(error) => Err(CallError::Refused(error)),
        Said::Failed(failure) => Err(CallError::Failed { message: R::TYPE.name, failure }),
    }
}

macro_rules! bus {
    ($(#[$doc:meta])* $bus:ident, $kind:ident, $verb:ident, $verb_within:ident) => {
        $(#[$doc])*
        #[derive(Clone)]
        pub struct $bus(Arc<BusCore>);

        impl $bus {
            /// Calls the one handler and waits for its reply: until the deadline of the current context, 30 seconds at most.
            ///
            /// # Errors
            /// [`CallError`]; [`CallError::Refused`] holds the handler's own error.
            pub async fn $verb<R: $kind>(&self, request: R) -> Result<R::Reply, CallError<R::Error>> {
                self.0.call(request, DEFAULT_PATIENCE).await
            }

            /// The same, waiting for so long at most.
            ///
            /// # Errors
            /// [`CallError`]; [`CallError::Deadline`] when the time is over.
            pub async fn $verb_within<R: $kind>(&self, request: R, patience: Duration) -> Result<R::Reply, CallError<R::Error>> {
                self.0.call(request, patience).await
            }
        }

        impl Injectable for $bus {
            fn inject(scope: &Scope) -> Result<Self, InjectError> {
                scope.get::<Arc<BusCore>>().map(Self)
            }
        }

        impl fmt::Debug for $bus {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(stringify!($bus))
            }
        }
    };
}

bus! {
    /// Sends commands, each to the one handler in the service that owns it. Injectable.
    CommandBus, Command, send, send_within
}

bus! {
    /// Asks queries, each of the one handler in the service that owns it. Injectable.
    QueryBus, Query, ask, ask_within
}
