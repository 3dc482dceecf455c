//! `wiring`: what is wired, in which order of layers.

use std::fmt::Write as _;

use serde_json::json;

use super::Report;
use super::report::{columns, size_text};
use crate::app::model::{AppModel, ClientModel, GrpcMethodModel, HandlerModel, RouteModel, ServiceModel, SubscriptionModel};
use crate::config::format_duration;

pub(super) fn wiring(model: &AppModel) -> Report {
    let mut text = String::new();
    for service in &model.services {
        text.push_str(&service_text(service));
        text.push('\n');
    }
    text.push_str(&layers_text(model));
    text.push_str(&providers_text(model));
    text.push_str(&clients_text(model));
    Report::new(text, json!(model))
}

fn service_text(service: &ServiceModel) -> String {
    let mut text = format!("{} {}  {}\n", service.name, service.version, service.location);
    // Writing to a string can't fail, here and below.
    for subscription in &service.subscriptions {
        let _ = writeln!(text, "  {}", subscription_text(subscription));
        let rows: Vec<[String; 5]> = subscription.handlers.iter().map(handler_row).collect();
        for line in columns(&rows).lines() {
            let _ = writeln!(text, "    {line}");
        }
    }
    let routes: Vec<[String; 5]> = service.routes.iter().map(route_row).collect();
    for line in columns(&routes).lines() {
        let _ = writeln!(text, "  {line}");
    }
    for grpc in &service.grpc {
        let _ = writeln!(text, "  gRPC {}", grpc.name);
        let methods: Vec<[String; 3]> = grpc.methods.iter().map(rpc_row).collect();
        for line in columns(&methods).lines() {
            let _ = writeln!(text, "    {line}");
        }
    }
    if !service.calls.is_empty() {
        let _ = writeln!(text, "  calls with {}", service.calls.join(", "));
    }
    if !service.publishes.is_empty() {
        let names: Vec<String> = service.publishes.iter().map(ToString::to_string).collect();
        let _ = writeln!(text, "  publishes {}", names.join(", "));
    }
    text
}

fn subscription_text(subscription: &SubscriptionModel) -> String {
    let SubscriptionModel { topic, group, broker, concurrency, .. } = subscription;
    let mut text = format!("{topic}, group {group}, broker {broker}: {concurrency} at once");
    if let Some(shards) = subscription.ordered {
        let _ = write!(text, ", ordered over {shards} shards (after a dead letter: {})", subscription.after_dead_letter);
    }
    if let Some(window) = subscription.dedup {
        let _ = write!(text, ", duplicates skipped for {}", format_duration(window));
    }
    if let Some(rate) = subscription.throttle {
        let _ = write!(text, ", at most {rate}");
    }
    if subscription.from != "new" {
        let _ = write!(text, ", from {}", subscription.from);
    }
    text
}

fn handler_row(handler: &HandlerModel) -> [String; 5] {
    [
        handler.name.clone(),
        format!("{} {}", handler.kind, handler.message),
        retry_text(handler),
        format!(
            "timeout {}{}{}",
            format_duration(handler.timeout),
            batch_text(handler),
            if handler.transactional { ", transactional" } else { "" }
        ),
        handler.location.clone(),
    ]
}

fn batch_text(handler: &HandlerModel) -> String {
    let batch = handler.batch.as_ref();
    batch.map_or_else(String::new, |batch| format!(", batches of up to {} within {}", batch.max, format_duration(batch.wait)))
}

fn route_row(route: &RouteModel) -> [String; 5] {
    [
        format!("{} {}", route.verb, route.path),
        route.name.clone(),
        format!("-> {}", route.status),
        terms_text(route),
        route.location.clone(),
    ]
}

fn rpc_row(method: &GrpcMethodModel) -> [String; 3] {
    let bounds = [
        method.idempotency.map(str::to_owned),
        method.timeout.map(|timeout| format!("timeout {}", format_duration(timeout))),
        method.request_limit.map(|limit| format!("request up to {}", size_text(limit))),
        method.answer_limit.map(|limit| format!("answer up to {}", size_text(limit))),
    ];
    let bounds: Vec<String> = bounds.into_iter().flatten().collect();
    [method.name.to_owned(), method.kind.to_owned(), bounds.join(", ")]
}

fn terms_text(route: &RouteModel) -> String {
    let repeated = match route {
        RouteModel { idempotent: true, .. } => ", idempotent",
        RouteModel { idempotency_key: true, .. } => ", with an idempotency key",
        _ => "",
    };
    format!("timeout {}, body up to {}{repeated}", format_duration(route.timeout), size_text(route.body_limit))
}

fn retry_text(handler: &HandlerModel) -> String {
    if handler.retries == 0 {
        return "no retry".to_owned();
    }
    let (first, longest) = (format_duration(handler.backoff), format_duration(handler.backoff_max));
    format!("{} retries ({} at once, {first}..{longest})", handler.retries, handler.immediate)
}

fn layers_text(model: &AppModel) -> String {
    let mut rows: Vec<[String; 2]> = model.layers.iter().map(|layer| [format!("  {}", layer.name), layer.does.to_owned()]).collect();
    for service in model.services.iter().filter(|service| !service.layers.is_empty()) {
        rows.push([format!("  {}", service.layers.join(", ")), format!("of {}", service.name)]);
    }
    rows.push(["  handler".to_owned(), "yours".to_owned()]);
    format!("layers, outermost first\n{}", columns(&rows))
}

fn providers_text(model: &AppModel) -> String {
    if model.providers.is_empty() {
        return String::new();
    }
    let row = |provider: &crate::app::model::ProviderModel| {
        [format!("  {}", provider.name), format!("-> {}", provider.provides), provider.location.clone()]
    };
    format!("\nproviders\n{}", columns(&model.providers.iter().map(row).collect::<Vec<_>>()))
}

fn clients_text(model: &AppModel) -> String {
    if model.clients.is_empty() {
        return String::new();
    }
    let rows: Vec<[String; 5]> = model.clients.iter().map(client_row).collect();
    format!("\nclients\n{}", columns(&rows))
}

fn client_row(client: &ClientModel) -> [String; 5] {
    let addresses = if client.addresses.is_empty() { "no address".to_owned() } else { client.addresses.join(", ") };
    [
        format!("  {}", client.name),
        format!("{} {}", client.kind, client.contract),
        format!("-> {addresses}"),
        timeouts_text(client),
        client.location.clone(),
    ]
}

fn timeouts_text(client: &ClientModel) -> String {
    let mut text = format!("connect {}", format_duration(client.connect_timeout));
    if let Some(attempt) = client.attempt_timeout {
        let _ = write!(text, ", attempt {}", format_duration(attempt));
    }
    let _ = match client.timeout {
        Some(timeout) => write!(text, ", timeout {}", format_duration(timeout)),
        None => write!(text, ", timeout of each method"),
    };
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::model::tests::sample;

    #[test]
    fn methods_of_grpc_are_listed_with_their_bounds() {
        let text = service_text(&sample().services[0]);
        let line = |name: &str| text.lines().find(|line| line.trim_start().starts_with(name)).map(str::trim).unwrap_or_default();
        let size = size_text(64 << 10);
        assert!(line("Find ").ends_with(&format!("no side effects, timeout 2s, request up to {size}")), "{text}");
        assert!(line("Watch ").ends_with("server streaming"), "{text}");
    }
}
