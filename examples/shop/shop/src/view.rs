//! What the view does with each message.

use comms::{event_handler, service};
use shop_contracts::{InvoiceIssued, OrderPlaced, OrderShipped, PaymentFailed};

use crate::Screen;

/// Shows what happens in the shop. It listens with the same pattern as the notifications do: each service has a
/// group of its own, so each gets every message.
#[service(name = "shop-view", version = "1.0.0", tags("shop"), subscribe("shop.#", concurrency = 1))]
pub struct View {
    screen: Screen,
}

#[service]
impl View {
    #[event_handler]
    async fn on_order_placed(&self, event: OrderPlaced) {
        self.screen.placed(&event);
    }

    #[event_handler]
    async fn on_invoice_issued(&self, event: InvoiceIssued) {
        self.screen.invoiced(&event);
    }

    #[event_handler]
    async fn on_payment_failed(&self, event: PaymentFailed) {
        self.screen.failed(&event);
    }

    #[event_handler]
    async fn on_order_shipped(&self, event: OrderShipped) {
        self.screen.shipped(&event);
    }
}
