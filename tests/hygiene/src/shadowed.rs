//! Without a prelude, and with types of the user's that are called like those of the standard library and like ours.
#![no_implicit_prelude]

// The derive of schemars calls `into` as a method (1.2.3); ours is not among what needs the prelude.
use ::std::convert::Into as _;

use ::comms::{command, event, event_handler, post, provider, query, service};

/// Shadows.
#[derive(::std::clone::Clone)]
pub struct Option;
/// Shadows.
#[derive(::std::clone::Clone)]
pub struct Result;
/// Shadows.
#[derive(::std::clone::Clone)]
pub struct String;
/// Shadows.
#[derive(::std::clone::Clone)]
pub struct Box;
/// Shadows.
#[derive(::std::clone::Clone)]
pub struct Some;
/// Shadows.
#[derive(::std::clone::Clone)]
pub struct Ok;
/// Shadows.
#[derive(::std::clone::Clone)]
pub struct Scope;
/// Shadows.
#[derive(::std::clone::Clone)]
pub struct Probe;
/// Shadows.
#[derive(::std::clone::Clone)]
pub struct Service;
/// Shadows.
#[derive(::std::clone::Clone)]
pub struct Arc;
/// Shadows.
#[derive(::std::clone::Clone)]
pub struct Route;
/// Shadows.
#[derive(::std::clone::Clone)]
pub struct Arguments;
/// Shadows.
pub trait Send {}
/// Shadows.
pub mod core {}
/// Shadows.
pub mod std {}
/// Shadows.
pub mod serde {}
/// Shadows.
pub mod comms {}

/// An event.
#[event(name = "shadowed.happened", version = 1, topic = "shadowed", key = id)]
pub struct Happened {
    /// Its key.
    pub id: u64,
    /// Text.
    pub text: ::std::string::String,
    /// Maybe.
    pub maybe: ::std::option::Option<u8>,
}

/// A command.
#[command(name = "shadowed.do", version = 1, owner = "shadowed")]
pub struct Do;

/// A query.
#[query(name = "shadowed.ask", version = 1, owner = "shadowed", reply = ::std::vec::Vec<u8>)]
pub struct Ask {
    /// What.
    pub what: ::std::vec::Vec<::std::string::String>,
}

/// A service whose fields are called like what expansions call things.
#[service(name = "shadowed", version = "1.0.0", subscribe("shadowed", ordered))]
pub struct Shadowed {
    scope: Scope,
    service: Service,
    message: Probe,
}

#[service]
impl Shadowed {
    #[event_handler]
    async fn call(&self, message: Happened, service: Service, scope: Scope) -> ::std::result::Result<(), ::std::string::String> {
        let _ = (&self.scope, &self.service, &self.message, message, service, scope);
        ::std::result::Result::Ok(())
    }

    #[command]
    async fn inject(&self, _message: Do) -> ::std::result::Result<(), ::comms::Failure> {
        ::std::result::Result::Ok(())
    }

    #[query]
    async fn ask(&self, query: Ask) -> ::std::result::Result<::std::vec::Vec<u8>, ::comms::Failure> {
        let _ = query.what;
        ::std::result::Result::Ok(::std::vec::Vec::new())
    }

    #[post("/{service}/{path}")]
    async fn json(
        &self,
        service: u8,
        path: u8,
        arguments: ::std::vec::Vec<u8>,
        #[query] arg0: u8,
    ) -> ::std::result::Result<u8, ::std::string::String> {
        let _ = arguments;
        ::std::result::Result::Ok(service + path + arg0)
    }
}

/// A handler.
#[event_handler]
pub async fn happened(_event: Happened, _option: Option, _result: Result, _string: String, _box: Box, _some: Some, _ok: Ok) {}

/// A provider.
#[provider]
pub async fn scope(_option: Option) -> Scope {
    Scope
}

/// What generated wiring would call.
pub fn wire(app: ::comms::AppBuilder) -> ::comms::AppBuilder {
    app.service::<Shadowed>()
        .event_handler::<__comms_Shadowed_call>()
        .request_handler::<__comms_Shadowed_inject>()
        .request_handler::<__comms_Shadowed_ask>()
        .route::<__comms_Shadowed_json>()
        .event_function::<__comms_happened>("shadowed")
        .provider::<__comms_scope>()
}
