//! `asyncapi`: the AsyncAPI 3.0 document (<https://www.asyncapi.com/docs/reference/specification/v3.0.0>).
//!
//! Topics are channels; a handler receives, a publisher sends, in the words of the application itself.

mod schemas;

use serde_json::{Map, Value, json};

use super::document::{describe, describe_service, legal};
use crate::app::model::{AppModel, HandlerModel, MessageModel, MessageName, ServiceModel, SubscriptionModel};
use crate::config::{BrokerConfig, Config, format_duration};
use schemas::Schemas;

/// The document.
pub(in crate::app) fn document(model: &AppModel, config: &Config) -> Value {
    let mut schemas = Schemas::default();
    let messages: Map<String, Value> =
        model.messages.iter().map(|message| (key(&message.id), self::message(message, &mut schemas))).collect();
    let mut components = Map::from_iter([("messages".to_owned(), Value::Object(messages))]);
    let schemas = schemas.into_components();
    if !schemas.is_empty() {
        components.insert("schemas".to_owned(), Value::Object(schemas));
    }
    json!({
        "asyncapi": "3.0.0",
        "info": info(model),
        "defaultContentType": "application/json",
        "servers": config.brokers.iter().map(|(name, broker)| (server_name(name), server(broker))).collect::<Map<_, _>>(),
        "channels": channels(model, config),
        "operations": operations(model),
        "components": components,
    })
}

fn info(model: &AppModel) -> Value {
    let version = model.services.first().map_or("0.0.0", |service| service.version.as_str());
    let services: Vec<String> = model.services.iter().map(describe_service).collect();
    let description = format!(
        "{}\n\nMessages are CloudEvents 1.0 in binary mode: the attributes travel in the headers of the broker's own protocol, the body is the payload.",
        services.join("\n")
    );
    let mut tags: Vec<&String> = model.services.iter().flat_map(|service| &service.tags).collect();
    tags.sort();
    tags.dedup();
    let tags: Vec<Value> = tags.into_iter().map(|tag| json!({ "name": tag })).collect();
    json!({ "title": model.name, "version": version, "description": description.trim(), "tags": tags })
}

/// User, password and options of the URL are nobody's business here.
fn server(broker: &BrokerConfig) -> Value {
    let shown = broker.shown_url();
    let rest = shown.split_once("://").map_or("", |(_, rest)| rest);
    let rest = rest.split(['?', '#']).next().unwrap_or_default();
    let (authority, path) = rest.split_once('/').map_or((rest, None), |(authority, path)| (authority, Some(path)));
    let host = authority.rsplit('@').next().unwrap_or_default();
    let mut server = json!({ "host": if host.is_empty() { "localhost" } else { host }, "protocol": broker.scheme() });
    if let Some(path) = path.filter(|path| !path.is_empty()) {
        server["pathname"] = json!(format!("/{path}"));
    }
    server
}

/// The names of servers have a small alphabet.
fn server_name(name: &str) -> String {
    name.chars().map(|sign| if sign.is_ascii_alphanumeric() || sign == '-' { sign } else { '_' }).collect()
}

fn channels(model: &AppModel, config: &Config) -> Map<String, Value> {
    let mut channels = Map::new();
    for message in &model.messages {
        let channel = channels.entry(message.topic.clone()).or_insert_with(|| channel(message, config));
        channel["messages"][key(&message.id)] = json!({ "$ref": format!("#/components/messages/{}", key(&message.id)) });
    }
    channels
}

fn channel(message: &MessageModel, config: &Config) -> Value {
    let mut channel = json!({ "address": message.topic, "messages": {} });
    if config.brokers.contains_key(&message.broker) {
        channel["servers"] = json!([{ "$ref": format!("#/servers/{}", server_name(&message.broker)) }]);
    }
    channel
}

fn message(message: &MessageModel, schemas: &mut Schemas) -> Value {
    let title = message.id.name.rsplit('.').next().unwrap_or_default();
    let mut value = json!({
        "name": message.id.name,
        "title": title,
        "contentType": message.content_type,
        "tags": [{ "name": message.kind }],
        "x-comms-version": message.id.version,
    });
    describe(&mut value, &message.doc);
    if let Some(key) = &message.key {
        value["x-comms-key"] = json!(key);
    }
    if let Some(schema) = &message.schema {
        value["payload"] = schemas.add(schema.clone());
    }
    value
}

fn operations(model: &AppModel) -> Map<String, Value> {
    let mut operations = Map::new();
    for (service, subscription) in model.subscriptions() {
        for handler in subscription.handlers.iter().filter(|handler| model.messages.iter().any(|message| message.id == handler.message)) {
            let name = format!("{}.{}", service.name, handler.name);
            insert(&mut operations, name, &subscription.group, receive(service, subscription, handler));
        }
    }
    for service in &model.services {
        for message in model.messages.iter().filter(|message| service.publishes.contains(&message.id)) {
            operations.insert(format!("{}.publish.{}", service.name, key(&message.id)), send(service, message));
        }
    }
    operations
}

/// A free function may be called like a method of the service: the second one has its group in its name.
fn insert(operations: &mut Map<String, Value>, name: String, group: &str, operation: Value) {
    let name = if operations.contains_key(&name) { format!("{name}.{group}") } else { name };
    operations.insert(name, operation);
}

fn receive(service: &ServiceModel, subscription: &SubscriptionModel, handler: &HandlerModel) -> Value {
    let mut operation = operation("receive", service, &handler.topic, &handler.message);
    describe(&mut operation, &handler.doc);
    operation["x-comms-group"] = json!(subscription.group);
    operation["x-comms-subscription"] = json!(subscription.topic);
    operation["x-comms-timeout"] = json!(format_duration(handler.timeout));
    if handler.kind == "event" {
        operation["x-comms-retries"] = json!(handler.retries);
    } else {
        operation["reply"] = json!({
            "address": {
                "location": "$message.header#/replyto",
                "description": "The topic that the CloudEvents extension `replyto` of the request names; the reply carries the request's id as `inreplyto`.",
            }
        });
    }
    operation
}

fn send(service: &ServiceModel, message: &MessageModel) -> Value {
    operation("send", service, &message.topic, &message.id)
}

fn operation(action: &str, service: &ServiceModel, topic: &str, message: &MessageName) -> Value {
    json!({
        "action": action,
        "channel": { "$ref": format!("#/channels/{topic}") },
        "messages": [{ "$ref": format!("#/channels/{topic}/messages/{}", key(message)) }],
        "tags": [{ "name": service.name }],
    })
}

/// The name of a message in the document, where `/` or `~` would have to be escaped in references.
fn key(message: &MessageName) -> String {
    format!("{}.v{}", legal(&message.name), message.version)
}
