//! gRPC services and clients: what the code calls that `comms-build` makes of `.proto` files.
//!
//! - Implement the generated trait, put the value into the generated server, and hand that to a tonic server:
//!   `tonic::transport::Server::builder().add_service(InventoryServer::new(stock))`.
//! - Call with the generated client over a [`Channel`](crate::client::Channel), or over any [`Transport`].
//!
//! Correlation, trace and deadline of the [`Context`](crate::Context) travel: out of it at the client, into it at the
//! server. The class of an error becomes the code of a status, and is read from it again.
//!
//! ```
//! use comms::grpc::{Code, GrpcError};
//! use comms::{Class, Classify};
//!
//! // What a handler answers ..
//! let refused = GrpcError::new(Code::NotFound, "there is no article `x`");
//! // .. and what it means for whoever called: trying again is useless.
//! assert_eq!(refused.class(), Class::Permanent);
//! ```

mod access;
mod arrival;
mod call;
mod client;
mod contract;
mod deadline;
mod error;
mod fault;
mod guard;
mod headers;
mod inbound;
mod macros;
mod metadata;
mod outbound;
mod outgoing;
mod rpc;
mod server;
pub(crate) mod standard;
mod table;
mod terms;
mod tied;
mod transport;

pub use futures_util::Stream;
pub use prost;
pub use prost_types;
pub use tonic;
pub use tonic::Code;
pub use tonic_types as details;
pub use tonic_types::ErrorDetails;

pub(crate) use arrival::Patience;
pub use call::{Answer, Call};
pub use client::Client;
pub use contract::{Descriptor, Idempotency, MethodDecl, MethodKind, Serves};
pub use error::GrpcError;
pub use fault::ServiceError;
pub(crate) use fault::stated_class;
pub use inbound::Inbound;
pub use metadata::{InvalidMetadata, Metadata};
pub use outbound::{Outbound, Sink};
pub use rpc::RpcDecl;
pub use server::Server;
pub(crate) use table::{Entry, Table};
pub(crate) use terms::Terms;
pub use transport::Transport;
