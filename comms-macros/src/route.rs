//! Routes: a descriptor beside each, and how it takes its arguments from a request.

use comms_syntax::route::{Parameter, Place, Route, Verb};
use comms_syntax::service::ServiceImpl;
use comms_syntax::{Common, names};
use proc_macro2::{Ident, TokenStream, TokenTree};
use quote::{ToTokens, quote, quote_spanned};
use syn::{Attribute, Path, Type};

use crate::tokens::{arguments, at, descriptor as structure, doc, duration, listed, location, number, placed, setting};

/// A method of a service, below the `#[cfg]`s of its impl.
pub(crate) fn method(service: &ServiceImpl, outer: &[Attribute], route: &Route) -> TokenStream {
    let mut common = route.common.clone();
    common.cfgs.splice(0..0, outer.iter().cloned());
    let (krate, cfgs, path) = (&common.krate, &common.cfgs, &service.service);
    let ident = &route.ident;
    let callee = quote!(#path::#ident);
    let descriptor = names::method_descriptor(&service.ident, &route.ident);
    let structure = structure(&common, &quote!(pub(crate)), &descriptor, &[path]);
    let (decl, call) = (decl(&common, route), call(krate, &callee, &quote!(#krate::__answered!), route));
    let listed = listed(&common, &names::method_entry(&service.ident, &route.ident));
    quote! {
        #structure
        #(#cfgs)*
        impl #krate::http::Route for #descriptor {
            type Service = #path;
            const DECL: #krate::http::RouteDecl = #decl;
            #call
        }
        #listed
    }
}

pub(crate) fn decl(common: &Common, route: &Route) -> TokenStream {
    // Taken apart, so that no option can be forgotten here.
    let Route { common: _, verb, ident, path, parameters, output, status, timeout, body_limit } = route;
    let (krate, path, name, location) = (&common.krate, &path.text, names::entry(ident), location(common));
    let verb = match verb {
        Verb::Get => quote!(Get),
        Verb::Post => quote!(Post),
        Verb::Put => quote!(Put),
        Verb::Patch => quote!(Patch),
        Verb::Delete => quote!(Delete),
    };
    let status = status.map(|status| number(status.into())).map(|status| quote!(.status(#status)));
    let timeout = timeout.as_ref().map(|timeout| setting(timeout, duration)).map(|timeout| quote!(.timeout(#timeout)));
    let body_limit = body_limit.as_ref().map(|limit| setting(limit, |bytes| number(*bytes))).map(|limit| quote!(.body_limit(#limit)));
    let parameters = (!parameters.is_empty()).then(|| {
        let parameters = parameters.iter().map(|parameter| parameter_decl(krate, parameter));
        quote!(.parameters(&[#(#parameters),*]))
    });
    let (answer, doc) = (answer(krate, output.as_ref()), doc(common));
    quote!(#krate::http::RouteDecl::new(#krate::http::Verb::#verb, #path, #name, #location) #status #timeout #body_limit #parameters #answer #doc)
}

/// What documents say of what is returned; an `impl Trait` has no name that could be asked.
fn answer(krate: &Path, output: Option<&Type>) -> Option<TokenStream> {
    let ty = output.map_or_else(|| quote!(()), ToTokens::to_token_stream);
    (!mentions(ty.clone(), "impl")).then(|| quote!(.answer(#krate::__shape!(answer #ty))))
}

fn mentions(tokens: TokenStream, word: &str) -> bool {
    tokens.into_iter().any(|tree| match tree {
        TokenTree::Group(group) => mentions(group.stream(), word),
        TokenTree::Ident(ident) => ident == word,
        _ => false,
    })
}

fn parameter_decl(krate: &Path, Parameter { place, name, ty }: &Parameter) -> TokenStream {
    let (place, kind) = match place {
        Place::Path => (quote!(Path), Some(quote!(parameter))),
        Place::Query => (quote!(Query), Some(quote!(parameter))),
        Place::Header => (quote!(Header), Some(quote!(parameter))),
        Place::Body => (quote!(Body), Some(quote!(body))),
        // Not in the documents.
        Place::Extracted => (quote!(Extracted), None),
    };
    let shape = kind.map(|kind| quote!(.shape(#krate::__shape!(#kind #ty))));
    quote!(#krate::http::ParameterDecl::new(#name, #krate::http::Place::#place) #shape)
}

/// Answers a request by what `callee` returns, which the macro `answered` turns into an answer.
pub(crate) fn call(krate: &Path, callee: &TokenStream, answered: &TokenStream, route: &Route) -> TokenStream {
    let Route { ident, parameters, output, .. } = route;
    let args = arguments(parameters.len());
    // The body is read last: what is wrong with the rest is said without waiting for it.
    let (bodies, others): (Vec<_>, Vec<_>) = parameters.iter().zip(&args).partition(|(parameter, _)| parameter.place == Place::Body);
    let taken = others.into_iter().chain(bodies).map(|(parameter, arg)| taken(krate, parameter, arg));
    let request = if parameters.is_empty() { quote!(_) } else { quote!(mut arguments) };
    // Mistakes in the return type are shown there, which takes all tokens around the call.
    let output = output.as_ref().map_or_else(|| at(ident), at);
    let outer = placed(answered.clone(), output);
    let answered = quote_spanned!(output=> #outer(Self::DECL.status, #callee(&service, #(#args),*).await));
    quote! {
        async fn call(service: ::std::sync::Arc<Self::Service>, #request: #krate::http::Arguments) -> #krate::http::Answered {
            #(#taken)*
            #answered
        }
    }
}

/// Takes an argument from the request, for mistakes at its type.
fn taken(krate: &Path, Parameter { place, name, ty }: &Parameter, arg: &Ident) -> TokenStream {
    let taken = match place {
        Place::Path => quote_spanned!(at(ty)=> arguments.path::<#ty>(#name)?),
        Place::Query => quote_spanned!(at(ty)=> arguments.query::<#ty>(#name)?),
        Place::Header => quote_spanned!(at(ty)=> arguments.header::<#ty>(#name)?),
        Place::Body => {
            let body = placed(quote!(#krate::__body!), at(ty));
            quote_spanned!(at(ty)=> #body(arguments, #ty)?)
        }
        Place::Extracted => quote_spanned!(at(ty)=> arguments.extract::<#ty>().await?),
    };
    quote!(let #arg = #taken;)
}
