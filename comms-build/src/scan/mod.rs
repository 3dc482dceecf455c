//! From files on disk to the module tree.

mod annotated;
mod bodies;
pub(crate) mod cfg;
mod contracts;
mod models;
pub(crate) mod reach;
pub(crate) mod read;
pub(crate) mod resolve;
pub(crate) mod scope;
pub(crate) mod sources;
pub(crate) mod walk;
