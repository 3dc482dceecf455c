//! The Kafka backend against real brokers: what the conformance suite does not ask.
#![cfg(all(feature = "testing", feature = "kafka"))]

mod cluster;
mod compression;
#[cfg(feature = "kafka-tls")]
mod connecting;
mod counting;
mod groups;
mod offsets;
#[path = "../support/promtool.rs"]
mod promtool;
mod replicas;
mod statistics;
mod support;
#[cfg(feature = "kafka-oauth")]
mod tokens;
