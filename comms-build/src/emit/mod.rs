//! From the model to files.

pub(crate) mod index;
pub(crate) mod mermaid;
pub(crate) mod topology;
pub(crate) mod wiring;
