//! The syntactic model shared by `comms-macros` and `comms-build`.

pub mod config_keys;
