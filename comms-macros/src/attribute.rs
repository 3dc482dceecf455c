//! Each attribute as a function of tokens: reads the model, expands it, and re-emits the item beside it, also
//! beside errors.

use comms_syntax::{
    Errors, ItemKind, RequestKind, client as clients, contract as contracts, handler as handlers, item_kind, message as messages, names,
    provider as providers, route as routes, service as services,
};
use proc_macro2::TokenStream;
use quote::quote;
use syn::parse::Parser;

use crate::{
    client as expand_client, contract as expand_contract, handler as expand_handler, implementation, message, provider as expand_provider,
    service as expand_service,
};

pub(crate) fn event(attr: TokenStream, item: TokenStream) -> TokenStream {
    let read = messages::parse(messages::Kind::Event, attr, item.clone());
    message_beside(read, item)
}

pub(crate) fn command(attr: TokenStream, item: TokenStream) -> TokenStream {
    request(RequestKind::Command, attr, item)
}

pub(crate) fn query(attr: TokenStream, item: TokenStream) -> TokenStream {
    request(RequestKind::Query, attr, item)
}

/// On a function it marks a handler, on everything else it means a message type.
fn request(kind: RequestKind, attr: TokenStream, item: TokenStream) -> TokenStream {
    if item_kind(&item) == ItemKind::Fn {
        return beside(handlers::parse_fn(handlers::Kind::Request(kind), attr, item.clone()), item, expand_handler::function);
    }
    let read = messages::parse(messages::Kind::Request(kind), attr, item.clone());
    message_beside(read, item)
}

pub(crate) fn service(attr: TokenStream, item: TokenStream) -> TokenStream {
    match item_kind(&item) {
        ItemKind::Trait => contract(contracts::parse(attr, item.clone()), item),
        ItemKind::Impl if services::is_of_trait(&item) => {
            let read = services::parse_implementation(attr, item.clone());
            // Of attributes that can't stand there.
            let (imports, stripped) = (expand_service::imports(&services::marks(item.clone())), services::strip_impl(item));
            beside(read, quote!(#stripped #imports), implementation::expand)
        }
        ItemKind::Impl => {
            let read = services::parse_impl(attr, item.clone());
            let (imports, stripped) = (expand_service::imports(&services::marks(item.clone())), services::strip_impl(item));
            beside(read, quote!(#stripped #imports), expand_service::methods)
        }
        _ => beside(services::parse_struct(attr, item.clone()), item, expand_service::expand),
    }
}

/// On a trait it describes a foreign API, on a struct it makes a client of it.
pub(crate) fn client(attr: TokenStream, item: TokenStream) -> TokenStream {
    if item_kind(&item) == ItemKind::Trait {
        return contract(contracts::parse_foreign(attr, item.clone()), item);
    }
    match clients::parse(attr, item.clone()) {
        Ok(client) => expand_client::expand(&client),
        Err(errors) => {
            let errors = errors.to_compile_errors();
            quote!(#item #errors)
        }
    }
}

/// The trait as a contract, also beside its mistakes.
fn contract(read: Result<contracts::Contract, Errors>, item: TokenStream) -> TokenStream {
    let imports = expand_service::imports(&contracts::marks(item.clone()));
    let register = read.as_ref().map(expand_contract::register).unwrap_or_default();
    let item = contracts::rewrite(item, &register);
    beside(read, quote!(#item #imports), expand_contract::expand)
}

pub(crate) fn event_handler(attr: TokenStream, item: TokenStream) -> TokenStream {
    beside(handlers::parse_fn(handlers::Kind::Event, attr, item.clone()), item, expand_handler::function)
}

pub(crate) fn provider(attr: TokenStream, item: TokenStream) -> TokenStream {
    beside(providers::parse(attr, item.clone()), item, expand_provider::expand)
}

/// `handler!(billing::on_paid)`: the path of the descriptor beside the function.
pub(crate) fn handler(path: TokenStream) -> TokenStream {
    let path = syn::Path::parse_mod_style.parse2(path).and_then(|mut path| {
        let last =
            path.segments.last_mut().ok_or_else(|| syn::Error::new(proc_macro2::Span::call_site(), "expected the path of a handler"))?;
        last.ident = names::function_descriptor(&last.ident);
        Ok(path)
    });
    path.map_or_else(|error| error.to_compile_error(), |path| quote!(#path))
}

/// A route attribute that no `#[service]` has read: the item beside the word where it belongs.
pub(crate) fn route(verb: routes::Verb, item: TokenStream) -> TokenStream {
    let error = routes::refuse_outside(verb, item.clone()).to_compile_errors();
    let stripped = if item_kind(&item) == ItemKind::Fn { services::strip_function(item) } else { item };
    quote!(#stripped #error)
}

/// An `#[rpc]` that no `#[service]` has read: the item beside the word where it belongs.
pub(crate) fn rpc(item: TokenStream) -> TokenStream {
    let error = services::refuse_rpc_outside(item.clone()).to_compile_errors();
    quote!(#item #error)
}

/// The item beside the word that its attribute does not exist yet.
pub(crate) fn deferred(name: &str, item: TokenStream) -> TokenStream {
    let error = syn::Error::new(proc_macro2::Span::call_site(), services::deferred(name)).to_compile_error();
    quote!(#item #error)
}

/// The item, and what its model expands to or its mistakes.
fn beside<M>(read: Result<M, Errors>, item: TokenStream, expand: fn(&M) -> TokenStream) -> TokenStream {
    let generated = match read {
        Ok(model) => expand(&model),
        Err(errors) => errors.to_compile_errors(),
    };
    quote!(#item #generated)
}

/// A message type gets derives, which stand before it.
fn message_beside(read: Result<messages::Message, Errors>, item: TokenStream) -> TokenStream {
    let derives = read.as_ref().map(message::derives).unwrap_or_default();
    beside(read, quote!(#derives #item), message::expand)
}
