//! What the services of the shop say to each other, in one crate that all of them share.
//!
//! Nothing here runs: these are the shapes and names on the wire. A service that is written in another
//! language needs nothing but the AsyncAPI document that `cargo run -p shop -- asyncapi` prints of them.

pub mod billing;
pub mod orders;

pub use billing::{InvoiceIssued, PaymentFailed};
pub use orders::{
    GetOrder, Order, OrderPlaced, OrderShipped, OrderStatus, OrdersApi, OrdersApiClient, PlaceOrder, PlaceOrderError, UnknownOrder,
};

/// What the build script made of the `.proto` files.
pub mod proto {
    comms::proto!();
}
