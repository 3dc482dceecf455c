//! For expansions only: what generated code calls, kept non-generic where it can be. Not a public API.

pub mod index;
pub mod inject;
pub mod outcome;
pub mod wiring;

pub use schemars;
pub use serde;
pub use std;

/// The key field as text.
pub fn key(value: &impl std::fmt::Display) -> Option<String> {
    Some(value.to_string())
}

/// The JSON Schema of a message type.
pub fn schema_of<T: schemars::JsonSchema>() -> Option<schemars::Schema> {
    Some(schemars::SchemaGenerator::default().into_root_schema_for::<T>())
}

/// Spanned at the error type of a handler, so that the compiler points there.
pub const fn assert_handler_error<E: crate::handler::HandlerError>() {}

/// Spanned at the message type of an event handler.
pub const fn assert_event<E: crate::message::Event>() {}

/// Spanned at the message type of a command handler.
pub const fn assert_command<E: crate::message::Command>() {}

/// Spanned at the message type of a query handler.
pub const fn assert_query<E: crate::message::Query>() {}

/// Spanned at the type of a field or argument that is injected.
pub const fn assert_value<T: Injected>() {}

/// Every type that can be injected at all.
#[diagnostic::on_unimplemented(
    message = "`{Self}` can't be injected",
    label = "an injected value must be `Clone + Send + Sync + 'static`",
    note = "wrap it: `Arc<{Self}>`; a provider makes it once and every taker gets a clone"
)]
pub trait Injected {}

impl<T: crate::inject::Value> Injected for T {}

/// Whether two texts are equal, in constants.
#[must_use]
pub const fn same_text(left: &str, right: &str) -> bool {
    let (left, right) = (left.as_bytes(), right.as_bytes());
    if left.len() != right.len() {
        return false;
    }
    let mut at = 0;
    while at < left.len() {
        if left[at] != right[at] {
            return false;
        }
        at += 1;
    }
    true
}
