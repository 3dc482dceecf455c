//! `#[client]` on a unit struct: it becomes the typed client that was generated beside what it calls.

use comms_syntax::client::{Calls, Client};
use comms_syntax::names;
use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};

use crate::tokens::{at, doc, duration, listed, location, setting};

pub(crate) fn expand(client: &Client) -> TokenStream {
    let Client { common, attrs, vis, ident, .. } = client;
    let (krate, cfgs) = (&common.krate, &common.cfgs);
    let (derives, typed) = (derives(client), typed(client));
    let (decl, over) = (decl(client), over(client));
    let listed = listed(common, &names::entry(ident));
    quote! {
        #derives
        #(#attrs)*
        #vis struct #ident(#typed);
        #(#cfgs)*
        impl ::core::ops::Deref for #ident {
            type Target = #typed;
            fn deref(&self) -> &Self::Target {
                &self.0
            }
        }
        #(#cfgs)*
        impl #krate::client::Client for #ident {
            const DECL: #krate::client::ClientDecl = #decl;
            fn over(channel: #krate::client::Channel, settings: #krate::client::Settings) -> Self {
                Self(#over)
            }
        }
        #listed
    }
}

/// A derive above the `#[cfg]` of its item would outlive it.
fn derives(client: &Client) -> TokenStream {
    let cfgs = &client.common.cfgs;
    let clone = (!client.derives_clone).then(|| quote!(#[derive(::core::clone::Clone)]));
    let debug = (!client.derives_debug).then(|| quote!(#[derive(::core::fmt::Debug)]));
    quote!(#(#cfgs)* #clone #debug)
}

/// The type of the generated client.
fn typed(client: &Client) -> TokenStream {
    let (krate, beside) = (&client.common.krate, client.calls.beside("Client"));
    match &client.calls {
        Calls::Http(_) => beside,
        Calls::Grpc(_) => quote!(#beside<#krate::client::Channel>),
    }
}

fn decl(client: &Client) -> TokenStream {
    let Client { common, calls, name, timeout, .. } = client;
    let (krate, name, location, doc) = (&common.krate, &name.value, location(common), doc(common));
    let timeout = timeout.as_ref().map(|timeout| setting(timeout, duration)).map(|timeout| quote!(.timeout(#timeout)));
    let place = at(calls.path());
    let (kind, contract) = match calls {
        Calls::Http(_) => {
            let typed = typed(client);
            (quote!(Http), quote_spanned!(place=> <#typed as #krate::client::Client>::DECL.contract))
        }
        Calls::Grpc(_) => {
            let descriptor = calls.beside("Descriptor");
            (quote!(Grpc), quote_spanned!(place=> <#descriptor as #krate::grpc::Descriptor>::NAME))
        }
    };
    quote!(#krate::client::ClientDecl::new(#name, #krate::client::ClientKind::#kind, #contract, #location) #timeout #doc)
}

/// The generated client over the channel.
fn over(client: &Client) -> TokenStream {
    let (krate, typed) = (&client.common.krate, typed(client));
    let place = at(client.calls.path());
    match &client.calls {
        Calls::Http(_) => quote_spanned!(place=> <#typed as #krate::client::Client>::over(channel, settings)),
        Calls::Grpc(_) => quote_spanned!(place=> <#typed>::from(#krate::grpc::Client::over(channel, settings))),
    }
}
