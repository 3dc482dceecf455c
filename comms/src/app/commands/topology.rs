//! `topology`: who publishes and handles what; `topology plan`: what declaring it would change; `topology apply`: declares it.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::json;

use super::Program;
use super::brokers::{connect, is_in_process, patiently};
use super::report::{Exit, Report, columns};
use crate::app::model::{AppModel, MessageName};
use crate::broker::{Broker, BrokerError, BrokerErrorKind, PlanItem, PlanStep, Subscription};
use crate::config::Config;
use crate::error::chain_text;

pub(super) fn topology(model: &AppModel) -> Report {
    Report::new(mermaid(model), json!({ "services": model.services, "messages": model.messages, "clients": model.clients }))
}

/// Services as boxes, topics and what is called outside as rounded ones, an arrow for each message type, a dotted one for what is called.
fn mermaid(model: &AppModel) -> String {
    let mut lines = calls(model);
    for service in &model.services {
        lines.insert(format!("  {}[{}]", id("service", &service.name), service.name));
        for name in &service.publishes {
            for message in model.messages.iter().filter(|message| message.id == *name) {
                lines.insert(topic(&message.topic, &message.broker));
                lines.insert(arrow(&id("service", &service.name), name, &id("topic", &message.topic)));
            }
        }
    }
    for (service, subscription) in model.subscriptions() {
        for handler in &subscription.handlers {
            lines.insert(topic(&handler.topic, &subscription.broker));
            lines.insert(arrow(&id("topic", &handler.topic), &handler.message, &id("service", &service.name)));
        }
    }
    let lines: Vec<String> = lines.into_iter().collect();
    format!("graph LR\n{}\n", lines.join("\n"))
}

/// From each service to those that answer what it calls, else to a node of its own for it.
fn calls(model: &AppModel) -> BTreeSet<String> {
    let mut lines = BTreeSet::new();
    for service in &model.services {
        for client in model.clients.iter().filter(|client| service.calls.contains(&client.name.as_str())) {
            let from = id("service", &service.name);
            let mut called: Vec<String> =
                model.services.iter().filter(|other| other.answers(client)).map(|other| id("service", &other.name)).collect();
            if called.is_empty() {
                let outside = id("outside", &client.contract);
                lines.insert(format!("  {outside}([{}])", client.contract));
                called.push(outside);
            }
            lines.extend(called.iter().map(|to| format!("  {from} -. \"{} ({})\" .-> {to}", client.contract, client.kind)));
        }
    }
    lines
}

fn topic(topic: &str, broker: &str) -> String {
    let shown = if broker == "default" { topic.to_owned() } else { format!("{topic} on {broker}") };
    format!("  {}([{shown}])", id("topic", topic))
}

fn arrow(from: &str, message: &MessageName, to: &str) -> String {
    format!("  {from} -- \"{message}\" --> {to}")
}

/// An id for Mermaid: letters, digits and `_`. Other signs become their code, so that two names never share one.
fn id(kind: &str, name: &str) -> String {
    let sign = |sign: char| if sign.is_ascii_alphanumeric() { sign.to_string() } else { format!("_{:x}_", u32::from(sign)) };
    format!("{kind}_{}", name.chars().map(sign).collect::<String>())
}

pub(super) async fn plan(program: &dyn Program, model: &AppModel, config: &Config) -> Report {
    let (mut rows, mut entries, mut failures) = (Vec::new(), Vec::new(), Vec::new());
    let mut exit = Exit::Ok;
    for name in config.brokers.keys() {
        match plan_at(program, model, config, name).await {
            Ok(items) => {
                rows.extend(items.iter().map(|item| row(name, item)));
                let blocked = items.iter().any(blocks);
                exit = if blocked && exit == Exit::Ok { Exit::Problems } else { exit };
                entries.push(json!({ "broker": name, "items": items }));
            }
            Err(error) => {
                exit = Exit::of_broker(&error);
                let text = chain_text(&error).join(": ");
                entries.push(json!({ "broker": name, "error": text }));
                failures.push(format!("error: broker {name}: {text}"));
            }
        }
    }
    let text = if rows.is_empty() && failures.is_empty() { "nothing to declare\n".to_owned() } else { columns(&rows) };
    Report::new(text, json!({ "brokers": entries })).exit(exit).remark(failures.join("\n"))
}

async fn plan_at(program: &dyn Program, model: &AppModel, config: &Config, name: &str) -> Result<Vec<PlanItem>, BrokerError> {
    if is_in_process(config, name) {
        // It begins empty with each process, and makes what it is asked for.
        return Ok(Vec::new());
    }
    let broker = connect(program, config, name).await?;
    let planned = plan_of(broker.as_ref(), model, name).await;
    broker.close().await;
    planned
}

/// Declares what is missing at every broker, unless something differs at one of them.
pub(super) async fn apply(program: &dyn Program, model: &AppModel, config: &Config) -> Report {
    let planned = plan(program, model, config).await;
    if planned.exit != Exit::Ok {
        let remark = [planned.remark.as_str(), "error: nothing was made: first mend what can't be as it is declared"].join("\n");
        return planned.remark(remark.trim_start());
    }
    let (mut rows, mut entries, mut failures) = (Vec::new(), Vec::new(), Vec::new());
    let mut exit = Exit::Ok;
    for name in config.brokers.keys() {
        match apply_at(program, model, config, name).await {
            Ok(items) => {
                rows.extend(items.iter().map(|item| row(name, item)));
                entries.push(json!({ "broker": name, "made": items }));
            }
            Err(error) => {
                exit = if error.kind() == BrokerErrorKind::Topology { Exit::Problems } else { Exit::of_broker(&error) };
                let text = chain_text(&error).join(": ");
                entries.push(json!({ "broker": name, "error": text }));
                failures.push(format!("error: broker {name}: {text}"));
            }
        }
    }
    let text = if rows.is_empty() && failures.is_empty() { "nothing was missing\n".to_owned() } else { columns(&rows) };
    Report::new(text, json!({ "brokers": entries })).exit(exit).remark(failures.join("\n"))
}

async fn apply_at(program: &dyn Program, model: &AppModel, config: &Config, name: &str) -> Result<Vec<PlanItem>, BrokerError> {
    if is_in_process(config, name) {
        return Ok(Vec::new());
    }
    let broker = connect(program, config, name).await?;
    let subscriptions = declared(model, name);
    let applied = match &subscriptions {
        Ok(subscriptions) => patiently(&format!("declare the topology of the broker `{name}`"), broker.admin().apply(subscriptions)).await,
        Err(_) => Ok(Vec::new()),
    };
    broker.close().await;
    subscriptions.and(applied)
}

/// The subscriptions that are on the broker.
fn declared(model: &AppModel, name: &str) -> Result<Vec<Arc<Subscription>>, BrokerError> {
    let ours = model.subscriptions().filter(|(_, subscription)| subscription.broker == name);
    let subscriptions: Result<Vec<_>, _> = ours.map(|(_, subscription)| subscription.subscription()).collect();
    subscriptions.map_err(|error| BrokerError::new(BrokerErrorKind::Topology, error.to_string()))
}

/// What declaring the subscriptions of the broker would do.
pub(super) async fn plan_of(broker: &dyn Broker, model: &AppModel, name: &str) -> Result<Vec<PlanItem>, BrokerError> {
    let subscriptions = declared(model, name)?;
    patiently(&format!("read the topology of the broker `{name}`"), broker.admin().plan(&subscriptions)).await
}

/// Whether it keeps the application from starting.
pub(super) fn blocks(item: &PlanItem) -> bool {
    item.step == PlanStep::Change
}

/// One item for a list within a line.
pub(super) fn sentence(item: &PlanItem) -> String {
    format!("{} `{}`: {}", item.kind, item.name, item.detail)
}

/// How many of each step.
pub(super) fn summary(items: &[PlanItem]) -> String {
    let count = |step| items.iter().filter(|item| item.step == step).count();
    let steps = [PlanStep::Keep, PlanStep::Create, PlanStep::Change, PlanStep::Orphan];
    let counted: Vec<String> =
        steps.into_iter().map(|step| (step, count(step))).filter(|(_, n)| *n > 0).map(|(step, n)| format!("{n} {}", word(step))).collect();
    if counted.is_empty() { "nothing to declare".to_owned() } else { format!("topology: {}", counted.join(", ")) }
}

fn row(broker: &str, item: &PlanItem) -> [String; 5] {
    [word(item.step).to_owned(), broker.to_owned(), item.kind.clone(), item.name.clone(), item.detail.clone()]
}

fn word(step: PlanStep) -> &'static str {
    match step {
        PlanStep::Keep => "keep",
        PlanStep::Create => "create",
        PlanStep::Change => "change",
        PlanStep::Orphan => "orphan",
    }
}
