//! Spoken by the service `orders`.

use comms::{Class, Classify, command, event, query};
use serde::{Deserialize, Serialize};

/// Place an order. Safe to repeat: an order id that is known already is not placed twice.
#[command(name = "shop.place-order", version = 1, owner = "orders", key = customer, error = PlaceOrderError)]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlaceOrder {
    /// Chosen by the caller, so that a repeated call means the same order.
    pub order_id: String,
    /// Who orders.
    pub customer: String,
    /// What it costs.
    pub total_cents: u64,
}

/// Why an order was not placed; it reaches the caller as this very type.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
pub enum PlaceOrderError {
    /// There is nothing to pay for.
    #[error("an order needs a total above zero")]
    Empty,
    /// The order could not be made known to the other services.
    #[error("the order was not accepted, place it again: {0}")]
    NotAccepted(String),
}

impl Classify for PlaceOrderError {
    fn class(&self) -> Class {
        match self {
            Self::Empty => Class::Permanent,
            Self::NotAccepted(_) => Class::Retryable,
        }
    }
}

/// Ask how far an order is.
#[query(name = "shop.get-order", version = 1, owner = "orders", reply = OrderStatus, error = UnknownOrder)]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GetOrder {
    /// The order.
    pub order_id: String,
}

/// How far an order is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OrderStatus {
    /// Placed; the payment is awaited.
    Placed,
    /// Paid and on its way.
    Shipped,
    /// The payment failed.
    Cancelled,
}

/// Nobody placed an order of this id.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
#[error("there is no order `{order_id}`")]
pub struct UnknownOrder {
    /// The id that was asked for.
    pub order_id: String,
}

/// A customer placed an order.
#[event(name = "shop.order-placed", version = 1, topic = "shop.orders", key = customer)]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrderPlaced {
    /// The order.
    pub order_id: String,
    /// Who ordered; a customer's orders keep their order.
    pub customer: String,
    /// What it costs.
    pub total_cents: u64,
}

/// A paid order left the warehouse.
#[event(name = "shop.order-shipped", version = 1, topic = "shop.orders", key = customer)]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrderShipped {
    /// The order.
    pub order_id: String,
    /// Who gets it.
    pub customer: String,
}
