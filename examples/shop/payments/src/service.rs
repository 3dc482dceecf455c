//! What the provider answers.

use comms::http::Problem;
use comms::service;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::accounts::{Accounts, Refusal};

/// Charges cards.
#[service(name = "payments", version = "3.1.0")]
pub struct Payments {
    accounts: Accounts,
}

/// What is to be charged.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct NewCharge {
    /// The merchant's own reference; a second charge of one reference is the first one.
    pub reference: String,
    /// Whose card.
    pub customer: String,
    /// How much, in hundredths.
    pub amount_cents: u64,
}

/// What was charged.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Charge {
    /// The provider's number of it.
    pub charge: u64,
    /// The merchant's own reference.
    pub reference: String,
}

#[service]
impl Payments {
    /// Charges a card.
    #[comms::post("/v1/charges", status = 201)]
    async fn charge(&self, charge: NewCharge) -> Result<Charge, Problem> {
        let NewCharge { reference, customer, amount_cents: _ } = charge;
        let charged = self.accounts.charge(&reference, &customer);
        charged.map(|charge| Charge { charge, reference }).map_err(refused)
    }
}

/// The errors of this interface: a problem with a member `error`.
fn refused(refusal: Refusal) -> Problem {
    let (status, code, message) = match refusal {
        Refusal::Busy => (503, "busy", "the bank is busy"),
        Refusal::Declined => (402, "card_declined", "the card was declined"),
        Refusal::NoAccount => (404, "no_account", "there is no account of this customer"),
    };
    Problem::new(status).detail(message).with("error", json!({ "code": code, "message": message }))
}
