//! What the service answers to each call.

use comms::grpc::{Code, GrpcError, Outbound};
use comms::service;
use shop_contracts::proto::shop::inventory::v1::{Inventory, Level, ReleaseRequest, Released, Reservation, ReserveRequest, WatchRequest};

use crate::{Shelves, StockError};

/// Knows how much there is of each article, and keeps what was ordered.
#[service(name = "inventory", version = "1.0.0", tags("shop"))]
pub struct Stock {
    shelves: Shelves,
}

#[service]
impl Inventory for Stock {
    type Error = GrpcError;

    async fn reserve(&self, request: ReserveRequest) -> Result<Reservation, GrpcError> {
        let ReserveRequest { order_id, article, quantity } = request;
        Ok(Reservation { total_cents: self.shelves.reserve(&order_id, &article, quantity).map_err(told)? })
    }

    async fn release(&self, request: ReleaseRequest) -> Result<Released, GrpcError> {
        Ok(Released { quantity: self.shelves.release(&request.order_id) })
    }

    async fn watch(&self, request: WatchRequest) -> Result<Outbound<Level, GrpcError>, GrpcError> {
        let mut available = self.shelves.watch(&request.article).map_err(told)?;
        available.mark_changed();
        Ok(Outbound::produce(move |levels| async move {
            // Ends when the caller goes away, which drops all this where it waits.
            while available.changed().await.is_ok() {
                let level = Level { available: *available.borrow_and_update() };
                levels.send(level).await?;
            }
            Ok(())
        }))
    }
}

/// What callers in every language understand.
fn told(error: StockError) -> GrpcError {
    let code = match &error {
        StockError::NoSuchArticle(_) => Code::NotFound,
        StockError::OutOfStock { .. } => Code::FailedPrecondition,
    };
    GrpcError::new(code, error.to_string())
}
