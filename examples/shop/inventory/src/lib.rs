//! The service that knows what lies on the shelves; it speaks gRPC.

mod service;
mod shelves;

pub use service::Stock;
pub use shelves::{Shelves, StockError};

comms::wiring!();
