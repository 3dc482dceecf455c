//! What an application is made of, as plain data: what the operator commands, the admin port and the documents
//! show. It knows no types and runs nothing.

use std::num::NonZeroU16;
use std::sync::Arc;
use std::time::Duration;

use serde::{Serialize, Serializer};

use super::contents::{ContentModel, Definitions};
use crate::broker::{InvalidTopic, Order, StartPosition, Subscription};
use crate::config::{KnownHandler, KnownNames, KnownService, format_duration};
use crate::handler::{AfterDeadLetter, HandlerDecl, ServiceDecl, SubscriptionDecl};
use crate::message::{MessageKind, MessageType};

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
    pub(crate) publishes: Vec<MessageName>,
}

/// A message type by its identity on the wire.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub(crate) struct MessageName {
    pub(crate) name: String,
    pub(crate) version: u32,
}

impl std::fmt::Display for MessageName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} v{}", self.name, self.version)
    }
}

/// A subscription with the overrides of the configuration.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct SubscriptionModel {
    pub(crate) topic: String,
    pub(crate) broker: String,
    pub(crate) group: String,
    pub(crate) concurrency: usize,
    /// The number of shards, if messages of one key keep their order.
    pub(crate) ordered: Option<u16>,
    pub(crate) after_dead_letter: &'static str,
    #[serde(serialize_with = "optional_duration")]
    pub(crate) dedup: Option<Duration>,
    pub(crate) from: &'static str,
    pub(crate) handlers: Vec<HandlerModel>,
}

/// A handler with the overrides of the configuration.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct HandlerModel {
    pub(crate) name: String,
    pub(crate) kind: &'static str,
    pub(crate) message: MessageName,
    pub(crate) topic: String,
    /// How many retries follow the first attempt.
    pub(crate) retries: u32,
    /// How many of them at once.
    pub(crate) immediate: u32,
    #[serde(serialize_with = "duration")]
    pub(crate) backoff: Duration,
    #[serde(serialize_with = "duration")]
    pub(crate) backoff_max: Duration,
    #[serde(serialize_with = "duration")]
    pub(crate) timeout: Duration,
    pub(crate) location: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) doc: String,
}

/// An HTTP route.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct RouteModel {
    pub(crate) name: String,
    /// `GET`.
    pub(crate) verb: &'static str,
    pub(crate) path: String,
    pub(crate) parameters: Vec<ParameterModel>,
    /// Of success.
    pub(crate) status: u16,
    #[serde(serialize_with = "duration")]
    pub(crate) timeout: Duration,
    /// In bytes.
    pub(crate) body_limit: usize,
    pub(crate) location: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) doc: String,
    /// Of success, if anything is known; in the documents only.
    #[serde(skip)]
    pub(crate) answer: Option<ContentModel>,
}

/// An argument of a route.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct ParameterModel {
    pub(crate) name: &'static str,
    /// `path`, `query`, `header`, `body` or `extracted`.
    #[serde(rename = "in")]
    pub(crate) place: String,
    /// If anything is known; in the documents only.
    #[serde(skip)]
    pub(crate) content: Option<ContentModel>,
}

/// A gRPC service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct GrpcModel {
    /// Its full name: `shop.inventory.v1.Inventory`.
    pub(crate) name: &'static str,
    pub(crate) methods: Vec<GrpcMethodModel>,
}

/// A method of a gRPC service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct GrpcMethodModel {
    pub(crate) name: &'static str,
    /// `unary`, `client streaming`, `server streaming` or `bidirectional`.
    pub(crate) kind: &'static str,
    /// Its name in Rust.
    pub(crate) handler: &'static str,
    /// `no side effects` or `idempotent`, if the `.proto` file says one of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) idempotency: Option<&'static str>,
    #[serde(serialize_with = "optional_duration", skip_serializing_if = "Option::is_none")]
    pub(crate) timeout: Option<Duration>,
    /// In bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) request_limit: Option<usize>,
    /// In bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) answer_limit: Option<usize>,
}

/// A message type.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct MessageModel {
    #[serde(flatten)]
    pub(crate) id: MessageName,
    pub(crate) kind: &'static str,
    pub(crate) topic: String,
    pub(crate) broker: String,
    pub(crate) content_type: String,
    pub(crate) owner: Option<String>,
    pub(crate) key: Option<String>,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) doc: String,
    pub(crate) rust_path: String,
    /// The JSON Schema of the payload, as schemars makes it; in the documents only.
    #[serde(skip)]
    pub(crate) schema: Option<schemars::Schema>,
}

/// A provider.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct ProviderModel {
    pub(crate) name: String,
    /// The Rust type that it makes.
    pub(crate) provides: String,
    pub(crate) location: String,
}

/// A client of another service, with what the configuration says.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct ClientModel {
    pub(crate) name: String,
    /// `http` or `grpc`.
    pub(crate) kind: String,
    /// What it calls: the name of a contract, or of a service in a `.proto` file.
    pub(crate) contract: String,
    pub(crate) addresses: Vec<String>,
    #[serde(serialize_with = "duration")]
    pub(crate) connect_timeout: Duration,
    #[serde(serialize_with = "optional_duration")]
    pub(crate) attempt_timeout: Option<Duration>,
    /// Of a whole call; none: what each method says.
    #[serde(serialize_with = "optional_duration")]
    pub(crate) timeout: Option<Duration>,
    pub(crate) location: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) doc: String,
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
            publishes: Vec::new(),
        }
    }

    fn names(&self) -> KnownService {
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

impl SubscriptionModel {
    /// A subscription of the service, without handlers yet.
    pub(crate) fn of(decl: &SubscriptionDecl, service: &str) -> Self {
        Self {
            topic: decl.topic.to_owned(),
            broker: decl.broker.to_owned(),
            group: decl.group.unwrap_or(service).to_owned(),
            concurrency: decl.concurrency,
            ordered: decl.ordered,
            after_dead_letter: match decl.after {
                AfterDeadLetter::ParkKey => "park-key",
                AfterDeadLetter::Continue => "continue",
            },
            dedup: decl.dedup,
            from: if decl.from == StartPosition::Earliest { "earliest" } else { "new" },
            handlers: Vec::new(),
        }
    }

    /// What a broker is asked for.
    ///
    /// # Errors
    /// When the topic is none; a start reports that too.
    pub(crate) fn subscription(&self) -> Result<Arc<Subscription>, InvalidTopic> {
        let mut subscription = Subscription::new(self.topic.parse()?, self.group.as_str());
        subscription.concurrency = self.concurrency;
        subscription.order = self.ordered.and_then(NonZeroU16::new).map(|shards| Order { shards });
        subscription.from = if self.from == "earliest" { StartPosition::Earliest } else { StartPosition::New };
        Ok(Arc::new(subscription))
    }
}

impl HandlerModel {
    /// The handler of the message type.
    pub(crate) fn of(decl: &HandlerDecl, message: &MessageType) -> Self {
        Self {
            name: decl.name.to_owned(),
            kind: kind(message.kind),
            message: MessageName::of(message),
            topic: message.topic.to_owned(),
            retries: decl.retry.max,
            immediate: decl.retry.immediate.min(decl.retry.max),
            backoff: decl.retry.backoff,
            backoff_max: decl.retry.backoff_max,
            timeout: decl.timeout,
            location: decl.location.to_string(),
            doc: decl.doc.trim().to_owned(),
        }
    }

    fn known(&self) -> KnownHandler {
        KnownHandler { timeout: self.timeout, retried: self.kind == "event", max: self.retries, immediate: self.immediate }
    }
}

impl MessageName {
    pub(crate) fn of(message: &MessageType) -> Self {
        Self { name: message.name.to_owned(), version: message.version }
    }
}

impl MessageModel {
    /// The message type with its schema.
    pub(crate) fn of(message: &MessageType, schema: Option<schemars::Schema>) -> Self {
        Self {
            id: MessageName::of(message),
            kind: kind(message.kind),
            topic: message.topic.to_owned(),
            broker: message.broker.to_owned(),
            content_type: message.content_type.to_owned(),
            owner: message.owner.map(str::to_owned),
            key: message.key.map(str::to_owned),
            doc: message.doc.trim().to_owned(),
            rust_path: message.rust_path.to_owned(),
            schema,
        }
    }
}

fn kind(kind: MessageKind) -> &'static str {
    match kind {
        MessageKind::Event => "event",
        MessageKind::Command => "command",
        MessageKind::Query => "query",
    }
}

fn duration<S: Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&format_duration(*duration))
}

fn optional_duration<S: Serializer>(value: &Option<Duration>, serializer: S) -> Result<S::Ok, S::Error> {
    match value {
        Some(value) => duration(value, serializer),
        None => serializer.serialize_none(),
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::handler::Location;

    /// An order as events carry it.
    #[derive(schemars::JsonSchema)]
    #[allow(dead_code, reason = "only its schema is wanted")]
    struct OrderPlaced {
        /// Who ordered.
        customer: Customer,
        /// In cents.
        total: u64,
        range: (u32, String),
        note: Option<String>,
    }

    #[derive(schemars::JsonSchema)]
    #[allow(dead_code, reason = "only its schema is wanted")]
    struct Customer {
        id: String,
        friends: Vec<Customer>,
    }

    fn placed() -> MessageType {
        MessageType {
            name: "orders.order-placed",
            version: 1,
            kind: MessageKind::Event,
            topic: "orders",
            broker: "default",
            content_type: "application/json",
            owner: None,
            key: Some("order_id"),
            doc: "An order was placed.\n\nIt is not paid yet.",
            rust_path: "shop::OrderPlaced",
        }
    }

    fn place() -> MessageType {
        let (kind, owner) = (MessageKind::Command, Some("billing"));
        MessageType { name: "billing.charge", kind, owner, topic: "commands.billing", broker: "audit", key: None, doc: "", ..placed() }
    }

    /// A small application with one of everything.
    pub(crate) fn sample() -> AppModel {
        let schema = || Some(schemars::SchemaGenerator::default().into_root_schema_for::<OrderPlaced>());
        let location = |line| Location::new("src/billing.rs", line);
        let mut orders = SubscriptionModel::of(&SubscriptionDecl::new("orders").ordered(16, AfterDeadLetter::ParkKey), "billing");
        let handler = HandlerDecl::new("on_order_placed", location(20)).doc("Writes the invoice.");
        orders.handlers.push(HandlerModel::of(&handler, &placed()));
        let mut commands = SubscriptionModel::of(&SubscriptionDecl::new("commands.billing").broker("audit"), "billing");
        commands.handlers.push(HandlerModel::of(&HandlerDecl::new("charge", location(30)), &place()));
        let mut billing = ServiceModel::of(&ServiceDecl::new("billing", "1.2.0", location(12)).tags(&["money"]).doc("Writes invoices."));
        billing.layers.push("Audit".to_owned());
        billing.subscriptions = vec![orders, commands];
        billing.routes.push(RouteModel {
            name: "find".to_owned(),
            verb: "GET",
            path: "/invoices/{id}".to_owned(),
            parameters: vec![ParameterModel { name: "id", place: "path".to_owned(), content: None }],
            status: 200,
            timeout: Duration::from_secs(5),
            body_limit: 64 << 10,
            location: location(40).to_string(),
            doc: "Finds an invoice.".to_owned(),
            answer: None,
        });
        let find = GrpcMethodModel {
            name: "Find",
            kind: "unary",
            handler: "find",
            idempotency: Some("no side effects"),
            timeout: Some(Duration::from_secs(2)),
            request_limit: Some(64 << 10),
            answer_limit: None,
        };
        let watch = GrpcMethodModel {
            name: "Watch",
            kind: "server streaming",
            handler: "watch",
            idempotency: None,
            timeout: None,
            request_limit: None,
            answer_limit: None,
        };
        let methods = vec![find, watch];
        billing.grpc.push(GrpcModel { name: "shop.billing.v1.Billing", methods });
        billing.publishes.push(MessageName { name: "orders.order-placed".to_owned(), version: 1 });
        AppModel {
            name: "billing-service".to_owned(),
            packages: vec!["billing-service".to_owned()],
            services: vec![billing],
            messages: vec![MessageModel::of(&placed(), schema()), MessageModel::of(&place(), None)],
            providers: vec![ProviderModel { name: "invoices".into(), provides: "Invoices".into(), location: location(5).to_string() }],
            clients: vec![ClientModel {
                name: "inventory".to_owned(),
                kind: "grpc".to_owned(),
                contract: "shop.inventory.v1.Inventory".to_owned(),
                addresses: vec!["http://127.0.0.1:50051".to_owned()],
                connect_timeout: Duration::from_secs(1),
                attempt_timeout: Some(Duration::from_secs(2)),
                timeout: None,
                location: location(6).to_string(),
                doc: String::new(),
            }],
            layers: vec![LayerModel { name: "decode", does: "payload to type" }, LayerModel { name: "retry", does: "in two levels" }],
            definitions: Definitions::default(),
        }
    }

    #[test]
    fn the_names_of_a_model_are_what_the_configuration_may_say() {
        let mut model = sample();
        let again = SubscriptionModel { group: "audit".to_owned(), ..model.services[0].subscriptions[0].clone() };
        model.services[0].subscriptions.push(again);
        let names = model.names();
        assert_eq!(names.brokers, ["audit", "default"]);
        assert_eq!(names.services["billing"].subscriptions, ["orders@billing", "commands.billing", "orders@audit"]);
        assert_eq!(names.services["billing"].handlers["charge"].timeout, Duration::from_secs(30));
        assert_eq!(
            (&names.services["billing"].routes[..], &names.services["billing"].rpcs[..]),
            (&["find".to_owned()][..], &["find".to_owned(), "watch".to_owned()][..])
        );
    }

    #[test]
    fn a_subscription_is_what_the_broker_will_be_asked_for() {
        let subscription = sample().services[0].subscriptions[0].subscription().unwrap();
        assert_eq!(subscription.name(), "billing.orders");
        assert_eq!(subscription.order.map(|order| order.shards.get()), Some(16));
    }
}
