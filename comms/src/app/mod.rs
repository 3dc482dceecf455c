//! The application: what is registered, how it starts, runs and stops.

mod builder;
mod wiring;

pub use builder::AppBuilder;
pub use wiring::{Handles, Provides, ProvidesAll, Service, Wiring};
