//! `#[provider]`: a descriptor beside the function.

use comms_syntax::names;
use comms_syntax::provider::Provider;
use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::Type;

use crate::tokens::{arguments, at, descriptor as structure, inject_fn, listed, location, tuple};

pub(crate) fn expand(provider: &Provider) -> TokenStream {
    let Provider { common, ident, vis, args, output, fallible, .. } = provider;
    let (krate, cfgs, descriptor) = (&common.krate, &common.cfgs, names::function_descriptor(ident));
    let (name, location) = (names::entry(ident), location(common));
    let types: Vec<&Type> = args.iter().collect();
    let (inject, provide, types) = (inject_fn(krate, &types), provide(provider), tuple(&types));
    let value = fallible.as_ref().unwrap_or(output);
    let structure = structure(common, &quote!(#vis), &descriptor, &[value, &types]);
    let listed = listed(common, &name);
    quote! {
        #structure
        #(#cfgs)*
        impl #krate::inject::Provider for #descriptor {
            type Value = #value;
            type Args = #types;
            const DECL: #krate::inject::ProviderDecl = #krate::inject::ProviderDecl::new(#name, #location);
            #inject
            #provide
        }
        #listed
    }
}

fn provide(provider: &Provider) -> TokenStream {
    let Provider { common, ident, args, is_async, output, fallible, .. } = provider;
    let krate = &common.krate;
    let args = arguments(args.len());
    let wait = is_async.then(|| quote_spanned!(at(output)=> .await));
    // Mistakes in the return type are shown there.
    let called = quote_spanned!(at(output)=> #ident(#(#args),*) #wait);
    let value = match fallible {
        Some(_) => quote_spanned!(at(output)=> #krate::__private::provided(#called)),
        None => quote!(::core::result::Result::Ok(#called)),
    };
    quote! {
        async fn provide((#(#args,)*): Self::Args) -> #krate::__private::Provided<Self::Value> {
            #value
        }
    }
}
