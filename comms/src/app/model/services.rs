//! A service.

use serde::Serialize;

use super::{ClientModel, GrpcModel, MessageName, RouteModel, SubscriptionModel};
use crate::config::KnownService;
use crate::handler::ServiceDecl;

/// A service.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct ServiceModel {
    pub(crate) name: String,
    pub(crate) version: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) doc: String,
    pub(crate) tags: Vec<String>,
    pub(crate) location: String,
    /// Its own layers, outermost first; they run inside of all others.
    pub(crate) layers: Vec<String>,
    pub(crate) subscriptions: Vec<SubscriptionModel>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) routes: Vec<RouteModel>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) grpc: Vec<GrpcModel>,
    /// The contracts that its routes answer, by name.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) contracts: Vec<&'static str>,
    pub(crate) publishes: Vec<MessageName>,
    /// The clients that it calls with, by name.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) calls: Vec<&'static str>,
}

impl ServiceModel {
    /// A service without subscriptions yet.
    pub(crate) fn of(decl: &ServiceDecl) -> Self {
        Self {
            name: decl.name.to_owned(),
            version: decl.version.to_owned(),
            doc: decl.doc.trim().to_owned(),
            tags: decl.tags.iter().map(ToString::to_string).collect(),
            location: decl.location.to_string(),
            layers: Vec::new(),
            subscriptions: Vec::new(),
            routes: Vec::new(),
            grpc: Vec::new(),
            contracts: Vec::new(),
            publishes: Vec::new(),
            calls: Vec::new(),
        }
    }

    /// Whether it answers what the client calls.
    pub(crate) fn answers(&self, client: &ClientModel) -> bool {
        if client.kind == "grpc" {
            return self.grpc.iter().any(|grpc| grpc.name == client.contract);
        }
        self.contracts.contains(&client.contract.as_str())
    }

    pub(super) fn names(&self) -> KnownService {
        let name = |subscription: &SubscriptionModel| {
            let alone = self.subscriptions.iter().filter(|other| other.topic == subscription.topic).count() == 1;
            if alone { subscription.topic.clone() } else { format!("{}@{}", subscription.topic, subscription.group) }
        };
        let handlers = self.subscriptions.iter().flat_map(|subscription| &subscription.handlers);
        KnownService {
            subscriptions: self.subscriptions.iter().map(name).collect(),
            handlers: handlers.map(|handler| (handler.name.clone(), handler.known())).collect(),
            routes: self.routes.iter().map(|route| route.name.clone()).collect(),
            rpcs: self.grpc.iter().flat_map(|grpc| &grpc.methods).map(|method| method.handler.to_owned()).collect(),
        }
    }
}
