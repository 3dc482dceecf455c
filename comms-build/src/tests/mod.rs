//! Tests over sources on disk.

mod checks;
mod config;
mod contracts;
mod modules;
mod output;
mod project;
mod routes;
mod system;
