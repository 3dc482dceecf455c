//! The Kafka backend against real brokers: what the conformance suite does not ask.
#![cfg(all(feature = "testing", feature = "kafka"))]

mod cluster;
#[cfg(feature = "kafka-tls")]
mod connecting;
mod groups;
mod support;
