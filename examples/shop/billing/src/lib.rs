//! The service that charges customers and writes their invoices.

mod ledger;
mod payments;
mod service;

pub use ledger::Ledger;
pub use payments::*;
pub use service::{Billing, BillingError};

comms::wiring!();
