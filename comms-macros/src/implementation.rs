//! `#[service]` on the impl of a contract: a descriptor beside it, by which the wiring registers what the contract says.

use comms_syntax::names;
use comms_syntax::service::Implementation;
use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};

use crate::tokens::{at, descriptor as structure, listed};

pub(crate) fn expand(implementation: &Implementation) -> TokenStream {
    let Implementation { common, service, ident, contract } = implementation;
    let (krate, cfgs) = (&common.krate, &common.cfgs);
    let descriptor = names::implementation_descriptor(ident, contract);
    let structure = structure(common, &quote!(pub(crate)), &descriptor, &[service]);
    // That the trait is no contract is said at the trait.
    let register = quote_spanned!(at(contract)=> <#service as #contract>::__comms_register(app));
    let listed = listed(common, &names::implementation_entry(ident, contract));
    quote! {
        #structure
        #(#cfgs)*
        impl #krate::contract::Implementation for #descriptor {
            type Service = #service;
            fn register(app: #krate::AppBuilder) -> #krate::AppBuilder {
                #register
            }
        }
        #listed
    }
}
