//! The build script side of `comms`: finds what is annotated in a crate, checks it, and writes the wiring.
//!
//! ```no_run
//! // the `main` of build.rs
//! comms_build::configure().run();
//! ```
//!
//! The scan follows the module tree of each crate root of the package (the library and the binaries) that calls
//! `comms::wiring!()` or `comms::main!()`: inline modules, module files, `#[path]`. It sees what is written in
//! those files; it does not see items that other macros make, files taken in by `include!`, and function bodies.
//! An annotated item in such a place fails the build with an explanation, because its expansion looks for itself
//! in the list of what was found.
//!
//! - An item's and its modules' `#[cfg]`s stand on its entry in the wiring. What exists under `#[cfg(test)]` only
//!   is not wired: tests wire it by hand.
//! - A file that is no valid Rust is left to the compiler, which says it better; the checks that something is
//!   missing are silent then.
//! - Attributes are recognized where they come from `comms`: by path, by `use`, renamed by `use .. as ..`, through
//!   a glob, through a module of the crate that re-exports them. `#[command]` of another crate is not taken for ours.
//!
//! Written to `OUT_DIR/comms`, for the library (`lib`) and each binary (`bin-<name>`): the wiring (`.rs`), the
//! topology (`.topology.json`) and its graph (`.topology.mmd`, Mermaid).
//!
//! With the feature `proto`, [`.proto(..)`](Configure::proto) makes Rust of `.proto` files without `protoc`: messages,
//! a trait for each gRPC service, its server adapter and its typed client, which `comms::proto!()` takes in.

mod check;
mod configure;
mod contracts;
mod diagnosis;
mod emit;
mod generate;
mod manifest;
mod model;
mod output;
mod plan;
mod proto;
mod scan;
#[cfg(test)]
mod tests;

pub use configure::{Configure, configure};
pub use diagnosis::{Diagnosis, Place, Severity};
pub use generate::Generated;
