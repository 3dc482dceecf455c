//! The RabbitMQ backend against real servers.
#![cfg(all(feature = "testing", feature = "rabbitmq"))]

mod admin;
mod connecting;
mod faults;
mod messaging;
mod ordering;
mod settling;
mod support;
#[cfg(feature = "rabbitmq-tls")]
mod tls;
