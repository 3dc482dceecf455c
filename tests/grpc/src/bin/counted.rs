//! HTTP and gRPC in one process, whose admin port tells what it counts. Each route and method ends in a way of its own.

use std::future::pending;

use comms::grpc::{Code, GrpcError, Inbound, Outbound};
use comms::http::{Event, EventStream, Problem};
use comms::{get, post, rpc, service};
use comms_grpc_tests::desk::{Desk, NoSuchThing};
use comms_grpc_tests::proto::shop::inventory::v1::{Delivery, Inventory, Level, Offer, Receipt, Reservation, ReserveRequest, WatchRequest};
use futures_util::stream;

/// Answers both.
#[service(name = "counted", version = "1.0.0")]
struct Counted;

#[service]
impl Desk for Counted {
    async fn thing(&self, id: u32) -> Result<u32, NoSuchThing> {
        if id == 0 { Err(NoSuchThing) } else { Ok(id) }
    }

    async fn slow(&self) -> Result<u32, Problem> {
        pending().await
    }
}

#[service]
impl Counted {
    /// Never answered.
    #[post("/held", timeout = "1h")]
    async fn held(&self, _text: String) {
        pending().await
    }

    #[get("/broken")]
    async fn broken(&self) -> u32 {
        panic!("the desk fell over")
    }

    /// So many events; more than three come to no end.
    #[get("/events/{count}")]
    async fn events(&self, count: usize) -> EventStream {
        let events = stream::iter((0..count).map(|number| Event::data(number.to_string())));
        if count > 3 { EventStream::of(stream::StreamExt::chain(events, stream::pending())) } else { EventStream::of(events) }
    }
}

#[service]
impl Inventory for Counted {
    type Error = GrpcError;

    async fn reserve(&self, request: ReserveRequest) -> Result<Reservation, GrpcError> {
        match request.quantity {
            0 => Err(GrpcError::new(Code::NotFound, "there is nothing")),
            1 => Ok(Reservation::default()),
            _ => pending().await,
        }
    }

    async fn watch(&self, request: WatchRequest) -> Result<Outbound<Level>, GrpcError> {
        let levels = stream::iter((0..request.count).map(|number| Ok(Level { number, padding: Vec::new() })));
        match request.padding {
            0 => Ok(Outbound::new(levels)),
            1 => Ok(Outbound::new(stream::StreamExt::chain(levels, stream::iter([Err(GrpcError::new(Code::DataLoss, "torn"))])))),
            _ => Ok(Outbound::new(stream::StreamExt::chain(levels, stream::pending()))),
        }
    }

    async fn receive(&self, mut deliveries: Inbound<Delivery>) -> Result<Receipt, GrpcError> {
        let mut receipt = Receipt::default();
        while let Some(delivery) = deliveries.message().await? {
            receipt.quantity += delivery.quantity;
        }
        Ok(receipt)
    }

    async fn haggle(&self, _: Inbound<Offer>) -> Result<Outbound<Offer>, GrpcError> {
        Ok(Outbound::new(stream::pending()))
    }

    #[rpc(timeout = "100ms")]
    async fn close(&self, (): ()) -> Result<(), GrpcError> {
        pending().await
    }
}

comms::main!();
