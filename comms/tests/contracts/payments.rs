//! A contract, and a service that implements it.

use std::sync::Mutex;

use comms::client::CallError;
use comms::http::{HttpError, Problem};
use comms::{Class, Classify, client, delete, get, post, service};
use serde::{Deserialize, Serialize};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ChargeId(pub u64);

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct NewCharge {
    pub card: String,
    pub cents: u64,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Charge {
    pub id: ChargeId,
    pub cents: u64,
    pub tenant: Option<String>,
}

#[derive(Clone, Debug, PartialEq, thiserror::Error, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub(crate) enum PaymentError {
    #[error("the card was declined: {reason}")]
    Declined { reason: String },
    #[error("there is no charge {id}")]
    NoSuchCharge { id: u64 },
}

impl Classify for PaymentError {
    fn class(&self) -> Class {
        Class::Permanent
    }
}

impl HttpError for PaymentError {
    fn problem(&self) -> Problem {
        let status = match self {
            Self::Declined { .. } => 402,
            Self::NoSuchCharge { .. } => 404,
        };
        Problem::new(status).detail(self.to_string())
    }
}

/// Takes money.
#[service(name = "payments", version = "1.0.0")]
pub trait Payments {
    /// Charges a card.
    #[post("/charges", status = 201, timeout = "5s", idempotency_key, limit(body = "1KiB"))]
    async fn charge(&self, charge: NewCharge) -> Result<Charge, PaymentError>;

    /// One charge.
    #[get("/charges/{id}")]
    async fn find(&self, id: ChargeId, #[header("x-tenant")] tenant: Option<String>) -> Result<Charge, PaymentError>;

    #[get("/charges")]
    async fn list(&self, min_cents: Option<u64>, card: Vec<String>) -> Vec<ChargeId>;

    #[delete("/charges/{id}", idempotent)]
    async fn forget(&self, id: ChargeId) -> Result<(), PaymentError>;

    #[get("/ping")]
    async fn ping(&self);
}

#[service(name = "bank", version = "1.0.0")]
pub(crate) struct Bank {
    charges: Charges,
}

/// What was charged.
#[derive(Clone, Debug, Default)]
pub(crate) struct Charges(pub std::sync::Arc<Mutex<Vec<NewCharge>>>);

#[service]
impl Payments for Bank {
    async fn charge(&self, charge: NewCharge) -> Result<Charge, PaymentError> {
        if charge.card == "stolen" {
            return Err(PaymentError::Declined { reason: "stolen".to_owned() });
        }
        let mut charges = self.charges.0.lock().unwrap();
        charges.push(charge.clone());
        Ok(Charge { id: ChargeId(charges.len() as u64), cents: charge.cents, tenant: None })
    }

    async fn find(&self, id: ChargeId, tenant: Option<String>) -> Result<Charge, PaymentError> {
        let charges = self.charges.0.lock().unwrap();
        let at = usize::try_from(id.0).unwrap_or_default().checked_sub(1);
        let charge = at.and_then(|at| charges.get(at)).ok_or(PaymentError::NoSuchCharge { id: id.0 })?;
        Ok(Charge { id, cents: charge.cents, tenant })
    }

    async fn list(&self, min_cents: Option<u64>, card: Vec<String>) -> Vec<ChargeId> {
        let charges = self.charges.0.lock().unwrap();
        let wanted = |charge: &NewCharge| charge.cents >= min_cents.unwrap_or_default() && (card.is_empty() || card.contains(&charge.card));
        (1..).zip(charges.iter()).filter(|(_, charge)| wanted(charge)).map(|(id, _)| ChargeId(id)).collect()
    }

    async fn forget(&self, id: ChargeId) -> Result<(), PaymentError> {
        Err(PaymentError::NoSuchCharge { id: id.0 })
    }

    async fn ping(&self) {}
}

/// The payments, as the shop calls them.
#[client(http = Payments, name = "payments")]
pub(crate) struct PaymentApi;

#[service(name = "shop", version = "1.0.0")]
pub(crate) struct Shop {
    payments: PaymentApi,
}

#[service]
impl Shop {
    #[post("/orders")]
    async fn order(&self, cents: u64) -> Result<Charge, CallError<PaymentError>> {
        self.payments.charge(NewCharge { card: "gold".to_owned(), cents }).await
    }
}
