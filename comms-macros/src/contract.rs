//! `#[service]` on a trait, and `#[client(url = "..")]` on one: the routes of whoever implements it, the typed client,
//! the fake.

use comms_syntax::contract::{Contract, Foreign, Method};
use comms_syntax::route::{Idempotency, Parameter, Place};
use comms_syntax::{Common, names};
use proc_macro2::{Ident, TokenStream};
use quote::{quote, quote_spanned};
use syn::{Path, Type};

use crate::fake;
use crate::tokens::{asserted, at, doc, duration, location, placed, setting};

/// The member that registers the routes of a service that implements the contract.
pub(crate) fn register(contract: &Contract) -> TokenStream {
    let krate = &contract.common.krate;
    let routes = contract.methods.iter().map(|method| {
        let (cfgs, descriptor) = (&method.route.common.cfgs, descriptor(contract, method));
        quote!(#(#cfgs)* let app = app.route::<#descriptor<Self>>();)
    });
    // A foreign API is at its address, also where something here plays it.
    let named = contract.foreign.is_none().then(|| {
        let name = &contract.name.value;
        quote!(let app = app.contract::<Self>(#name);)
    });
    quote! {
        #[doc(hidden)]
        fn __comms_register(app: #krate::AppBuilder) -> #krate::AppBuilder
        where
            Self: #krate::Service,
        {
            #named
            #(#routes)*
            app
        }
    }
}

pub(crate) fn expand(contract: &Contract) -> TokenStream {
    let routes = contract.methods.iter().map(|method| route(contract, method));
    let (client, fake) = (client(contract), fake::expand(contract));
    let listed = asserted(&contract.common, &names::entry(&contract.ident), &assertions(contract));
    quote!(#(#routes)* #client #fake #listed)
}

/// What travels as an error; alternatives under `#[cfg]` are left to the client's method.
fn assertions(contract: &Contract) -> Vec<(&'static str, &Type)> {
    let methods = contract.methods.iter().filter(|method| method.route.common.cfgs.is_empty());
    methods.filter_map(|method| method.error.as_ref()).map(|error| ("assert_refusal", error)).collect()
}

pub(crate) fn descriptor(contract: &Contract, method: &Method) -> Ident {
    names::method_descriptor(&contract.ident, &method.route.ident)
}

/// What stands under the conditions of the trait and of the method.
fn common(contract: &Contract, method: &Method) -> Common {
    let mut common = method.route.common.clone();
    common.cfgs.splice(0..0, contract.common.cfgs.iter().cloned());
    common
}

/// The route of a method, of any service that implements the contract. What it says is known without one.
fn route(contract: &Contract, method: &Method) -> TokenStream {
    let Contract { ident, vis, .. } = contract;
    let common = common(contract, method);
    let (krate, cfgs, descriptor) = (&common.krate, &common.cfgs, descriptor(contract, method));
    let (decl, idempotency) = (crate::route::decl(&common, &method.route), method.idempotency.map(idempotency));
    let error = method.error.as_ref().map(|error| quote!(.error(#krate::__shape!(error #error))));
    let callee = &method.route.ident;
    let call = crate::route::call(krate, &quote!(S::#callee), &quote!(#krate::__contract_answered!), &method.route);
    quote! {
        #(#cfgs)*
        #[doc(hidden)]
        #[allow(non_camel_case_types)]
        #vis struct #descriptor<S>(::core::marker::PhantomData<fn() -> S>);
        #(#cfgs)*
        impl<S> #descriptor<S> {
            #vis const ROUTE: #krate::http::RouteDecl = #decl #error #idempotency;
        }
        #(#cfgs)*
        impl<S: #ident> #krate::http::Route for #descriptor<S> {
            type Service = S;
            const DECL: #krate::http::RouteDecl = Self::ROUTE;
            #call
        }
    }
}

/// What the route says of repetitions.
fn idempotency(idempotency: Idempotency) -> TokenStream {
    match idempotency {
        Idempotency::Idempotent => quote!(.idempotent()),
        Idempotency::Key => quote!(.idempotency_key()),
    }
}

fn client(contract: &Contract) -> TokenStream {
    let Contract { common, ident, vis, .. } = contract;
    let (krate, cfgs, client) = (&common.krate, &common.cfgs, names::beside(ident, "Client"));
    let text = format!("Calls [`{ident}`] over HTTP. Cloning is cheap; clones share their connections.");
    let (decl, keyed) = (client_decl(contract), keyed(contract));
    let methods = contract.methods.iter().map(|method| client_method(contract, method));
    quote! {
        #(#cfgs)*
        #[doc = #text]
        #[derive(::core::clone::Clone, ::core::fmt::Debug)]
        #vis struct #client(#krate::client::HttpCaller);
        #(#cfgs)*
        impl #client {
            #keyed
            #(#methods)*
        }
        #(#cfgs)*
        impl #krate::client::Client for #client {
            const DECL: #krate::client::ClientDecl = #decl;
            fn over(channel: #krate::client::Channel, settings: #krate::client::Settings) -> Self {
                Self(#krate::client::HttpCaller::new(channel, settings))
            }
        }
    }
}

fn client_decl(Contract { common, name, foreign, .. }: &Contract) -> TokenStream {
    let (krate, name, location, doc) = (&common.krate, &name.value, location(common), doc(common));
    let foreign = foreign.as_ref().map(|Foreign { url, timeout }| {
        let url = &url.value;
        let timeout = timeout.as_ref().map(|timeout| setting(timeout, duration)).map(|timeout| quote!(.timeout(#timeout)));
        quote!(.url(#url) #timeout)
    });
    quote!(#krate::client::ClientDecl::new(#name, #krate::client::ClientKind::Http, #name, #location) #foreign #doc)
}

/// The way to give a key, where a method has one.
fn keyed(contract: &Contract) -> Option<TokenStream> {
    let vis = &contract.vis;
    let has_key = contract.methods.iter().any(|method| method.idempotency == Some(Idempotency::Key));
    has_key.then(|| {
        quote! {
            /// The same client, whose calls with an idempotency key have this one: repetitions of one call, until the key changes.
            #[must_use]
            #vis fn with_idempotency_key(&self, key: impl ::core::convert::Into<::std::sync::Arc<::core::primitive::str>>) -> Self {
                Self(self.0.with_idempotency_key(key))
            }
        }
    })
}

fn client_method(contract: &Contract, method: &Method) -> TokenStream {
    let Method { route, arguments, idempotency, .. } = method;
    let (krate, cfgs, name, descriptor) = (&route.common.krate, &route.common.cfgs, &route.ident, descriptor(contract, method));
    let types = route.parameters.iter().map(|parameter| &parameter.ty);
    let (value, error) = (value(method), error(krate, method));
    let pieces = route.parameters.iter().zip(arguments).map(|(parameter, argument)| piece(krate, parameter, argument));
    let key = (*idempotency == Some(Idempotency::Key)).then(|| quote!(call.idempotency_key(::core::option::Option::None);));
    let foreign = contract.foreign.is_some().then(|| quote!(call.foreign();));
    let text = client_doc(&route.common.doc, &route.requests());
    let vis = &contract.vis;
    // Mistakes in the value are shown there, which takes all tokens around it.
    let place = method.value.as_ref().map_or_else(|| at(name), at);
    let sent = placed(quote!(#krate::__sent!), place);
    let sent = quote_spanned!(place=> #sent(call, #value, #error));
    let mutable = (!arguments.is_empty() || key.is_some() || foreign.is_some()).then(|| quote!(mut));
    quote! {
        #(#cfgs)*
        #[doc = #text]
        #vis async fn #name(&self, #(#arguments: #types),*) -> ::core::result::Result<#value, #krate::client::CallError<#error>> {
            let #mutable call = self.0.begin(&#descriptor::<()>::ROUTE);
            #(#pieces)*
            #key
            #foreign
            #sent
        }
    }
}

fn client_doc(doc: &str, requests: &str) -> String {
    let first = if doc.is_empty() { format!("Calls `{requests}`.") } else { doc.to_owned() };
    let errors = "# Errors\nWhat the service answered, or what went wrong on the way to it.";
    if doc.contains("# Errors") { first } else { format!("{first}\n\n{errors}") }
}

/// Puts an argument into the call, for mistakes at its type.
fn piece(krate: &Path, Parameter { place, name, ty }: &Parameter, argument: &Ident) -> TokenStream {
    match place {
        Place::Path => quote_spanned!(at(ty)=> call.path(#name, &#argument);),
        Place::Query => quote_spanned!(at(ty)=> call.query(#name, &#argument);),
        Place::Header => quote_spanned!(at(ty)=> call.header(#name, &#argument);),
        // What is extracted was refused.
        Place::Body | Place::Extracted => {
            let put = placed(quote!(#krate::__put!), at(ty));
            quote_spanned!(at(ty)=> #put(call, #argument, #ty);)
        }
    }
}

fn value(method: &Method) -> TokenStream {
    method.value.as_ref().map_or_else(|| quote!(()), |value| quote!(#value))
}

fn error(krate: &Path, method: &Method) -> TokenStream {
    method.error.as_ref().map_or_else(|| quote!(#krate::contract::Never), |error| quote!(#error))
}
