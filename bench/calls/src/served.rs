//! The service of comms: a contract over HTTP, and the same over gRPC.

use comms::grpc::{GrpcError, Outbound};
use comms::{post, service};

use crate::order::Order;
use crate::proto::bench::orders::v1::{self as grpc, ListRequest};

/// Takes orders over HTTP.
#[service(name = "orders", version = "1.0.0")]
pub trait Orders {
    /// Takes an order, and answers it.
    #[post("/orders/{id}")]
    async fn put(&self, id: u64, order: Order) -> Order;
}

/// Takes orders.
#[service(name = "shop", version = "1.0.0")]
pub struct Shop;

#[service]
impl Orders for Shop {
    async fn put(&self, id: u64, order: Order) -> Order {
        Order { id, ..order }
    }
}

#[service]
impl grpc::Orders for Shop {
    type Error = GrpcError;

    async fn put(&self, order: grpc::Order) -> Result<grpc::Order, GrpcError> {
        Ok(grpc::Order { id: 7, ..order })
    }

    async fn list(&self, request: ListRequest) -> Result<Outbound<grpc::Order, GrpcError>, GrpcError> {
        let order = |id| grpc::Order { id, text: "x".to_owned() };
        Ok(Outbound::of((0..u64::from(request.count)).map(order)))
    }
}
