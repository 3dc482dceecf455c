//! Handlers: a descriptor beside each, and how it is called.

use comms_syntax::handler::{Batching, Handler, Kind, Retry};
use comms_syntax::service::ServiceImpl;
use comms_syntax::{RequestKind, names};
use proc_macro2::{Ident, TokenStream};
use quote::{quote, quote_spanned};
use syn::{Attribute, Path, Type};

use crate::tokens::{arguments, asserted, at, descriptor as structure, doc, duration, inject_fn, location, number, setting, tuple};

/// A handler and where it belongs.
struct Place<'a> {
    descriptor: Ident,
    visibility: TokenStream,
    service: TokenStream,
    /// Calls it, but for the arguments.
    callee: TokenStream,
    /// In the index.
    entry: String,
    handler: &'a Handler,
}

/// A method of a service, below the `#[cfg]`s of its impl.
pub(crate) fn method(service: &ServiceImpl, outer: &[Attribute], handler: &Handler) -> TokenStream {
    let mut handler = handler.clone();
    handler.common.cfgs.splice(0..0, outer.iter().cloned());
    let (path, method): (&Path, &Ident) = (&service.service, &handler.ident);
    expand(&Place {
        descriptor: names::method_descriptor(&service.ident, method),
        visibility: quote!(pub(crate)),
        service: quote!(#path),
        callee: quote!(#path::#method),
        entry: names::method_entry(&service.ident, method),
        handler: &handler,
    })
}

/// A free function.
pub(crate) fn function(handler: &Handler) -> TokenStream {
    let Handler { common, ident, vis, .. } = handler;
    let krate = &common.krate;
    expand(&Place {
        descriptor: names::function_descriptor(ident),
        visibility: quote!(#vis),
        service: quote!(#krate::handler::Free),
        callee: quote!(#ident),
        entry: names::entry(ident),
        handler,
    })
}

fn expand(place: &Place<'_>) -> TokenStream {
    let Place { descriptor, visibility, service, entry, handler, .. } = place;
    let (krate, cfgs) = (&handler.common.krate, &handler.common.cfgs);
    let types: Vec<&Type> = handler.args.iter().map(|arg| &arg.ty).collect();
    let (decl, inject, call) = (decl(handler), inject_fn(krate, &types), call(place));
    let (contract, role) = match handler.kind {
        Kind::Event if handler.batch.is_some() => (quote!(BatchHandler), quote!(Event)),
        Kind::Event => (quote!(EventHandler), quote!(Event)),
        Kind::Request(_) => (quote!(RequestHandler), quote!(Request)),
    };
    let publishes = publishes(handler);
    let args = tuple(&types);
    let message = &handler.message;
    let structure = structure(&handler.common, visibility, descriptor, &[service, message, &args]);
    let asserted = asserted(&handler.common, entry, &assertions(handler));
    quote! {
        #structure
        #(#cfgs)*
        impl #krate::handler::#contract for #descriptor {
            type Service = #service;
            type #role = #message;
            type Args = #args;
            const DECL: #krate::handler::HandlerDecl = #decl;
            #publishes
            #inject
            #call
        }
        #asserted
    }
}

fn decl(handler: &Handler) -> TokenStream {
    let Handler { common, ident, group, retry, timeout, batch, transactional, .. } = handler;
    let (krate, name, location) = (&common.krate, names::entry(ident), location(common));
    let group = group.as_ref().map(|group| &group.value).map(|group| quote!(.group(#group)));
    let retry = retry.as_ref().map(|retry| retry_decl(krate, retry)).map(|retry| quote!(.retry(#retry)));
    let timeout = timeout.as_ref().map(|timeout| setting(timeout, duration)).map(|timeout| quote!(.timeout(#timeout)));
    let batch = batch.as_ref().map(|batch| batch_decl(krate, batch)).map(|batch| quote!(.batch(#batch)));
    let transactional = transactional.then(|| quote!(.transactional()));
    let doc = doc(common);
    quote!(#krate::handler::HandlerDecl::new(#name, #location) #group #retry #timeout #batch #transactional #doc)
}

fn batch_decl(krate: &Path, Batching { max, wait }: &Batching) -> TokenStream {
    let max = max.as_ref().map(|max| setting(max, |max| number((*max).into()))).map(|max| quote!(.max(#max)));
    let wait = wait.as_ref().map(|wait| setting(wait, duration)).map(|wait| quote!(.wait(#wait)));
    quote!(#krate::handler::BatchDecl::DEFAULT #max #wait)
}

/// The events that it publishes beside what its service does.
fn publishes(handler: &Handler) -> Option<TokenStream> {
    let (krate, events) = (&handler.common.krate, &handler.publishes);
    (!events.is_empty()).then(|| quote!(const PUBLISHES: #krate::__private::Events = #krate::__published!(#(#events),*);))
}

fn retry_decl(krate: &Path, retry: &Retry) -> TokenStream {
    match retry {
        Retry::Constant(path) => quote!(#path),
        Retry::Said { max, immediate, backoff } => {
            let count = |value: &u32| number((*value).into());
            let max = max.as_ref().map(|max| setting(max, count)).map(|max| quote!(.max(#max)));
            let immediate = immediate.as_ref().map(|immediate| setting(immediate, count)).map(|immediate| quote!(.immediate(#immediate)));
            let backoff = backoff.as_ref().map(|(first, longest)| {
                let (first, longest) = (duration(first), duration(longest));
                quote!(.backoff(#first, #longest))
            });
            quote!(#krate::handler::RetryDecl::DEFAULT #max #immediate #backoff)
        }
    }
}

fn call(place: &Place<'_>) -> TokenStream {
    let Place { callee, handler, .. } = place;
    let krate = &handler.common.krate;
    let args = arguments(handler.args.len());
    let (service, receiver) = if handler.method { (quote!(service), Some(quote!(service,))) } else { (quote!(_), None) };
    // Mistakes in the return type are shown there. Those of an event handler have an assertion of their own.
    let output = handler.output.as_ref().map_or_else(|| at(&handler.ident), at);
    let called = quote_spanned!(output=> #callee(#receiver message, #(#args),*).await);
    let (message, returns, body) = match handler.kind {
        Kind::Event => {
            let message = if handler.batch.is_some() { quote!(#krate::Batch<Self::Event>) } else { quote!(Self::Event) };
            (message, quote!(#krate::handler::Outcome), quote_spanned!(output=> #krate::__outcome!(#called)))
        }
        Kind::Request(_) => (
            quote!(Self::Request),
            quote!(#krate::__private::Answered<Self::Request>),
            quote_spanned!(output=> <Self::Request as #krate::__private::Answers>::answer(#called)),
        ),
    };
    quote! {
        async fn call(#service: &Self::Service, message: #message, (#(#args,)*): Self::Args) -> #returns {
            #body
        }
    }
}

/// What only types can tell and the impl does not demand.
fn assertions(handler: &Handler) -> Vec<(&'static str, &Type)> {
    let message = match handler.kind {
        Kind::Event => None,
        Kind::Request(RequestKind::Command) => Some(("assert_command", &handler.message)),
        Kind::Request(RequestKind::Query) => Some(("assert_query", &handler.message)),
    };
    let output = match (handler.kind, &handler.output) {
        (Kind::Event, Some(output)) => Some(("assert_output", output)),
        _ => None,
    };
    message.into_iter().chain(output).collect()
}
