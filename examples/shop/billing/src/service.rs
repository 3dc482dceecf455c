//! What the service does with each message.

use comms::client::CallError;
use comms::{Class, Classify, PublishError, Publisher, event_handler, service};
use shop_contracts::{InvoiceIssued, OrderPlaced, PaymentFailed};

use crate::{Ledger, NewCharge, PaymentProviderClient, Refusal};

/// Charges customers and writes invoices. The orders of one customer are billed one after another, so that the
/// numbers of the invoices follow the orders; customers do not wait for each other.
#[service(
    name = "billing",
    version = "1.2.0",
    tags("shop", "money"),
    subscribe("shop.orders", ordered(shards = 4, after = "continue"), concurrency = 8)
)]
pub struct Billing {
    provider: PaymentProviderClient,
    ledger: Ledger,
    issued: Publisher<InvoiceIssued>,
    failed: Publisher<PaymentFailed>,
}

/// Why an order was not billed.
#[derive(Debug, thiserror::Error)]
pub enum BillingError {
    /// The provider gave no result.
    #[error("could not charge `{customer}` for the order `{order_id}`")]
    Payment {
        /// The order.
        order_id: String,
        /// Who was to pay.
        customer: String,
        /// What the provider said.
        source: CallError<Refusal>,
    },
    /// The result could not be published.
    #[error(transparent)]
    Publish(#[from] PublishError),
}

/// Says which failures are worth another try. Without it, every one would be.
impl Classify for BillingError {
    fn class(&self) -> Class {
        match self {
            Self::Payment { source: CallError::Refused(refusal, ..), .. } if refusal.code == "no_account" => Class::Permanent,
            // The reference makes it safe to ask again, whatever became of the first time.
            Self::Payment { .. } => Class::Retryable,
            Self::Publish(error) => error.class(),
        }
    }
}

#[service]
impl Billing {
    /// Charges the customer; what is declined is a result, what the provider can't say is tried again.
    #[event_handler(retry(max = 5, backoff = "200ms..5s"), timeout = "10s")]
    async fn on_order_placed(&self, event: OrderPlaced) -> Result<(), BillingError> {
        if self.ledger.invoice_of(&event.order_id).is_some() {
            return self.invoice(event).await;
        }
        let charge = NewCharge { reference: event.order_id.clone(), customer: event.customer.clone(), amount_cents: event.total_cents };
        match self.provider.charge(charge).await {
            Ok(_) => self.invoice(event).await,
            Err(CallError::Refused(refusal, ..)) if refusal.code == "card_declined" => self.refuse(event, &refusal).await,
            Err(source) => Err(BillingError::Payment { order_id: event.order_id, customer: event.customer, source }),
        }
    }

    /// Not annotated: a method like any other.
    async fn invoice(&self, order: OrderPlaced) -> Result<(), BillingError> {
        let OrderPlaced { order_id, customer, total_cents } = order;
        let invoice = self.ledger.issue(&order_id, &customer);
        self.issued.publish(&InvoiceIssued { invoice, order_id, customer, total_cents }).await?;
        Ok(())
    }

    async fn refuse(&self, order: OrderPlaced, error: &Refusal) -> Result<(), BillingError> {
        let OrderPlaced { order_id, customer, .. } = order;
        self.failed.publish(&PaymentFailed { order_id, customer, reason: error.to_string() }).await?;
        Ok(())
    }
}
