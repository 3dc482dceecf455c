//! Attributes that are imported for methods only: taking them off the methods must not make the imports unused.

use comms::{Failure, command, delete, event, event_handler, query, service};

/// An event.
#[event(name = "methods.happened", version = 1, topic = "methods")]
pub struct Happened;

/// Its messages stand elsewhere.
#[service(name = "orders", version = "1.0.0")]
pub struct Orders;

#[service]
impl Orders {
    #[event_handler]
    async fn on_happened(&self, _event: Happened) {}

    #[command]
    async fn place(&self, _command: crate::plain::PlaceOrder) -> Result<crate::plain::OrderId, Failure> {
        Err(Failure::of("closed"))
    }

    #[query]
    async fn count(&self, _query: crate::plain::CountOrders) -> Result<u64, Failure> {
        Ok(0)
    }

    #[delete("/methods")]
    async fn remove(&self) {}
}

/// What generated wiring would call.
pub fn wire(app: comms::AppBuilder) -> comms::AppBuilder {
    app.service::<Orders>()
        .event_handler::<__comms_Orders_on_happened>()
        .request_handler::<__comms_Orders_place>()
        .request_handler::<__comms_Orders_count>()
        .route::<__comms_Orders_remove>()
}
