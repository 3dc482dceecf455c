//! The payment provider. It stands for another company's service: the shop shares no crate with it, and knows it by the
//! documentation of its HTTP interface alone.

mod accounts;
mod service;

pub use accounts::{Accounts, Refusal};
pub use service::{Charge, NewCharge, Payments};

comms::wiring!();
