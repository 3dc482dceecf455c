//! Spoken by the service `billing`.

use comms::event;

/// An order was paid; this is its invoice.
#[event(name = "shop.invoice-issued", version = 1, topic = "shop.billing", key = customer)]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvoiceIssued {
    /// Counted per customer, from 1 and without gaps.
    pub invoice: u32,
    /// The order that it is for.
    pub order_id: String,
    /// Who paid.
    pub customer: String,
    /// How much.
    pub total_cents: u64,
}

/// The bank declined the payment of an order.
#[event(name = "shop.payment-failed", version = 1, topic = "shop.billing", key = customer)]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PaymentFailed {
    /// The order.
    pub order_id: String,
    /// Whose payment it was.
    pub customer: String,
    /// What the bank said.
    pub reason: String,
}
