//! The invoices, in memory. A real shop has a database here.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use comms::provider;

/// All invoices; a clone is another handle to the same ledger.
#[derive(Clone, Debug, Default)]
pub struct Ledger(Arc<Mutex<Books>>);

#[derive(Debug, Default)]
struct Books {
    by_order: HashMap<String, u32>,
    by_customer: HashMap<String, u32>,
}

impl Ledger {
    /// The invoice of the order, if it has one.
    #[must_use]
    pub fn invoice_of(&self, order_id: &str) -> Option<u32> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).by_order.get(order_id).copied()
    }

    /// Gives the order the customer's next number, or the one that it has already: the same message may come twice.
    #[must_use]
    pub fn issue(&self, order_id: &str, customer: &str) -> u32 {
        let mut guard = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Books { by_order, by_customer } = &mut *guard;
        *by_order.entry(order_id.to_owned()).or_insert_with(|| {
            let number = by_customer.entry(customer.to_owned()).or_default();
            *number += 1;
            *number
        })
    }
}

/// Runs once, at start.
#[provider]
pub(crate) async fn ledger() -> Ledger {
    Ledger::default()
}
