//! What an application is made of, as plain data: what the operator commands, the admin port and the documents
//! show. It knows no types and runs nothing.

mod clients;
mod messages;
mod routes;
mod services;
mod subscriptions;
#[cfg(test)]
pub(crate) mod tests;

use std::time::Duration;

use serde::{Serialize, Serializer};

use super::contents::Definitions;
use crate::config::{KnownNames, format_duration};

pub(crate) use clients::ClientModel;
pub(crate) use messages::{MessageModel, MessageName};
pub(crate) use routes::{GrpcMethodModel, GrpcModel, ParameterModel, RouteModel};
pub(crate) use services::ServiceModel;
pub(crate) use subscriptions::{HandlerModel, SubscriptionModel};

/// The application.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub(crate) struct AppModel {
    /// Its name: the first package.
    pub(crate) name: String,
    /// The packages whose wiring it runs.
    pub(crate) packages: Vec<String>,
    pub(crate) services: Vec<ServiceModel>,
    /// Every message type that is handled, published or otherwise known.
    pub(crate) messages: Vec<MessageModel>,
    pub(crate) providers: Vec<ProviderModel>,
    /// What it calls.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) clients: Vec<ClientModel>,
    /// The layers of the inbound pipeline, outermost first, without the services' own.
    pub(crate) layers: Vec<LayerModel>,
    /// What the schemas of routes refer to; in the documents only.
    #[serde(skip)]
    pub(crate) definitions: Definitions,
}

/// A provider.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct ProviderModel {
    pub(crate) name: String,
    /// The Rust type that it makes.
    pub(crate) provides: String,
    pub(crate) location: String,
}

/// A layer of the pipeline.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct LayerModel {
    pub(crate) name: &'static str,
    pub(crate) does: &'static str,
}

impl AppModel {
    /// The names that the configuration may refer to.
    pub(crate) fn names(&self) -> KnownNames {
        let mut brokers: Vec<String> = self.messages.iter().map(|message| message.broker.clone()).collect();
        brokers.extend(self.services.iter().flat_map(|service| &service.subscriptions).map(|subscription| subscription.broker.clone()));
        brokers.sort();
        brokers.dedup();
        let clients = self.clients.iter().map(|client| client.name.clone()).collect();
        KnownNames { brokers, clients, services: self.services.iter().map(|service| (service.name.clone(), service.names())).collect() }
    }

    /// Every subscription with its service.
    pub(crate) fn subscriptions(&self) -> impl Iterator<Item = (&ServiceModel, &SubscriptionModel)> {
        self.services.iter().flat_map(|service| service.subscriptions.iter().map(move |subscription| (service, subscription)))
    }
}

fn duration<S: Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&format_duration(*duration))
}

fn optional_text<T: std::fmt::Display, S: Serializer>(value: &Option<T>, serializer: S) -> Result<S::Ok, S::Error> {
    match value {
        Some(value) => serializer.collect_str(value),
        None => serializer.serialize_none(),
    }
}

fn optional_duration<S: Serializer>(value: &Option<Duration>, serializer: S) -> Result<S::Ok, S::Error> {
    match value {
        Some(value) => duration(value, serializer),
        None => serializer.serialize_none(),
    }
}
