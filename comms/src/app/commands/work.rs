//! Commands that work on subscriptions: which ones, over which connections, and what failed.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::json;

use super::Program;
use super::brokers::connect;
use super::cli::Whose;
use super::report::{Exit, Report};
use crate::app::model::AppModel;
use crate::broker::{Broker, BrokerError, Subscription};
use crate::config::{Config, suggest};
use crate::error::chain_text;

/// A subscription that is meant, and where it is.
pub(super) struct Place {
    pub(super) service: String,
    pub(super) broker: String,
    pub(super) subscription: Arc<Subscription>,
}

/// The subscriptions that the options choose.
pub(super) fn places(model: &AppModel, whose: &Whose) -> Result<Vec<Place>, String> {
    check_name("service", whose.service.as_deref(), model.services.iter().map(|service| service.name.as_str()))?;
    check_name("topic", whose.topic.as_deref(), model.subscriptions().map(|(_, subscription)| subscription.topic.as_str()))?;
    check_name("group", whose.group.as_deref(), model.subscriptions().map(|(_, subscription)| subscription.group.as_str()))?;
    let fits = |wanted: &Option<String>, name: &String| wanted.as_ref().is_none_or(|wanted| wanted == name);
    let mut places = Vec::new();
    for (service, subscription) in model.subscriptions() {
        if fits(&whose.service, &service.name) && fits(&whose.topic, &subscription.topic) && fits(&whose.group, &subscription.group) {
            let (service, broker) = (service.name.clone(), subscription.broker.clone());
            places.push(Place { service, broker, subscription: subscription.subscription().map_err(|error| error.to_string())? });
        }
    }
    Ok(places)
}

fn check_name<'a>(what: &str, wanted: Option<&str>, names: impl Iterator<Item = &'a str>) -> Result<(), String> {
    let mut names: Vec<&str> = names.collect();
    names.sort_unstable();
    names.dedup();
    match wanted {
        Some(wanted) if !names.contains(&wanted) => Err(format!("there is no {what} `{wanted}`; {}", suggest(wanted, names))),
        _ => Ok(()),
    }
}

/// For people: `billing.orders, billing.returns`.
pub(super) fn names(places: &[Place]) -> String {
    let names: Vec<String> = places.iter().map(|place| place.subscription.name()).collect();
    names.join(", ")
}

/// The connections of one command, and what failed so far. One subscription that fails does not hide the others.
pub(super) struct Work<'a> {
    program: &'a dyn Program,
    config: &'a Config,
    brokers: BTreeMap<String, Option<Arc<dyn Broker>>>,
    failures: Vec<String>,
    exit: Exit,
}

impl<'a> Work<'a> {
    pub(super) fn new(program: &'a dyn Program, config: &'a Config) -> Self {
        Self { program, config, brokers: BTreeMap::new(), failures: Vec::new(), exit: Exit::Ok }
    }

    /// The broker of the name, if it can be reached.
    pub(super) async fn broker(&mut self, name: &str) -> Option<Arc<dyn Broker>> {
        if let Some(known) = self.brokers.get(name) {
            return known.clone();
        }
        let connected = connect(self.program, self.config, name).await.map_err(|error| self.fail(&format!("broker {name}"), &error)).ok();
        self.brokers.insert(name.to_owned(), connected.clone());
        connected
    }

    /// What came of it, unless it failed; that is told at the end.
    pub(super) fn keep<T>(&mut self, place: &Place, result: Result<T, BrokerError>) -> Option<T> {
        result.map_err(|error| self.fail(&place.subscription.name(), &error)).ok()
    }

    fn fail(&mut self, what: &str, error: &BrokerError) {
        self.exit = Exit::of_broker(error);
        self.failures.push(format!("error: {what}: {}", chain_text(error).join(": ")));
    }

    /// Closes the connections; the report with what failed, and with what could not be reached at all.
    pub(super) async fn finish(self, mut report: Report, lost: &[Place], why: &str) -> Report {
        for broker in self.brokers.values().flatten() {
            broker.close().await;
        }
        if self.exit != Exit::Ok {
            report.exit = self.exit;
            report.json["errors"] = json!(self.failures);
        }
        let mut remarks: Vec<String> = self.failures;
        remarks.extend(Some(report.remark.clone()).filter(|remark| !remark.is_empty()));
        remarks.extend((!lost.is_empty()).then(|| format!("left out: {}; {why}", names(lost))));
        report.remark(remarks.join("\n"))
    }
}
