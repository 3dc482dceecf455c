//! `#[service]` on the impl of a contract: a descriptor beside it, by which the wiring registers what the contract says.

use comms_syntax::service::{Implementation, Rpc};
use comms_syntax::{Setting, names};
use proc_macro2::{Span, TokenStream};
use quote::{quote, quote_spanned};

use crate::tokens::{at, descriptor as structure, duration, listed, number, placed, setting};

pub(crate) fn expand(implementation: &Implementation) -> TokenStream {
    let Implementation { common, service, ident, contract, methods: _, rpcs } = implementation;
    let (krate, cfgs) = (&common.krate, &common.cfgs);
    let descriptor = names::implementation_descriptor(ident, contract);
    let structure = structure(common, &quote!(pub(crate)), &descriptor, &[service]);
    let (options, member, checked, place) = match rpcs.first() {
        None => (None, quote!(__comms_register), quote!(registered), at(contract)),
        Some(first) => {
            let decls = rpcs.iter().map(|rpc| decl(krate, rpc));
            let options = quote!(const RPCS: &[#krate::grpc::RpcDecl] = &[#(#decls),*];);
            (Some(options), quote!(__comms_register_rpcs), quote!(rpcs_registered), first.span.resolved_at(Span::call_site()))
        }
    };
    let given = options.as_ref().map(|_| quote!(, RPCS));
    // That the trait is no contract is said at the trait, of #[rpc] where it is not one of gRPC at the attribute.
    let (member, checked) = (placed(quote!(__S::#member), place), placed(quote!(#krate::__private::registered::#checked), place));
    let register = quote_spanned!(place=> #checked(#member(app #given)));
    let listed = listed(common, &names::implementation_entry(ident, contract));
    quote! {
        #structure
        #(#cfgs)*
        impl #krate::contract::Implementation for #descriptor {
            type Service = #service;
            fn register(app: #krate::AppBuilder) -> #krate::AppBuilder {
                #[allow(unused_imports)]
                use #krate::__private::registered::AnyTrait as _;
                #options
                fn register<__S: #contract + #krate::Service>(app: #krate::AppBuilder) -> #krate::AppBuilder {
                    #register
                }
                register::<#service>(app)
            }
        }
        #listed
    }
}

fn decl(krate: &syn::Path, rpc: &Rpc) -> TokenStream {
    let Rpc { ident, span, cfgs, timeout, request_limit, answer_limit } = rpc;
    let (name, location) = (names::entry(ident), placed(quote!(#krate::__here!()), *span));
    let timeout = timeout.as_ref().map(|timeout| setting(timeout, duration)).map(|timeout| quote!(.timeout(#timeout)));
    let bytes = |limit: &Setting<u64>| setting(limit, |bytes| number(*bytes));
    let request = request_limit.as_ref().map(bytes).map(|limit| quote!(.request_limit(#limit)));
    let answer = answer_limit.as_ref().map(bytes).map(|limit| quote!(.answer_limit(#limit)));
    quote!(#(#cfgs)* #krate::grpc::RpcDecl::new(#name, #location) #timeout #request #answer)
}
