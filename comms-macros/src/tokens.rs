//! Pieces that all expansions are made of.

use std::time::Duration;

use comms_syntax::{Common, Rate, Setting};
use proc_macro2::{Ident, Span, TokenStream, TokenTree};
use quote::{ToTokens, quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{Path, Type};

/// Where the tokens stand, for diagnoses; names resolve as those of the expansion.
pub(crate) fn at(tokens: &impl Spanned) -> Span {
    tokens.span().resolved_at(Span::call_site())
}

/// The place of an item in the source, as the compiler knows it.
pub(crate) fn location(common: &Common) -> TokenStream {
    let krate = &common.krate;
    // `line!` tells the line of the outermost macro call, so that all of its tokens stand at the item.
    placed(quote!(#krate::__here!()), common.span)
}

/// The tokens as if they stood there.
pub(crate) fn placed(tokens: TokenStream, span: Span) -> TokenStream {
    let placed = |mut tree: TokenTree| {
        tree.set_span(span);
        tree
    };
    tokens.into_iter().map(placed).collect()
}

/// `.doc("..")`, where there is a doc comment.
pub(crate) fn doc(common: &Common) -> Option<TokenStream> {
    let doc = &common.doc;
    (!doc.is_empty()).then(|| quote!(.doc(#doc)))
}

/// The assertion that `comms-build` saw the item.
pub(crate) fn listed(common: &Common, entry: &str) -> TokenStream {
    asserted(common, entry, &[])
}

/// The same, with assertions by name about types, for mistakes at the type.
pub(crate) fn asserted(common: &Common, entry: &str, types: &[(&str, &Type)]) -> TokenStream {
    let (krate, cfgs) = (&common.krate, &common.cfgs);
    let assertions = types.iter().map(|(name, ty)| {
        let name = Ident::new(name, at(*ty));
        quote_spanned!(at(*ty)=> , #name::<#ty>)
    });
    quote! {
        #(#cfgs)*
        #krate::__listed!(#entry #(#assertions)*);
    }
}

/// The struct that stands for a function; only one that is visible outside can be in the way in documents.
///
/// Its parameter is never given. It lets the compiler count the impl as no more visible than these types, which the
/// contract names: without it, private ones would "leak" (E0446).
pub(crate) fn descriptor(common: &Common, visibility: &TokenStream, name: &Ident, types: &[&dyn ToTokens]) -> TokenStream {
    let cfgs = &common.cfgs;
    let hidden = (visibility.to_string() == "pub").then(|| quote!(#[doc(hidden)]));
    quote! {
        #(#cfgs)*
        #hidden
        #[allow(non_camel_case_types, private_interfaces)]
        #visibility struct #name<T = (#(#types,)*)>(::core::marker::PhantomData<fn() -> T>);
    }
}

/// A setting as an expression; a literal is turned into one by `literal`.
pub(crate) fn setting<T>(setting: &Setting<T>, literal: impl FnOnce(&T) -> TokenStream) -> TokenStream {
    match setting {
        Setting::Literal(value) => literal(value),
        Setting::Constant(path) => path.to_token_stream(),
    }
}

/// A number without a suffix.
pub(crate) fn number(value: u64) -> TokenStream {
    proc_macro2::Literal::u64_unsuffixed(value).to_token_stream()
}

/// A duration as an expression.
pub(crate) fn duration(value: &Duration) -> TokenStream {
    let millis = number(u64::try_from(value.as_millis()).unwrap_or(u64::MAX));
    quote!(::core::time::Duration::from_millis(#millis))
}

/// A rate as an expression.
pub(crate) fn rate(krate: &Path, Rate { count, per, burst }: &Rate) -> TokenStream {
    let (count, per) = (number((*count).into()), duration(per));
    let burst = burst.map(|burst| number(burst.into())).map(|burst| quote!(.burst(#burst)));
    quote!(#krate::limit::Rate::new(#count, #per) #burst)
}

/// `Some("..")` or `None`.
pub(crate) fn optional(text: Option<&str>) -> TokenStream {
    match text {
        Some(text) => quote!(::core::option::Option::Some(#text)),
        None => quote!(::core::option::Option::None),
    }
}

/// The expression that resolves a value of the type, for mistakes at the type.
pub(crate) fn injected(krate: &syn::Path, ty: &Type) -> TokenStream {
    quote_spanned!(at(ty)=> (&&#krate::__private::inject::Probe::<#ty>::new()).inject(scope)?)
}

/// The tuple of the types, for mistakes at the first.
pub(crate) fn tuple(types: &[&Type]) -> TokenStream {
    let place = types.first().map_or_else(Span::call_site, |first| at(*first));
    quote_spanned!(place=> (#(#types,)*))
}

/// `fn inject`: resolves the arguments.
pub(crate) fn inject_fn(krate: &syn::Path, types: &[&Type]) -> TokenStream {
    let (scope, import) = match types {
        [] => (quote!(_), None),
        _ => (quote!(scope), Some(quote!(use #krate::__private::inject::via::*;))),
    };
    let values = types.iter().map(|ty| injected(krate, ty));
    quote! {
        fn inject(#scope: &#krate::inject::Scope) -> #krate::__private::Found<Self::Args> {
            #import
            ::core::result::Result::Ok((#(#values,)*))
        }
    }
}

/// Names for the arguments of a call.
pub(crate) fn arguments(count: usize) -> Vec<Ident> {
    (0..count).map(|at| quote::format_ident!("arg{at}")).collect()
}
