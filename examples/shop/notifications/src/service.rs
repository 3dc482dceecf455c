//! What the service does with each message.

use comms::{event_handler, service};
use shop_contracts::{InvoiceIssued, OrderShipped, PaymentFailed};

use crate::Mailer;

/// Writes to customers. It listens to everything of the shop through one pattern, and skips the types that it has
/// no handler for. Nobody gets a mail twice because a message came twice within ten minutes.
#[service(name = "notifications", version = "1.0.0", tags("shop"), subscribe("shop.#", dedup = "10m"))]
pub struct Notifications {
    mailer: Mailer,
}

#[service]
impl Notifications {
    #[event_handler]
    async fn on_invoice_issued(&self, event: InvoiceIssued) {
        self.mailer.send(&event.customer, format!("your invoice {} for the order {}", event.invoice, event.order_id));
    }

    #[event_handler]
    async fn on_payment_failed(&self, event: PaymentFailed) {
        self.mailer.send(&event.customer, format!("your order {} was cancelled: {}", event.order_id, event.reason));
    }

    #[event_handler]
    async fn on_order_shipped(&self, event: OrderShipped) {
        self.mailer.send(&event.customer, format!("your order {} is on its way", event.order_id));
    }
}
