//! The application: what is registered, how it starts, runs and stops.

mod assemble;
mod builder;
pub(crate) mod config_source;
pub mod health;
mod plans;
mod problems;
mod registry;
mod running;
mod start;
mod tasks;
mod wiring;

pub use builder::AppBuilder;
pub use problems::StartError;
pub use running::{App, Stopped};
pub use tasks::Tasks;
pub use wiring::{Handles, Provides, ProvidesAll, Service, Wiring};
