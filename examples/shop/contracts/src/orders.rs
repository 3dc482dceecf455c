//! Spoken by the service `orders`: over a broker, and over HTTP.

use comms::http::{HttpError, Problem};
use comms::{Class, Classify, command, event, get, post, query, service};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Place an order. Safe to repeat: an order id that is known already is not placed twice.
#[command(name = "shop.place-order", version = 1, owner = "orders", key = customer, error = PlaceOrderError)]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlaceOrder {
    /// Chosen by the caller, so that a repeated call means the same order.
    #[schemars(example = &"o-1")]
    pub order_id: String,
    /// Who orders.
    #[schemars(example = &"ada")]
    pub customer: String,
    /// What.
    #[schemars(example = &"lamp")]
    pub article: String,
    /// How many of it.
    #[schemars(range(min = 1), example = 1)]
    pub quantity: u32,
}

/// Why an order was not placed; it reaches the caller as this very type.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, Serialize, Deserialize, JsonSchema)]
pub enum PlaceOrderError {
    /// There is nothing to pay for.
    #[error("an order needs a quantity above zero")]
    Empty,
    /// The inventory does not have it, or not so many.
    #[error("{0}")]
    Unavailable(String),
    /// The order could not be made known to the other services.
    #[error("the order was not accepted, place it again: {0}")]
    NotAccepted(String),
}

impl Classify for PlaceOrderError {
    fn class(&self) -> Class {
        match self {
            Self::Empty | Self::Unavailable(_) => Class::Permanent,
            Self::NotAccepted(_) => Class::Retryable,
        }
    }
}

impl HttpError for PlaceOrderError {
    fn problem(&self) -> Problem {
        match self {
            Self::Empty => Problem::new(422).code("empty").detail(self.to_string()),
            Self::Unavailable(_) => Problem::new(409).code("unavailable").detail(self.to_string()),
            Self::NotAccepted(_) => Problem::new(503).detail("the order was not accepted, place it again").because(self),
        }
    }

    fn statuses() -> &'static [(u16, &'static str)] {
        &[
            (409, "The inventory does not have it, or not so many."),
            (422, "An order of nothing."),
            (503, "The order could not be made known to the other services: place it again."),
        ]
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
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
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
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, Serialize, Deserialize, JsonSchema)]
#[error("there is no order `{order_id}`")]
pub struct UnknownOrder {
    /// The id that was asked for.
    pub order_id: String,
}

impl HttpError for UnknownOrder {
    fn problem(&self) -> Problem {
        Problem::new(404).code("unknown-order").detail(self.to_string())
    }

    fn statuses() -> &'static [(u16, &'static str)] {
        &[(404, "There is no such order.")]
    }
}

/// An order, as the shop shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Order {
    /// The order.
    pub order_id: String,
    /// How far it is.
    pub status: OrderStatus,
}

/// The orders of the shop, over HTTP.
#[service(name = "orders-api", version = "1.0.0")]
pub trait OrdersApi {
    /// Places an order. Safe to repeat: an order id that is known already is not placed twice.
    #[post("/orders", status = 201, timeout = "10s", idempotent)]
    async fn place_order(&self, order: PlaceOrder) -> Result<Order, PlaceOrderError>;

    /// Says how far an order is.
    #[get("/orders/{order_id}")]
    async fn order(&self, order_id: String) -> Result<Order, UnknownOrder>;
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
