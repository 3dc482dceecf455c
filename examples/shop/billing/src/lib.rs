//! The service that charges customers and writes their invoices.

mod bank;
mod ledger;
mod service;

pub use bank::{Bank, BankError};
pub use ledger::Ledger;
pub use service::{Billing, BillingError};

comms::wiring!();
