//! The gRPC service.

use comms::service;

use crate::proto::inventory::v1::{Inventory, Reservation, ReserveRequest};

/// What lies on the shelves: ten of everything.
#[service(name = "inventory", version = "1.0.0")]
pub struct Stock;

#[service]
impl Inventory for Stock {
    type Error = comms::grpc::GrpcError;

    async fn reserve(&self, request: ReserveRequest) -> Result<Reservation, Self::Error> {
        let left = 10_u32
            .checked_sub(request.count)
            .ok_or_else(|| comms::grpc::GrpcError::new(comms::grpc::Code::FailedPrecondition, "there are 10 left"))?;
        Ok(Reservation { sku: request.sku, left })
    }
}
