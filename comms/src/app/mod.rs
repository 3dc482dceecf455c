//! The application: what is registered, how it starts, runs and stops.

mod builder;
pub(crate) mod config_source;
pub mod health;
mod wiring;

pub use builder::AppBuilder;
pub use wiring::{Handles, Provides, ProvidesAll, Service, Wiring};
