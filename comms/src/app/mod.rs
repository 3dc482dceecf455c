//! The application: what is registered, how it starts, runs and stops.

mod assemble;
mod broker_checks;
mod builder;
#[cfg(feature = "http")]
mod client_layers;
#[cfg(feature = "http")]
mod clients;
#[cfg(not(feature = "http"))]
#[path = "no_clients.rs"]
mod clients;
pub(crate) mod commands;
pub(crate) mod config_source;
pub(crate) mod contents;
mod factory;
mod gauges;
#[cfg(feature = "grpc")]
mod grpc;
#[cfg(all(feature = "http", not(feature = "grpc")))]
#[path = "no_grpc.rs"]
mod grpc;
#[cfg(feature = "grpc")]
mod grpc_standard;
pub mod health;
mod host;
pub(crate) mod model;
pub(crate) mod overrides;
mod plans;
mod problems;
mod program;
mod registry;
#[cfg(feature = "http")]
mod routes;
#[cfg(not(feature = "http"))]
#[path = "no_routes.rs"]
mod routes;
mod running;
#[cfg(feature = "http")]
mod site;
mod start;
mod tasks;
mod transactions;
mod vitals;
mod wiring;

pub use builder::AppBuilder;
pub use problems::StartError;
pub use program::{main, main_with};
pub use running::{App, Stopped};
pub use tasks::Tasks;
pub use wiring::{Handles, Provides, ProvidesAll, Service, Wiring};
