//! The service that owns the orders: it takes them, ships what was paid, and knows how far each one is.

mod book;
mod clients;
mod service;

pub use book::OrderBook;
pub use clients::Inventory;
pub use service::Orders;

comms::wiring!();
