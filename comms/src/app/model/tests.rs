//! A small application, as plain data.

use super::*;
use crate::handler::{AfterDeadLetter, HandlerDecl, Location, ServiceDecl, SubscriptionDecl};
use crate::message::{MessageKind, MessageType};

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
        idempotent: false,
        idempotency_key: false,
        location: location(40).to_string(),
        doc: "Finds an invoice.".to_owned(),
        answer: None,
        error: None,
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
    billing.calls.push("inventory");
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
