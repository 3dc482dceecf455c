//! The contract of the payments, and the bank that implements it.

use comms::{Class, Classify, post, service};
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
}

/// A bank.
#[service(name = "bank", version = "1.0.0")]
pub struct Bank;

#[service]
impl Payments for Bank {
    async fn charge(&self, charge: NewCharge) -> Result<u64, PaymentError> {
        if charge.cents > 100 { Err(PaymentError::Limit { limit: 100 }) } else { Ok(charge.cents) }
    }
}
