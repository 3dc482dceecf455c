//! `check`: everything that can be known wrong without starting.

use std::collections::BTreeMap;

use serde_json::json;

use super::brokers::{connect, is_in_process};
use super::report::{Exit, Report};
use super::{Program, topology};
use crate::app::model::{AppModel, RouteModel};
use crate::config::{Config, ConfigError};
use crate::error::chain_text;

/// What was looked at, and what came of it.
struct Finding {
    what: String,
    result: Result<String, String>,
    exit: Exit,
    /// Whether it is no more than advice.
    hint: bool,
}

pub(super) async fn check(program: &dyn Program, model: &AppModel, config: &Config, offline: bool) -> Report {
    let mut findings = vec![Finding::good("configuration", "valid".to_owned())];
    findings.extend(wiring(program, model, config));
    findings.extend(unknown_types(model).into_iter().map(|advice| Finding::hint("openapi", advice)));
    for name in config.brokers.keys() {
        findings.push(if offline { skipped(name) } else { broker(program, model, config, name).await });
    }
    report(&findings)
}

/// The configuration is wrong: nothing else can be looked at.
pub(super) fn wrong_config(error: &ConfigError) -> Report {
    let finding = |problem: &crate::config::ConfigProblem| Finding::bad("configuration", Exit::Problems, problem.to_string());
    report(&error.problems().iter().map(finding).collect::<Vec<_>>())
}

impl Finding {
    fn good(what: impl Into<String>, result: String) -> Self {
        Self { what: what.into(), result: Ok(result), exit: Exit::Ok, hint: false }
    }

    fn bad(what: impl Into<String>, exit: Exit, problem: String) -> Self {
        Self { what: what.into(), result: Err(problem), exit, hint: false }
    }

    fn hint(what: impl Into<String>, advice: String) -> Self {
        Self { hint: true, ..Self::good(what, advice) }
    }
}

fn wiring(program: &dyn Program, model: &AppModel, config: &Config) -> Vec<Finding> {
    let problems = program.check(config);
    if problems.is_empty() {
        let handlers: usize = model.subscriptions().map(|(_, subscription)| subscription.handlers.len()).sum();
        let (services, messages) = (model.services.len(), model.messages.len());
        let counted = format!("{services} services, {handlers} handlers, {messages} message types");
        let served = model.services.iter().flat_map(|service| &service.grpc).map(|grpc| {
            let methods: Vec<&str> = grpc.methods.iter().map(|method| method.name).collect();
            Finding::good(format!("gRPC {}", grpc.name), format!("{} at {}", methods.join(", "), grpc_place(config)))
        });
        return [Finding::good("wiring", counted)].into_iter().chain(served).collect();
    }
    problems.into_iter().map(|problem| Finding::bad("wiring", Exit::Problems, problem)).collect()
}

/// Where gRPC is to be answered.
fn grpc_place(config: &Config) -> String {
    match config.grpc.address {
        _ if !config.grpc.enabled => "no port (`grpc.enabled = false`)".to_owned(),
        Some(address) => address.to_string(),
        None if config.http.enabled => format!("{}, the port of HTTP", config.http.address),
        None => "no port (`http.enabled = false`, and no `grpc.address`)".to_owned(),
    }
}

/// One line for each type of which the OpenAPI document can say nothing.
fn unknown_types(model: &AppModel) -> Vec<String> {
    let mut found: BTreeMap<&str, Vec<&RouteModel>> = BTreeMap::new();
    for route in model.services.iter().flat_map(|service| &service.routes) {
        let contents = route.parameters.iter().filter_map(|parameter| parameter.content.as_ref()).chain(&route.answer);
        for content in contents.filter(|content| content.lacks_schema()) {
            let routes = found.entry(&content.rust_type).or_default();
            if !routes.contains(&route) {
                routes.push(route);
            }
        }
    }
    found.into_iter().map(|(rust_type, routes)| unknown_type(rust_type, &routes)).collect()
}

fn unknown_type(rust_type: &str, routes: &[&RouteModel]) -> String {
    let place = routes.first().map(|route| format!("`{} {}`, {}", route.verb, route.path, route.location)).unwrap_or_default();
    let others = if routes.len() > 1 { format!(" and {} more", routes.len() - 1) } else { String::new() };
    format!(
        "`{rust_type}` has no JSON Schema ({place}{others}): the document says that anything may stand there. Derive `schemars::JsonSchema` for it; for a type of another crate, schemars may have a feature"
    )
}

fn skipped(name: &str) -> Finding {
    Finding::good(format!("broker {name}"), "not tried (--offline)".to_owned())
}

async fn broker(program: &dyn Program, model: &AppModel, config: &Config, name: &str) -> Finding {
    let what = format!("broker {name}");
    if is_in_process(config, name) {
        return Finding::good(what, "in the process; nothing outlives it".to_owned());
    }
    let broker = match connect(program, config, name).await {
        Ok(broker) => broker,
        Err(error) => return Finding::bad(what, Exit::of_broker(&error), chain_text(&error).join(": ")),
    };
    let planned = topology::plan_of(broker.as_ref(), model, name).await;
    broker.close().await;
    match planned {
        Ok(items) => topology_finding(what, &items),
        Err(error) => Finding::bad(what, Exit::of_broker(&error), chain_text(&error).join(": ")),
    }
}

fn topology_finding(what: String, items: &[crate::broker::PlanItem]) -> Finding {
    let changes: Vec<String> = items.iter().filter(|item| topology::blocks(item)).map(topology::sentence).collect();
    if changes.is_empty() {
        Finding::good(what, format!("reached; {}", topology::summary(items)))
    } else {
        Finding::bad(what, Exit::Problems, format!("what exists can't be changed in place: {}", changes.join("; ")))
    }
}

fn report(findings: &[Finding]) -> Report {
    let line = |finding: &Finding| match &finding.result {
        Ok(result) => format!("{:9}{}: {result}\n", if finding.hint { "hint" } else { "ok" }, finding.what),
        Err(problem) => format!("problem  {}: {}\n", finding.what, problem.replace('\n', "\n         ")),
    };
    let entry = |finding: &Finding| match &finding.result {
        Ok(advice) if finding.hint => json!({ "what": finding.what, "ok": true, "hint": advice }),
        Ok(result) => json!({ "what": finding.what, "ok": true, "result": result }),
        Err(problem) => json!({ "what": finding.what, "ok": false, "problem": problem }),
    };
    let exit = exit(findings);
    let entries: Vec<_> = findings.iter().map(entry).collect();
    let text: String = findings.iter().map(line).collect();
    Report::new(text, json!({ "ok": exit == Exit::Ok, "findings": entries })).exit(exit)
}

/// 4 says that trying later can help, so only where nothing else is wrong.
fn exit(findings: &[Finding]) -> Exit {
    let bad = || findings.iter().filter(|finding| finding.result.is_err());
    match (bad().next(), bad().all(|finding| finding.exit == Exit::Unreachable)) {
        (None, _) => Exit::Ok,
        (Some(_), true) => Exit::Unreachable,
        (Some(_), false) => Exit::Problems,
    }
}
