//! The fake of a service: what answers in the place of the real one in tests, as its scripts say.

use proc_macro2::TokenStream;
use prost_build::{Method, Service};
use quote::{format_ident, quote};

use super::service::{Named, tokens};

/// Empty where `comms` was built without its feature `testing`: `__fake!` drops it then.
pub(super) fn fake(service: &Service, named: &Named) -> TokenStream {
    let Named { full, handler, server, .. } = named;
    let fake = format_ident!("{handler}Fake");
    let doc =
        format!(" Stands in for `{full}` in tests: answers as its scripts say, and keeps what it was called with. Clones share both.");
    let scripts = service.methods.iter().map(|method| {
        let (name, script) = (tokens(&method.name), script(method));
        quote!(#name: #script)
    });
    let called = fake.to_string();
    let unsaid = service.methods.iter().map(|method| {
        let (name, called_as) = (tokens(&method.name), &method.name);
        quote!(#name: ::comms::testing::Script::new(#called, #called_as))
    });
    let accessors = service.methods.iter().map(accessor);
    let answers = service.methods.iter().map(answer);
    quote! {
        ::comms::__fake! {
            #[doc = #doc]
            #[derive(::core::clone::Clone, ::core::fmt::Debug)]
            pub struct #fake { #(#scripts,)* }

            impl ::core::default::Default for #fake {
                fn default() -> Self {
                    Self { #(#unsaid,)* }
                }
            }

            impl #fake { #(#accessors)* }

            impl #handler for #fake {
                type Error = ::comms::grpc::GrpcError;
                #(#answers)*
            }

            impl ::comms::testing::Fake for #fake {
                fn channel(&self) -> ::comms::client::Channel {
                    ::comms::client::Channel::local(#server::new(::core::clone::Clone::clone(self)))
                }
            }
        }
    }
}

/// What a method is scripted with: a request, all of them, or each of them; an answer, a stream, or some for each.
fn script(method: &Method) -> TokenStream {
    let (request, answer) = (tokens(&method.input_type), tokens(&method.output_type));
    let (arguments, answer) = match (method.client_streaming, method.server_streaming) {
        (false, false) => (request, answer),
        (true, false) => (quote!(::std::vec::Vec<#request>), answer),
        (false, true) => (request, quote!(::comms::grpc::Outbound<#answer, ::comms::grpc::GrpcError>)),
        (true, true) => (request, quote!(::std::vec::Vec<#answer>)),
    };
    quote!(::comms::testing::Script<#arguments, ::core::result::Result<#answer, ::comms::grpc::GrpcError>>)
}

fn accessor(method: &Method) -> TokenStream {
    let (name, script) = (tokens(&method.name), script(method));
    let what = match (method.client_streaming, method.server_streaming) {
        (false, false) => "answers, and what it was called with",
        (true, false) => "answers, and all requests of each stream that ended",
        (false, true) => "answers, a stream, and what it was called with",
        (true, true) => "answers to each request, and the requests",
    };
    let doc = format!(" What `{}` {what}.", method.proto_name);
    quote! {
        #[doc = #doc]
        pub fn #name(&self) -> &#script {
            &self.#name
        }
    }
}

fn answer(method: &Method) -> TokenStream {
    let (name, request, answer) = (tokens(&method.name), tokens(&method.input_type), tokens(&method.output_type));
    let error = quote!(::comms::grpc::GrpcError);
    match (method.client_streaming, method.server_streaming) {
        (false, false) => quote! {
            async fn #name(&self, request: #request) -> ::core::result::Result<#answer, #error> {
                self.#name.call(request).await
            }
        },
        (true, false) => quote! {
            async fn #name(&self, requests: ::comms::grpc::Inbound<#request>) -> ::core::result::Result<#answer, #error> {
                self.#name.call(requests.all().await?).await
            }
        },
        (false, true) => quote! {
            async fn #name(&self, request: #request) -> ::core::result::Result<::comms::grpc::Outbound<#answer, #error>, #error> {
                self.#name.call(request).await
            }
        },
        (true, true) => quote! {
            async fn #name(&self, mut requests: ::comms::grpc::Inbound<#request>)
                -> ::core::result::Result<::comms::grpc::Outbound<#answer, #error>, #error> {
                let script = ::core::clone::Clone::clone(&self.#name);
                ::core::result::Result::Ok(::comms::grpc::Outbound::produce(move |answers| async move {
                    while let ::core::option::Option::Some(request) = requests.message().await? {
                        for answer in script.call(request).await? {
                            answers.send(answer).await?;
                        }
                    }
                    ::core::result::Result::Ok(())
                }))
            }
        },
    }
}
