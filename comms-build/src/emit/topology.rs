//! `topology.json`: who publishes and handles what, over which broker, and who answers which requests, for tools and for the runtime's commands.

use serde_json::{Value, json};

use crate::model::{Crate, Handler, Message, Route, Service, TypeUse, World};
use crate::plan;

/// The topology of one crate, as text.
pub(crate) fn of_crate(world: &World, krate: &Crate) -> String {
    text(&crate_value(world, krate))
}

/// The topology of a system: one entry per crate.
pub(crate) fn of_system<'a>(world: &World, package: &str, crates: impl Iterator<Item = &'a Crate>) -> String {
    let members: Vec<Value> = crates.map(|krate| crate_value(world, krate)).collect();
    text(&json!({ "system": package, "members": members }))
}

fn text(value: &Value) -> String {
    format!("{value:#}\n")
}

fn crate_value(world: &World, krate: &Crate) -> Value {
    let services: Vec<Value> = krate.services.iter().filter(|it| !it.origin.test_only).map(|it| service(world, krate, it)).collect();
    let messages: Vec<Value> = krate.messages.iter().filter(|it| !it.origin.test_only).map(message).collect();
    json!({ "package": krate.package, "services": services, "messages": messages })
}

fn service(world: &World, krate: &Crate, service: &Service) -> Value {
    let handlers = krate.handlers.iter().filter(|it| !it.origin.test_only && it.service.as_ref() == Some(&service.name));
    let routes = krate.routes.iter().filter(|it| !it.origin.test_only && it.service.as_ref() == Some(&service.name));
    let mut publishes: Vec<String> = service.publishes.iter().map(|it| type_name(world, it)).collect();
    publishes.extend(handlers.clone().flat_map(|it| it.publishes.iter().map(|it| type_name(world, it))));
    publishes.sort();
    publishes.dedup();
    json!({
        "name": service.name,
        "version": service.version,
        "tags": service.tags,
        "location": service.origin.place.to_string(),
        "subscriptions": plan::subscriptions(world, krate, service).iter().map(subscription).collect::<Vec<_>>(),
        "handlers": handlers.map(|it| handler(world, service, it)).collect::<Vec<_>>(),
        "publishes": publishes,
        "routes": routes.map(route).collect::<Vec<_>>(),
    })
}

fn subscription(subscription: &plan::Subscription) -> Value {
    json!({
        "topic": subscription.topic,
        "broker": subscription.broker,
        "group": subscription.group,
        "ordered": subscription.ordered,
        "declared": subscription.place.is_some(),
    })
}

fn handler(world: &World, service: &Service, handler: &Handler) -> Value {
    let message = handler.message.message.map(|at| world.message(at));
    json!({
        "name": handler.name,
        "kind": handler.kind.name(),
        "message": type_name(world, &handler.message),
        "topic": message.map(|it| &it.topic),
        "broker": message.map(|it| &it.broker),
        "group": handler.group.as_ref().unwrap_or(&service.name),
        "location": handler.origin.place.to_string(),
    })
}

fn route(route: &Route) -> Value {
    json!({
        "name": route.name,
        "method": route.verb.method(),
        "path": route.path.text,
        "location": route.origin.place.to_string(),
    })
}

/// The wire name where the scan knows it, else the type as it is written.
fn type_name(world: &World, used: &TypeUse) -> String {
    used.message.map_or_else(|| used.text.clone(), |at| world.message(at).wire_name.clone())
}

fn message(message: &Message) -> Value {
    json!({
        "name": message.wire_name,
        "version": message.version,
        "kind": message.kind.name(),
        "topic": message.topic,
        "broker": message.broker,
        "owner": message.owner,
        "rust_path": message.origin.path_of(&message.ident),
        "location": message.origin.place.to_string(),
    })
}
