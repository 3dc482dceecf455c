//! The syntactic model shared by `comms-macros` and `comms-build`: what each attribute says, checked as far
//! as syntax goes, as plain typed structs that carry their spans.
//!
//! Everything here is a pure function of tokens. Function bodies are never parsed, only carried. All mistakes
//! of an item are reported together, each on the token it concerns: see [`Errors`].

pub mod client;
pub mod config_keys;
pub mod contract;
mod duration;
mod errors;
pub mod handler;
mod item;
mod kind;
pub mod message;
pub mod names;
mod options;
pub mod provider;
mod rate;
pub mod route;
pub mod service;
mod size;
mod suggest;
mod value;

pub use errors::Errors;
pub use item::{Common, ItemKind, item_kind};
pub use kind::{Attribute, RequestKind, attribute, attribute_of};
pub use rate::Rate;
pub use suggest::nearest;
pub use value::{Number, Setting, Text};
