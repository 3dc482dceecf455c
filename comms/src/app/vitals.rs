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
    of_connection(broker.upgrade().map_or(ConnectionState::Closed, |broker| broker.state()))
}

fn of_connection(state: ConnectionState) -> State {
    match state {
        ConnectionState::Connected => State::Up,
        // A process that got no work for it would consume nothing either, and consuming is what makes room again.
        ConnectionState::Blocked { reason } => State::Degraded { reason: format!("takes no messages for now, publishing waits: {reason}") },
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_broker_that_takes_no_messages_is_degraded_and_stays_ready() {
        let state = of_connection(ConnectionState::Blocked { reason: "low on memory".to_owned() });
        let State::Degraded { reason } = state else { panic!("{state:?}") };
        assert!(reason.contains("publishing waits: low on memory"), "{reason}");
    }
}
