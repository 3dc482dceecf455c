//! Registration, by generated wiring or by hand.

use super::Service;
use crate::handler::{EventHandler, RequestHandler};
use crate::inject::{Provider, Value};
use crate::message::Message;

/// Collects what an application is made of.
///
/// Generated wiring calls nothing else; what it does, a person can write.
#[derive(Debug, Default)]
#[must_use]
pub struct AppBuilder {
    packages: Vec<&'static str>,
}

impl AppBuilder {
    /// Names the package whose wiring follows.
    pub fn package(mut self, package: &'static str) -> Self {
        self.packages.push(package);
        self
    }

    /// Adds a provider.
    pub fn provider<P: Provider>(self) -> Self {
        self
    }

    /// Hands a value over; it takes the place of a provider of the same type.
    pub fn provide<T: Value>(self, _value: T) -> Self {
        self
    }

    /// Adds a service.
    pub fn service<S: Service>(self) -> Self {
        self
    }

    /// Adds an event handler that is a method of a service.
    pub fn event_handler<H: EventHandler<Service: Service>>(self) -> Self {
        self
    }

    /// Adds an event handler that is a free function, to the service of the name.
    pub fn event_function<H: EventHandler<Service = crate::handler::Free>>(self, _service: &'static str) -> Self {
        self
    }

    /// Adds the handler of a command or query that is a method of a service.
    pub fn request_handler<H: RequestHandler<Service: Service>>(self) -> Self {
        self
    }

    /// Adds the handler of a command or query that is a free function, to the service of the name.
    pub fn request_function<H: RequestHandler<Service = crate::handler::Free>>(self, _service: &'static str) -> Self {
        self
    }

    /// Makes a message type known to the documents, whether handled here or not.
    pub fn message<M: Message>(self) -> Self {
        self
    }
}
