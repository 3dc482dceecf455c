//! The contract of the payments, and the bank that implements it.

use comms::http::{Event, EventStream};
use comms::{Class, Classify, get, post, service};
use futures_util::stream::{self, StreamExt as _};
use serde::{Deserialize, Serialize};

/// What is to be paid.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewCharge {
    /// By whom.
    pub card: String,
    /// How much.
    pub cents: u64,
}

/// Why it was not paid.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
pub enum PaymentError {
    /// The card is not good for that much.
    #[error("the card is good for {limit} only")]
    Limit {
        /// How much it is good for.
        limit: u64,
    },
}

impl Classify for PaymentError {
    fn class(&self) -> Class {
        Class::Permanent
    }
}

/// Takes money.
#[service(name = "payments", version = "1.0.0")]
pub trait Payments {
    /// Charges a card, and returns the number of the charge.
    #[post("/charges", status = 201, idempotency_key)]
    async fn charge(&self, charge: NewCharge) -> Result<u64, PaymentError>;

    /// What happens to the charges.
    #[get("/charges/changes")]
    async fn changes(&self, #[header("last-event-id")] last: Option<u64>) -> Result<EventStream, PaymentError>;
}

/// A bank.
#[service(name = "bank", version = "1.0.0")]
pub struct Bank;

#[service]
impl Payments for Bank {
    async fn charge(&self, charge: NewCharge) -> Result<u64, PaymentError> {
        if charge.cents > 100 { Err(PaymentError::Limit { limit: 100 }) } else { Ok(charge.cents) }
    }

    async fn changes(&self, last: Option<u64>) -> Result<EventStream, PaymentError> {
        match last.unwrap_or_default() {
            limit @ 4.. => Err(PaymentError::Limit { limit }),
            last => Ok(EventStream::of(stream::iter(last + 1..4).map(|id| Event::json(&(id * 10)).map(|event| event.id(id.to_string()))))),
        }
    }
}
