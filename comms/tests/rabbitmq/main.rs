//! The RabbitMQ backend against real servers.
#![cfg(all(feature = "testing", feature = "rabbitmq"))]

mod admin;
mod cluster;
mod connecting;
mod faults;
mod messaging;
mod options;
mod ordering;
mod routes;
mod settling;
mod support;
#[cfg(feature = "rabbitmq-tls")]
mod tls;
