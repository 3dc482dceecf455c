//! What the service does with each message.

use comms::{Class, Classify, PublishError, Publisher, event_handler, service};
use shop_contracts::{InvoiceIssued, OrderPlaced, PaymentFailed};

use crate::{Bank, BankError, Ledger};

/// Charges customers and writes invoices. The orders of one customer are billed one after another, so that the
/// numbers of the invoices follow the orders; customers do not wait for each other.
#[service(
    name = "billing",
    version = "1.2.0",
    tags("shop", "money"),
    subscribe("shop.orders", ordered(shards = 4, after = "continue"), concurrency = 8)
)]
pub struct Billing {
    bank: Bank,
    ledger: Ledger,
    issued: Publisher<InvoiceIssued>,
    failed: Publisher<PaymentFailed>,
}

/// Why an order was not billed.
#[derive(Debug, thiserror::Error)]
pub enum BillingError {
    /// The bank gave no result.
    #[error("could not charge `{customer}` for the order `{order_id}`")]
    Bank {
        /// The order.
        order_id: String,
        /// Who was to pay.
        customer: String,
        /// What the bank said.
        source: BankError,
    },
    /// The result could not be published.
    #[error(transparent)]
    Publish(#[from] PublishError),
}

/// Says which failures are worth another try. Without it, every one would be.
impl Classify for BillingError {
    fn class(&self) -> Class {
        match self {
            Self::Bank { source: BankError::NoAccount(_), .. } => Class::Permanent,
            Self::Bank { .. } => Class::Retryable,
            Self::Publish(error) => error.class(),
        }
    }
}

#[service]
impl Billing {
    /// Charges the customer; what the bank declines is a result, what it can't say is tried again.
    #[event_handler(retry(max = 5, backoff = "200ms..5s"), timeout = "10s")]
    async fn on_order_placed(&self, event: OrderPlaced) -> Result<(), BillingError> {
        if self.ledger.invoice_of(&event.order_id).is_some() {
            return self.invoice(event).await;
        }
        match self.bank.charge(&event.order_id, &event.customer) {
            Ok(()) => self.invoice(event).await,
            Err(error @ BankError::Declined) => self.refuse(event, &error).await,
            Err(source) => Err(BillingError::Bank { order_id: event.order_id, customer: event.customer, source }),
        }
    }

    /// Not annotated: a method like any other.
    async fn invoice(&self, order: OrderPlaced) -> Result<(), BillingError> {
        let OrderPlaced { order_id, customer, total_cents } = order;
        let invoice = self.ledger.issue(&order_id, &customer);
        self.issued.publish(&InvoiceIssued { invoice, order_id, customer, total_cents }).await?;
        Ok(())
    }

    async fn refuse(&self, order: OrderPlaced, error: &BankError) -> Result<(), BillingError> {
        let OrderPlaced { order_id, customer, .. } = order;
        self.failed.publish(&PaymentFailed { order_id, customer, reason: error.to_string() }).await?;
        Ok(())
    }
}
