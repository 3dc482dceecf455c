//! Registration, by generated wiring or by hand.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::clients::Clients;
use super::health::Health;
use super::registry::{HandlerEntry, MessageEntry, ProviderEntry, ServiceEntry};
use super::routes::Routes;
use super::{Service, StartError, Wiring};
use crate::broker::Broker;
use crate::config::Config;
use crate::handler::{BatchHandler, EventHandler, Free, Observer, RequestHandler};
use crate::inject::{Provider, Scope, TypeRef, Value};
use crate::message::Message;
use crate::metrics::Metrics;

/// Collects what an application is made of, then starts it.
///
/// Generated wiring calls nothing else; what it does, a person can write.
///
/// ```
/// use comms::AppBuilder;
/// let app = AppBuilder::new("billing").provide(42_u32);
/// # drop(app);
/// ```
#[derive(Debug)]
#[must_use = "an application runs only once it was started"]
pub struct AppBuilder {
    pub(crate) name: String,
    pub(crate) packages: Vec<&'static str>,
    pub(crate) providers: Vec<ProviderEntry>,
    pub(crate) values: Scope,
    pub(crate) provided: Vec<TypeRef>,
    pub(crate) services: Vec<ServiceEntry>,
    pub(crate) handlers: Vec<HandlerEntry>,
    pub(crate) messages: Vec<MessageEntry>,
    pub(crate) routes: Routes,
    pub(crate) clients: Clients,
    pub(crate) brokers: BTreeMap<String, Arc<dyn Broker>>,
    pub(crate) observer: Option<Arc<dyn Observer>>,
    pub(crate) config: Config,
    pub(crate) health: Health,
    pub(crate) metrics: Metrics,
    pub(crate) shutdown_timeout: Option<Duration>,
}

impl AppBuilder {
    /// An empty application; its name is the source of what it publishes outside of a service.
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            packages: Vec::new(),
            providers: Vec::new(),
            values: Scope::new(),
            provided: Vec::new(),
            services: Vec::new(),
            handlers: Vec::new(),
            messages: Vec::new(),
            routes: Routes::default(),
            clients: Clients::default(),
            brokers: BTreeMap::new(),
            observer: None,
            config: Config::default(),
            health: Health::new(),
            metrics: Metrics::new(),
            shutdown_timeout: None,
        }
    }

    /// The application of the wiring, named after its first package.
    pub fn of<W: Wiring>() -> Self {
        let mut app = W::wire(Self::new(""));
        app.name = app.packages.first().map_or_else(|| "comms".to_owned(), ToString::to_string);
        app
    }

    /// Names the package whose wiring follows.
    pub fn package(mut self, package: &'static str) -> Self {
        self.packages.push(package);
        self
    }

    /// Adds a provider.
    pub fn provider<P: Provider>(mut self) -> Self {
        self.providers.push(ProviderEntry::of::<P>());
        self
    }

    /// Hands a value over; it takes the place of a provider of the same type, which is not run then.
    pub fn provide<T: Value>(mut self, value: T) -> Self {
        self.values.insert(value);
        self.provided.push(TypeRef::of::<T>());
        self
    }

    /// Adds a service.
    pub fn service<S: Service>(mut self) -> Self {
        self.services.push(ServiceEntry::of::<S>());
        self
    }

    /// Adds an event handler that is a method of a service.
    pub fn event_handler<H: EventHandler<Service: Service>>(mut self) -> Self {
        self.handlers.push(HandlerEntry::event::<H>(<H::Service as Service>::DECL.name));
        self.message::<H::Event>()
    }

    /// Adds an event handler that is a free function, to the service of the name.
    pub fn event_function<H: EventHandler<Service = Free>>(mut self, service: &'static str) -> Self {
        self.handlers.push(HandlerEntry::event::<H>(service));
        self.message::<H::Event>()
    }

    /// Adds a handler of batches that is a method of a service.
    pub fn batch_handler<H: BatchHandler<Service: Service>>(mut self) -> Self {
        self.handlers.push(HandlerEntry::batch::<H>(<H::Service as Service>::DECL.name));
        self.message::<H::Event>()
    }

    /// Adds a handler of batches that is a free function, to the service of the name.
    pub fn batch_function<H: BatchHandler<Service = Free>>(mut self, service: &'static str) -> Self {
        self.handlers.push(HandlerEntry::batch::<H>(service));
        self.message::<H::Event>()
    }

    /// Adds the handler of a command or query that is a method of a service.
    pub fn request_handler<H: RequestHandler<Service: Service>>(mut self) -> Self {
        self.handlers.push(HandlerEntry::request::<H>(<H::Service as Service>::DECL.name));
        self.message::<H::Request>()
    }

    /// Adds the handler of a command or query that is a free function, to the service of the name.
    pub fn request_function<H: RequestHandler<Service = Free>>(mut self, service: &'static str) -> Self {
        self.handlers.push(HandlerEntry::request::<H>(service));
        self.message::<H::Request>()
    }

    /// Makes a message type known to the documents, whether handled here or not.
    pub fn message<M: Message>(mut self) -> Self {
        if !self.messages.iter().any(|known| known.message == M::TYPE) {
            self.messages.push(MessageEntry::of::<M>());
        }
        self
    }

    /// Uses this broker under the name, instead of what the configuration says.
    pub fn broker(mut self, name: impl Into<String>, broker: Arc<dyn Broker>) -> Self {
        self.brokers.insert(name.into(), broker);
        self
    }

    /// Tells the observer what happens to messages.
    pub fn observer(mut self, observer: Arc<dyn Observer>) -> Self {
        self.observer = Some(observer);
        self
    }

    /// Uses this configuration; without it, the defaults. Files and the environment are the generated main's to read.
    pub fn config(mut self, config: Config) -> Self {
        self.config = config;
        self
    }

    /// How long messages in hand may take to finish when the application stops, whatever the configuration says.
    pub fn shutdown_timeout(mut self, timeout: Duration) -> Self {
        self.shutdown_timeout = Some(timeout);
        self
    }

    /// Starts everything; returns once messages flow.
    ///
    /// # Errors
    /// [`StartError`] with everything that is wrong, as far as it can be found without starting.
    pub async fn start(self) -> Result<super::App, StartError> {
        super::start::start(self).await
    }
}
