//! A service: the trait that is implemented, the description of the service, the server adapter, the typed client.
//!
//! What is emitted is a description plus calls into `comms::grpc`, where the behaviour is.

use proc_macro2::{Ident, TokenStream};
use prost_build::{Comments, Method, Service, ServiceGenerator};
use prost_types::method_options::IdempotencyLevel;
use quote::{format_ident, quote};

use super::emit::DESCRIPTORS;
use super::fake::fake;
use super::{Protos, externs};

/// Generates the services of all packages.
pub(super) struct Services {
    protos: Protos,
}

impl Services {
    pub(super) fn new(protos: Protos) -> Self {
        Self { protos }
    }
}

impl ServiceGenerator for Services {
    fn generate(&mut self, service: Service, text: &mut String) {
        let named = Named::of(&service);
        if externs::covers(&self.protos, &format!(".{}", named.full)) {
            return;
        }
        let parts = [
            handler_trait(&service, &named),
            descriptor(&service, &named),
            server(&service, &named),
            client(&service, &named),
            fake(&service, &named),
        ];
        for part in parts {
            text.push_str(&part.to_string());
            text.push('\n');
        }
    }
}

/// The names that belong to a service.
pub(super) struct Named {
    /// As on the wire: `shop.inventory.v1.Inventory`.
    pub(super) full: String,
    pub(super) handler: Ident,
    descriptor: Ident,
    pub(super) server: Ident,
    client: Ident,
}

impl Named {
    fn of(service: &Service) -> Self {
        let dot = if service.package.is_empty() { "" } else { "." };
        Self {
            full: format!("{}{dot}{}", service.package, service.proto_name),
            handler: format_ident!("{}", service.name),
            descriptor: format_ident!("{}Descriptor", service.name),
            server: format_ident!("{}Server", service.name),
            client: format_ident!("{}Client", service.name),
        }
    }
}

/// Text that came from the generator of messages: names and types.
pub(super) fn tokens(text: &str) -> TokenStream {
    // What is no Rust is found where the whole file is parsed.
    text.parse().unwrap_or_default()
}

/// The comment of an item, or what is said of an item without one.
fn doc(comments: &Comments, otherwise: &str) -> TokenStream {
    let mut text = String::new();
    comments.append_with_indent(0, &mut text);
    if comments.leading.is_empty() && comments.trailing.is_empty() { quote!(#[doc = #otherwise]) } else { tokens(&text) }
}

fn handler_trait(service: &Service, named: &Named) -> TokenStream {
    let Named { full, handler, descriptor, .. } = named;
    let doc = doc(&service.comments, &format!(" The service `{full}`."));
    let methods = service.methods.iter().map(handler_method);
    quote! {
        #doc
        pub trait #handler: ::core::marker::Send + ::core::marker::Sync + 'static {
            /// What it answers when it can't do what it is asked for; its class becomes the code of the status.
            type Error: ::comms::grpc::ServiceError;
            #(#methods)*

            #[doc(hidden)]
            fn __comms_register(app: ::comms::AppBuilder) -> ::comms::AppBuilder
            where
                Self: ::comms::Service,
            {
                app.grpc::<#descriptor, Self>()
            }

            #[doc(hidden)]
            fn __comms_register_rpcs(app: ::comms::AppBuilder, rpcs: &'static [::comms::grpc::RpcDecl]) -> ::comms::AppBuilder
            where
                Self: ::comms::Service,
            {
                app.grpc_with::<#descriptor, Self>(rpcs)
            }
        }
    }
}

fn handler_method(method: &Method) -> TokenStream {
    let doc = doc(&method.comments, &format!(" Answers `{}`.", method.proto_name));
    let (name, request, answer) = (tokens(&method.name), tokens(&method.input_type), tokens(&method.output_type));
    let argument = if method.client_streaming { quote!(requests: ::comms::grpc::Inbound<#request>) } else { quote!(request: #request) };
    let answer = if method.server_streaming { quote!(::comms::grpc::Outbound<#answer, Self::Error>) } else { answer };
    quote! {
        #doc
        fn #name(&self, #argument)
            -> impl ::core::future::Future<Output = ::core::result::Result<#answer, Self::Error>> + ::core::marker::Send;
    }
}

fn descriptor(service: &Service, named: &Named) -> TokenStream {
    let Named { full, descriptor, .. } = named;
    let files = format!("/comms/{DESCRIPTORS}");
    let doc = format!(" What is known of the service `{full}` when it is compiled.");
    let methods = service.methods.iter().map(|method| {
        let (name, kind, handler) = (&method.proto_name, kind(method), method.name.trim_start_matches("r#"));
        let idempotency = idempotency(method).map(|level| quote!(.idempotency(::comms::grpc::Idempotency::#level)));
        quote!(::comms::grpc::MethodDecl::#kind(#name).handler(#handler)#idempotency)
    });
    quote! {
        #[doc = #doc]
        #[derive(Clone, Copy, Debug)]
        pub struct #descriptor;

        impl ::comms::grpc::Descriptor for #descriptor {
            const NAME: &'static str = #full;
            const METHODS: &'static [::comms::grpc::MethodDecl] = &[#(#methods),*];
            const FILES: &'static [u8] = ::core::include!(::core::concat!(::core::env!("OUT_DIR"), #files));
        }
    }
}

/// What `option idempotency_level` says, as the runtime calls it.
fn idempotency(method: &Method) -> Option<Ident> {
    match method.options.idempotency_level() {
        IdempotencyLevel::IdempotencyUnknown => None,
        IdempotencyLevel::NoSideEffects => Some(format_ident!("NoSideEffects")),
        IdempotencyLevel::Idempotent => Some(format_ident!("Idempotent")),
    }
}

/// The kind of a method, as functions of the runtime are called.
fn kind(method: &Method) -> Ident {
    format_ident!(
        "{}",
        match (method.client_streaming, method.server_streaming) {
            (false, false) => "unary",
            (true, false) => "client_streaming",
            (false, true) => "server_streaming",
            (true, true) => "bidirectional",
        }
    )
}

fn server(service: &Service, named: &Named) -> TokenStream {
    let Named { full, handler, descriptor, server, .. } = named;
    let doc = format!(" Serves `{full}` with what implements [`{handler}`].");
    let arms = service.methods.iter().map(|method| {
        let (on_wire, name, kind) = (&method.proto_name, tokens(&method.name), kind(method));
        quote! {
            #on_wire => call.#kind(move |request| async move { <S as #handler>::#name(&service, request).await }).await,
        }
    });
    quote! {
        #[doc = #doc]
        pub type #server<S> = ::comms::grpc::Server<#descriptor, S>;

        impl<S: #handler> ::comms::grpc::Serves<S> for #descriptor {
            async fn serve(service: ::std::sync::Arc<S>, call: ::comms::grpc::Call) -> ::comms::grpc::Answer {
                match call.method() {
                    #(#arms)*
                    _ => call.unimplemented(),
                }
            }
        }
    }
}

fn client(service: &Service, named: &Named) -> TokenStream {
    let Named { full, client, .. } = named;
    let doc = format!(" Calls `{full}`. Cloning is cheap; clones share the connection.");
    let methods = service.methods.iter().map(|method| client_method(method, full));
    quote! {
        #[doc = #doc]
        #[derive(Clone, Debug)]
        pub struct #client<T = ::comms::client::Channel> {
            client: ::comms::grpc::Client<T>,
        }

        impl<T: ::comms::grpc::Transport> #client<T> {
            /// Calls over the transport with the usual settings; `from` takes a `comms::grpc::Client` with others.
            pub fn new(transport: T) -> Self {
                Self { client: ::comms::grpc::Client::new(transport) }
            }
            #(#methods)*
        }

        impl<T> ::core::convert::From<::comms::grpc::Client<T>> for #client<T> {
            fn from(client: ::comms::grpc::Client<T>) -> Self {
                Self { client }
            }
        }
    }
}

fn client_method(method: &Method, service: &str) -> TokenStream {
    let doc = doc(&method.comments, &format!(" Calls `{}`.", method.proto_name));
    // `new` makes a client.
    let name = if method.name == "new" { quote!(new_) } else { tokens(&method.name) };
    let (request, answer, kind) = (tokens(&method.input_type), tokens(&method.output_type), kind(method));
    let path = format!("/{service}/{}", method.proto_name);
    let (argument, given) = if method.client_streaming {
        (quote!(requests: impl ::comms::grpc::Stream<Item = #request> + ::core::marker::Send + 'static), quote!(requests))
    } else {
        (quote!(request: #request), quote!(request))
    };
    let answer = if method.server_streaming { quote!(::comms::grpc::Inbound<#answer>) } else { answer };
    // Of a method whose proto says so layers of the client may repeat calls.
    let idempotent = (method.options.idempotency_level() != IdempotencyLevel::IdempotencyUnknown).then(|| quote!(.idempotent()));
    quote! {
        #doc
        ///
        /// # Errors
        /// What the service answered, or what went wrong on the way to it.
        pub async fn #name(&self, #argument) -> ::core::result::Result<#answer, ::comms::grpc::GrpcError> {
            self.client #idempotent.#kind(#path, #given).await
        }
    }
}
