//! The payment provider, as its documentation describes it: somebody else's HTTP interface.

use std::fmt;

use comms::{client, post};
use serde::{Deserialize, Serialize};

/// Charges cards. `[clients.payment-provider]` may say where else.
#[client(url = "http://127.0.0.1:8080", name = "payment-provider", timeout = "5s")]
pub trait PaymentProvider {
    /// Charges a card. The same reference is charged once, however often it is asked for.
    #[post("/v1/charges", status = 201, idempotent)]
    async fn charge(&self, charge: NewCharge) -> Result<Charge, Refusal>;
}

/// What is to be charged.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewCharge {
    /// Our reference: the order.
    pub reference: String,
    /// Whose card.
    pub customer: String,
    /// How much.
    pub amount_cents: u64,
}

/// What was charged.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Charge {
    /// The provider's number of it.
    pub charge: u64,
}

/// What the provider says when it charges nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// `card_declined`, `no_account`, `busy`.
    pub code: String,
    /// For people.
    pub message: String,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Refusal {}
