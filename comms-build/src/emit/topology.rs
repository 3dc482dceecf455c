//! `topology.json`: who publishes and handles what, over which broker, and who answers which requests, for tools and for the runtime's commands.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::contracts::ContractMethod;
use crate::model::{Client, ClientRef, Contract, Crate, Handler, Implementation, Message, Route, Service, TypeUse, World};
use crate::plan;
use crate::proto::ProtoMethod;

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
    let contracts: Vec<Value> = krate.contracts.iter().filter(|it| !it.origin.test_only).map(contract).collect();
    let clients: Vec<Value> = krate.clients.iter().filter(|it| !it.origin.test_only).map(|it| client(world, it)).collect();
    json!({ "package": krate.package, "services": services, "messages": messages, "contracts": contracts, "clients": clients })
}

fn service(world: &World, krate: &Crate, service: &Service) -> Value {
    let handlers = krate.handlers.iter().filter(|it| !it.origin.test_only && it.service.as_ref() == Some(&service.name));
    let routes = krate.routes.iter().filter(|it| !it.origin.test_only && it.service.as_ref() == Some(&service.name));
    let mut publishes: Vec<String> = service.publishes.iter().map(|it| type_name(world, it)).collect();
    publishes.extend(handlers.clone().flat_map(|it| it.publishes.iter().map(|it| type_name(world, it))));
    publishes.sort();
    publishes.dedup();
    let implements = krate.implementations.iter().filter(|it| !it.origin.test_only && it.service.as_ref() == Some(&service.name));
    let calls: Vec<&str> = calls(krate, service).map(|at| world.client(at).name.as_str()).collect();
    json!({
        "name": service.name,
        "version": service.version,
        "tags": service.tags,
        "location": service.origin.place.to_string(),
        "subscriptions": plan::subscriptions(world, krate, service).iter().map(subscription).collect::<Vec<_>>(),
        "handlers": handlers.map(|it| handler(world, service, it)).collect::<Vec<_>>(),
        "publishes": publishes,
        "routes": routes.map(route).collect::<Vec<_>>(),
        "implements": implements.map(|it| implementation(world, it)).collect::<Vec<_>>(),
        "calls": calls,
    })
}

/// The clients that a service or one of its handlers has injected, each once.
pub(super) fn calls(krate: &Crate, service: &Service) -> impl Iterator<Item = ClientRef> {
    let handlers = krate.handlers.iter().filter(|it| !it.origin.test_only && it.service.as_ref() == Some(&service.name));
    let calls: BTreeSet<ClientRef> = service.calls.iter().chain(handlers.flat_map(|it| &it.calls)).copied().collect();
    calls.into_iter()
}

fn implementation(world: &World, implementation: &Implementation) -> Value {
    let mut value = json!({
        "contract": world.trait_name(&implementation.contract),
        "routes": implementation.routes(world).iter().map(Route::requests).collect::<Vec<_>>(),
        "location": implementation.origin.place.to_string(),
    });
    if !implementation.proto.is_empty() {
        value["rpcs"] = implementation.proto.iter().map(rpc).collect();
    }
    value
}

fn rpc(method: &ProtoMethod) -> Value {
    json!({ "name": method.name, "kind": method.kind, "idempotency": method.idempotency })
}

fn contract(contract: &Contract) -> Value {
    json!({
        "name": contract.name,
        "version": contract.version,
        "methods": contract.methods.iter().map(contract_method).collect::<Vec<_>>(),
        "rust_path": contract.origin.path_of(&contract.ident),
        "location": contract.origin.place.to_string(),
    })
}

fn contract_method(method: &ContractMethod) -> Value {
    json!({ "name": method.name, "method": method.verb.method(), "path": method.path.text, "location": method.place.to_string() })
}

fn client(world: &World, client: &Client) -> Value {
    json!({
        "name": client.name,
        "kind": client.kind.name(),
        "contract": world.trait_name(&client.contract),
        "url": client.url,
        "implemented_by": world.implementers(client).collect::<BTreeSet<_>>(),
        "rust_path": client.origin.path_of(&client.ident),
        "location": client.origin.place.to_string(),
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
