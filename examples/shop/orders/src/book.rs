//! The orders, in memory. A real shop has a database here.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use comms::provider;
use shop_contracts::OrderStatus;

/// All orders and how far they are; a clone is another handle to the same book.
#[derive(Clone, Debug, Default)]
pub struct OrderBook(Arc<Mutex<HashMap<String, OrderStatus>>>);

impl OrderBook {
    fn lock(&self) -> MutexGuard<'_, HashMap<String, OrderStatus>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How far the order is; `None` if there is none of the id.
    #[must_use]
    pub fn status(&self, order_id: &str) -> Option<OrderStatus> {
        self.lock().get(order_id).copied()
    }

    /// Notes how far the order is.
    pub fn set(&self, order_id: &str, status: OrderStatus) {
        self.lock().insert(order_id.to_owned(), status);
    }
}

/// Runs once, at start; every service that has an `OrderBook` among its fields gets a clone.
#[provider]
pub(crate) async fn order_book() -> OrderBook {
    OrderBook::default()
}
