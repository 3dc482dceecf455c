//! The attributes of `comms`. They are documented at their re-exports there.
//!
//! No logic stands here: each attribute hands its tokens to a function that unit tests call too.
#![allow(missing_docs, reason = "the documentation of an attribute stands at its re-export in `comms`, where its examples run")]

mod attribute;
mod client;
mod contract;
mod fake;
mod handler;
mod implementation;
mod message;
mod provider;
mod route;
mod service;
#[cfg(test)]
mod tests;
mod tokens;

use proc_macro::TokenStream;

#[proc_macro_attribute]
pub fn event(attr: TokenStream, item: TokenStream) -> TokenStream {
    attribute::event(attr.into(), item.into()).into()
}

#[proc_macro_attribute]
pub fn command(attr: TokenStream, item: TokenStream) -> TokenStream {
    attribute::command(attr.into(), item.into()).into()
}

#[proc_macro_attribute]
pub fn query(attr: TokenStream, item: TokenStream) -> TokenStream {
    attribute::query(attr.into(), item.into()).into()
}

#[proc_macro_attribute]
pub fn service(attr: TokenStream, item: TokenStream) -> TokenStream {
    attribute::service(attr.into(), item.into()).into()
}

#[proc_macro_attribute]
pub fn event_handler(attr: TokenStream, item: TokenStream) -> TokenStream {
    attribute::event_handler(attr.into(), item.into()).into()
}

#[proc_macro_attribute]
pub fn provider(attr: TokenStream, item: TokenStream) -> TokenStream {
    attribute::provider(attr.into(), item.into()).into()
}

#[proc_macro_attribute]
pub fn client(attr: TokenStream, item: TokenStream) -> TokenStream {
    attribute::client(attr.into(), item.into()).into()
}

#[proc_macro]
pub fn handler(path: TokenStream) -> TokenStream {
    attribute::handler(path.into()).into()
}

/// `#[service]` takes these off the methods of its impl: called by the compiler they stand somewhere else.
macro_rules! routes {
    ($($name:ident $verb:ident)*) => {
        $(
            #[proc_macro_attribute]
            pub fn $name(_: TokenStream, item: TokenStream) -> TokenStream {
                attribute::route(comms_syntax::route::Verb::$verb, item.into()).into()
            }
        )*
    };
}

#[proc_macro_attribute]
pub fn rpc(_: TokenStream, item: TokenStream) -> TokenStream {
    attribute::rpc(item.into()).into()
}

routes!(get Get post Post put Put patch Patch delete Delete);

/// Attributes of later versions: refused with a message, so that nobody looks for a slip of their own.
macro_rules! deferred {
    ($($name:ident)*) => {
        $(
            #[proc_macro_attribute]
            pub fn $name(_: TokenStream, item: TokenStream) -> TokenStream {
                attribute::deferred(stringify!($name), item.into()).into()
            }
        )*
    };
}

deferred!(authorize public aggregate projection upcast saga step on);
