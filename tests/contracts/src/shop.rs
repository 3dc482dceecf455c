//! The service that calls.

use comms::client::CallError;
use comms::{BoxError, client, get, post, service};

use crate::bank::{NewCharge, PaymentError};
use crate::proto::inventory::v1::ReserveRequest;

/// The payments.
#[client(http = crate::bank::Payments, timeout = "5s")]
pub struct Payments;

/// The inventory.
#[client(grpc = crate::proto::inventory::v1::Inventory)]
pub struct Inventory;

/// Converts money, somewhere on the internet.
#[client(url = "https://rates.example", timeout = "2s")]
pub trait Rates {
    /// What one euro is worth.
    #[get("/rates/{currency}")]
    async fn rate(&self, currency: String) -> Result<f64, comms::http::Problem>;
}

/// A shop.
#[service(name = "shop", version = "1.0.0")]
pub struct Shop {
    payments: Payments,
    inventory: Inventory,
    rates: RatesClient,
}

#[service]
impl Shop {
    #[post("/orders")]
    async fn order(&self, cents: u64) -> Result<u64, CallError<PaymentError>> {
        self.payments.charge(NewCharge { card: "gold".to_owned(), cents }).await
    }

    #[post("/reservations")]
    async fn reserve(&self, count: u32) -> Result<u32, BoxError> {
        let reserved = self.inventory.reserve(ReserveRequest { sku: "tea".to_owned(), count }).await?;
        Ok(reserved.left)
    }

    #[get("/price")]
    async fn price(&self, currency: String) -> Result<f64, BoxError> {
        Ok(self.rates.rate(currency).await? * 2.5)
    }
}
