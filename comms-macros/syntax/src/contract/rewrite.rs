//! What is re-emitted of a contract: its methods without our attributes, as futures that any runtime may move
//! between threads.

use proc_macro2::{Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{FnArg, ReturnType, Signature};

use super::item::{TraitFn, TraitItem, TraitMember};
use crate::Attribute;
use crate::item::cfgs;
use crate::kind::attribute;
use crate::route::is_mark;
use crate::service::{Mark, collect_marks};

/// The trait with `async fn` turned into `fn .. -> impl Future + Send`, without the attributes that the model has
/// taken up, and with more members. What is no trait stays what it is.
#[must_use]
pub fn rewrite(item: TokenStream, more: &TokenStream) -> TokenStream {
    let Ok(item) = syn::parse2::<TraitItem>(item.clone()) else { return item };
    let TraitItem { attrs, vis, unsafety, trait_token, ident, generics, supertraits, inner, members } = item;
    let clause = &generics.where_clause;
    let supertraits = supertraits.into_iter();
    let members = members.into_iter().map(member);
    quote! {
        #(#attrs)*
        #vis #unsafety #trait_token #ident #generics: #(#supertraits +)* ::core::marker::Send + ::core::marker::Sync + 'static #clause {
            #(#inner)*
            #(#members)*
            #more
        }
    }
}

/// The attributes of this version on the methods of a trait, each once. Nothing if the trait can't be read.
#[must_use]
pub fn marks(item: TokenStream) -> Vec<Mark> {
    let Ok(item) = syn::parse2::<TraitItem>(item) else { return Vec::new() };
    collect_marks(&cfgs(&item.attrs), item.members.iter().map(TraitMember::attrs))
}

fn member(member: TraitMember) -> TokenStream {
    match member {
        TraitMember::Fn(function) => method(*function),
        TraitMember::Other { attrs, tokens } => quote!(#(#attrs)* #tokens),
    }
}

fn method(mut function: TraitFn) -> TokenStream {
    let route = function.attrs.iter().any(|attr| matches!(attribute(attr.path()), Some(Attribute::Route(_))));
    function.attrs.retain(|attr| attribute(attr.path()).is_none());
    if route {
        function.sig.inputs.iter_mut().for_each(strip_marks);
    }
    let has_body = function.body().is_some();
    let TraitFn { attrs, mut sig, rest } = function;
    if sig.asyncness.take().is_none() {
        return quote!(#(#attrs)* #sig #rest);
    }
    sig.output = future(&sig);
    let rest = if has_body { quote!({ async move #rest }) } else { rest };
    quote!(#(#attrs)* #sig #rest)
}

fn strip_marks(input: &mut FnArg) {
    if let FnArg::Typed(argument) = input {
        argument.attrs.retain(|attr| !is_mark(attr.path()));
    }
}

fn future(sig: &Signature) -> ReturnType {
    let (place, output) = match &sig.output {
        ReturnType::Default => (sig.ident.span(), quote!(())),
        ReturnType::Type(_, ty) => (ty.span(), quote!(#ty)),
    };
    let place = Span::call_site().located_at(place);
    let future = quote_spanned!(place=> impl ::core::future::Future<Output = #output> + ::core::marker::Send);
    ReturnType::Type(syn::Token![->](place), Box::new(syn::Type::Verbatim(future)))
}
