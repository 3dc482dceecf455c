//! What the service does with each message.

use comms::{PublishError, Publisher, command, event_handler, query, service};
use shop_contracts::{
    GetOrder, InvoiceIssued, OrderPlaced, OrderShipped, OrderStatus, PaymentFailed, PlaceOrder, PlaceOrderError, UnknownOrder,
};

use crate::OrderBook;

/// Takes orders, ships what was paid, and answers how far an order is.
#[service(name = "orders", version = "1.0.0", tags("shop"), subscribe("shop.billing", concurrency = 8))]
pub struct Orders {
    book: OrderBook,
    placed: Publisher<OrderPlaced>,
    shipped: Publisher<OrderShipped>,
}

#[service]
impl Orders {
    /// Accepts an order. It is noted only after the others can know of it, so that a call that failed in between
    /// can be repeated.
    #[command(timeout = "10s")]
    async fn place(&self, command: PlaceOrder) -> Result<(), PlaceOrderError> {
        if command.total_cents == 0 {
            return Err(PlaceOrderError::Empty);
        }
        if self.book.status(&command.order_id).is_some() {
            return Ok(());
        }
        let PlaceOrder { order_id, customer, total_cents } = command;
        let event = OrderPlaced { order_id, customer, total_cents };
        self.placed.publish(&event).await.map_err(|error| PlaceOrderError::NotAccepted(error.to_string()))?;
        self.note_placed(&event.order_id);
        Ok(())
    }

    /// Says how far an order is.
    #[query]
    async fn get(&self, query: GetOrder) -> Result<OrderStatus, UnknownOrder> {
        self.book.status(&query.order_id).ok_or(UnknownOrder { order_id: query.order_id })
    }

    /// Ships what was paid.
    #[event_handler(retry(max = 10, backoff = "100ms..1m"))]
    async fn on_invoice_issued(&self, event: InvoiceIssued) -> Result<(), PublishError> {
        self.shipped.publish(&OrderShipped { order_id: event.order_id.clone(), customer: event.customer }).await?;
        self.book.set(&event.order_id, OrderStatus::Shipped);
        Ok(())
    }

    /// Cancels what was not.
    #[event_handler]
    async fn on_payment_failed(&self, event: PaymentFailed) {
        self.book.set(&event.order_id, OrderStatus::Cancelled);
    }
}

impl Orders {
    /// The invoice may have overtaken us: publishing was faster than we are.
    fn note_placed(&self, order_id: &str) {
        if self.book.status(order_id).is_none() {
            self.book.set(order_id, OrderStatus::Placed);
        }
    }
}
