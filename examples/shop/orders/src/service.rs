//! What the service does with each message.

use comms::grpc::{Code, GrpcError};
use comms::{PublishError, Publisher, command, event_handler, query, service};
use shop_contracts::proto::shop::inventory::v1::{ReleaseRequest, ReserveRequest};
use shop_contracts::{
    GetOrder, InvoiceIssued, Order, OrderPlaced, OrderShipped, OrderStatus, OrdersApi, PaymentFailed, PlaceOrder, PlaceOrderError,
    UnknownOrder,
};

use crate::{Inventory, OrderBook};

/// Takes orders, ships what was paid, and answers how far an order is.
#[service(name = "orders", version = "1.0.0", tags("shop"), subscribe("shop.billing", concurrency = 8))]
pub struct Orders {
    book: OrderBook,
    inventory: Inventory,
    placed: Publisher<OrderPlaced>,
    shipped: Publisher<OrderShipped>,
}

/// Over HTTP.
#[service]
impl OrdersApi for Orders {
    async fn place_order(&self, order: PlaceOrder) -> Result<Order, PlaceOrderError> {
        let order_id = order.order_id.clone();
        self.accept(order).await?;
        let status = self.book.status(&order_id).unwrap_or(OrderStatus::Placed);
        Ok(Order { order_id, status })
    }

    async fn order(&self, order_id: String) -> Result<Order, UnknownOrder> {
        match self.book.status(&order_id) {
            Some(status) => Ok(Order { order_id, status }),
            None => Err(UnknownOrder { order_id }),
        }
    }
}

/// Over the broker.
#[service]
impl Orders {
    /// Accepts an order.
    #[command(timeout = "10s")]
    async fn place(&self, command: PlaceOrder) -> Result<(), PlaceOrderError> {
        self.accept(command).await
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
    #[event_handler(retry(max = 10, backoff = "100ms..1m"))]
    async fn on_payment_failed(&self, event: PaymentFailed) -> Result<(), GrpcError> {
        self.inventory.release(ReleaseRequest { order_id: event.order_id.clone() }).await?;
        self.book.set(&event.order_id, OrderStatus::Cancelled);
        Ok(())
    }
}

impl Orders {
    /// An order is noted only after the others can know of it, so that a call that failed in between can be repeated.
    async fn accept(&self, order: PlaceOrder) -> Result<(), PlaceOrderError> {
        if order.quantity == 0 {
            return Err(PlaceOrderError::Empty);
        }
        if self.book.status(&order.order_id).is_some() {
            return Ok(());
        }
        let PlaceOrder { order_id, customer, article, quantity } = order;
        let reservation =
            self.inventory.reserve(ReserveRequest { order_id: order_id.clone(), article, quantity }).await.map_err(refused)?;
        let event = OrderPlaced { order_id, customer, total_cents: reservation.total_cents };
        self.placed.publish(&event).await.map_err(|error| PlaceOrderError::NotAccepted(error.to_string()))?;
        self.note_placed(&event.order_id);
        Ok(())
    }

    /// The invoice may have overtaken us: publishing was faster than we are.
    fn note_placed(&self, order_id: &str) {
        if self.book.status(order_id).is_none() {
            self.book.set(order_id, OrderStatus::Placed);
        }
    }
}

/// What the inventory said, in the words of the orders.
fn refused(error: GrpcError) -> PlaceOrderError {
    match error.code() {
        Code::NotFound | Code::FailedPrecondition => PlaceOrderError::Unavailable(error.message().to_owned()),
        _ => PlaceOrderError::NotAccepted(error.to_string()),
    }
}
