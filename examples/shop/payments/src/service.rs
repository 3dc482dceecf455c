//! What the provider answers.

use comms::http::{HttpError, Problem};
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
    async fn charge(&self, charge: NewCharge) -> Result<Charge, Refusal> {
        let NewCharge { reference, customer, amount_cents: _ } = charge;
        let charged = self.accounts.charge(&reference, &customer);
        charged.map(|charge| Charge { charge, reference })
    }
}

/// The errors of this interface: a problem with a member `error`.
impl HttpError for Refusal {
    fn problem(&self) -> Problem {
        let (status, code) = match self {
            Self::Busy => (503, "busy"),
            Self::Declined => (402, "card_declined"),
            Self::NoAccount => (404, "no_account"),
        };
        let message = self.to_string();
        let error = json!({ "code": code, "message": message });
        Problem::new(status).detail(message).with("error", error)
    }

    fn statuses() -> &'static [(u16, &'static str)] {
        &[(402, "The card was declined."), (404, "There is no account of this customer."), (503, "The bank is busy: ask again.")]
    }
}
