//! For expansions only: what generated code calls, kept non-generic where it can be. Not a public API.

#[cfg(feature = "http")]
pub mod answered;
#[cfg(feature = "http")]
pub mod contract;
pub mod index;
pub mod inject;
#[cfg(all(feature = "http", not(feature = "grpc")))]
mod no_grpc;
pub mod outcome;
#[cfg(feature = "http")]
pub mod registered;
#[cfg(feature = "http")]
pub mod shape;
#[cfg(feature = "http")]
pub mod taken;
#[cfg(feature = "http")]
pub mod travels;
pub mod wiring;

pub use outcome::{Answers, provided};
#[cfg(feature = "http")]
pub use travels::{Answer, Refusal, assert_refusal};

#[cfg(feature = "grpc")]
use crate::grpc::stated_class;
#[cfg(all(feature = "http", not(feature = "grpc")))]
use no_grpc::stated_class;

pub use crate::app::{main, main_with};
pub use schemars;
pub use serde;
pub use std;

/// What `Message::encode` returns.
pub type Encoded = Result<bytes::Bytes, crate::message::CodecError>;

/// What `Message::decode` returns.
pub type Decoded<M> = Result<M, crate::message::CodecError>;

/// The content type that a message carried.
pub type ContentType<'a> = Option<&'a str>;

/// What `Message::key` returns.
pub type Key = Option<String>;

/// What `Message::schema` returns.
pub type Schema = Option<schemars::Schema>;

/// What resolving values comes to.
pub type Found<T> = Result<T, crate::inject::InjectError>;

/// What a provider comes to.
pub type Provided<T> = Result<T, crate::BoxError>;

/// What the handler of a command or query returns.
pub type Answered<R> = Result<<R as crate::Request>::Reply, <R as crate::Request>::Error>;

/// What the field named by `key = ..` must be.
#[diagnostic::on_unimplemented(
    message = "`{Self}` can't be the key of a message",
    label = "a key is written as text",
    note = "implement `std::fmt::Display` for `{Self}`: messages of equal text keep their order"
)]
pub trait KeyField: std::fmt::Display {}

#[diagnostic::do_not_recommend]
impl<T: std::fmt::Display> KeyField for T {}

/// The key field as text.
pub fn key(value: &impl KeyField) -> Option<String> {
    Some(value.to_string())
}

/// The JSON Schema of a message type.
pub fn schema_of<T: schemars::JsonSchema>() -> Option<schemars::Schema> {
    Some(schemars::SchemaGenerator::default().into_root_schema_for::<T>())
}

/// Spanned at the return type of an event handler.
pub const fn assert_output<R: outcome::HandlerOutput>() {}

/// What a service or handler publishes.
pub type Events = &'static [crate::message::MessageType];

/// The identities of events, each checked at its type; a field's condition goes with it.
#[doc(hidden)]
#[macro_export]
macro_rules! __published {
    ($($(#[$condition:meta])* $event:ty),*) => {
        &[$($(#[$condition])* $crate::__private::published::<$event>()),*]
    };
}

/// The identity of an event that is published, spanned at its type.
#[must_use]
pub const fn published<E: crate::message::Event>() -> crate::message::MessageType {
    E::TYPE
}

/// Spanned at the message type of a command handler.
pub const fn assert_command<E: crate::message::Command>() {}

/// Spanned at the message type of a query handler.
pub const fn assert_query<E: crate::message::Query>() {}

/// The layers of a service.
pub type Layers = Vec<crate::handler::NamedLayer>;

/// Spanned at the type of a layer.
pub const fn assert_layer<T: Layered>() {}

/// Every type that can stand in `layers(..)`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` can't be a layer",
    label = "a layer implements `comms::handler::Layer` and is `Clone`, since it is injected"
)]
pub trait Layered {}

impl<T: crate::handler::Layer + Injected> Layered for T {}

/// Spanned at the type of a field or argument that is injected.
pub const fn assert_value<T: Injected>() {}

/// Every type that can be injected at all.
#[diagnostic::on_unimplemented(
    message = "`{Self}` can't be injected",
    label = "an injected value must be `Clone + Send + Sync + 'static`",
    note = "wrap it: `Arc<{Self}>`; a provider makes it once and every taker gets a clone"
)]
pub trait Injected: Clone + Send + Sync + 'static {}

#[diagnostic::do_not_recommend]
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

#[cfg(test)]
mod tests {
    //! Expansions within this crate itself, in a private module with private types.

    use crate::{Message, Service, event, event_handler, service};

    #[event(name = "private.happened", version = 1, topic = "private")]
    struct Happened;

    #[service(name = "private", version = "1.0.0")]
    struct Private {
        number: u8,
    }

    #[service]
    impl Private {
        #[event_handler]
        async fn on_happened(&self, _event: Happened) {
            assert_eq!(self.number, 1);
        }
    }

    #[event_handler]
    async fn happened(_event: Happened) {}

    #[test]
    fn attributes_work_within_the_crate_that_they_belong_to() {
        assert_eq!((Private::DECL.name, Happened::TYPE.name), ("private", "private.happened"));
        let app = crate::AppBuilder::new("test").event_handler::<__comms_Private_on_happened>();
        let _ = app.event_function::<crate::handler!(happened)>("private");
    }
}
