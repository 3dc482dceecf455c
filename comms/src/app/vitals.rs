//! What is asked how it is doing when somebody asks for the health of a process: its brokers and its ports.

use std::sync::{Arc, Weak};

use super::health::{Health, Matters, State};
use super::routes::PortState;
use crate::broker::{Broker, ConnectionState};
use crate::publisher::Brokers;

/// Enters them into the health.
pub(super) fn probe(health: &Health, brokers: &Brokers, ports: Vec<(&'static str, PortState)>) {
    for (name, broker) in brokers.iter() {
        // Whoever holds the health does not keep the broker.
        let (broker, told) = (Arc::downgrade(broker), Arc::downgrade(broker));
        let changed = move || told.upgrade().and_then(|broker| broker.state_changed());
        health.probe_told(format!("broker {name}"), Matters::Readiness, changed, move || of_broker(&broker));
    }
    for (name, state) in ports {
        // It closes with the process, and that is told.
        health.probe(name, Matters::Readiness, false, move || of_port(&state));
    }
}

fn of_broker(broker: &Weak<dyn Broker>) -> State {
    match broker.upgrade().map_or(ConnectionState::Closed, |broker| broker.state()) {
        ConnectionState::Connected => State::Up,
        ConnectionState::Reconnecting { reason } => State::Down { reason: format!("reconnecting: {reason}") },
        ConnectionState::Closed => State::Down { reason: "closed".to_owned() },
    }
}

fn of_port(state: &PortState) -> State {
    match state {
        state if state.is_closed() => State::Down { reason: "closed".to_owned() },
        state if state.is_full() => {
            State::Degraded { reason: "as many connections as `http.max_connections` allows: further ones wait".to_owned() }
        }
        _ => State::Up,
    }
}
