//! What goes along with calls beside their messages, as handlers see it.

use std::sync::Arc;

use comms::grpc::{Client, GrpcError, Inbound, Metadata, Outbound};
use comms_grpc_tests::proto::shop::inventory::v1::{
    Delivery, Inventory, InventoryClient, InventoryServer, Level, Offer, Receipt, Reservation, ReserveRequest, WatchRequest,
};
use futures_util::{StreamExt, future, stream};
use tokio::sync::Barrier;

use super::{delivery, reserve, watch};

/// Tells what it sees of its callers, in two polls at the least.
struct Mirror(Arc<Barrier>);

fn tenant() -> String {
    Metadata::current().get("x-tenant").unwrap_or("nobody").to_owned()
}

impl Inventory for Mirror {
    type Error = GrpcError;

    async fn reserve(&self, request: ReserveRequest) -> Result<Reservation, GrpcError> {
        let before = tenant();
        self.0.wait().await;
        let call = Metadata::current();
        let key = call.bytes("x-key-bin").unwrap_or_default();
        let context = [("before", before), ("after", tenant()), ("key", format!("{key:?}")), ("quantity", request.quantity.to_string())];
        Ok(Reservation { context: context.map(|(name, value)| (name.to_owned(), value)).into(), ..Reservation::default() })
    }

    async fn watch(&self, request: WatchRequest) -> Result<Outbound<Level>, GrpcError> {
        Metadata::current().answer("x-cost", "3")?;
        Ok(Outbound::produce(move |levels| async move {
            for number in 0..request.count {
                tokio::task::yield_now().await;
                levels.send(Level { number, padding: tenant().into_bytes() }).await?;
            }
            Ok(())
        }))
    }

    async fn receive(&self, mut deliveries: Inbound<Delivery>) -> Result<Receipt, GrpcError> {
        let mut receipt = Receipt::default();
        while let Some(delivery) = deliveries.message().await? {
            receipt.deliveries += u32::from(tenant() == "acme");
            receipt.quantity += delivery.quantity;
        }
        Ok(receipt)
    }

    async fn haggle(&self, offers: Inbound<Offer>) -> Result<Outbound<Offer>, GrpcError> {
        drop(offers);
        Ok(Outbound::new(stream::empty()))
    }

    async fn close(&self, (): ()) -> Result<(), GrpcError> {
        panic!("the mirror broke")
    }
}

#[tokio::test]
async fn each_handler_sees_what_its_own_caller_sent_and_nobody_else_sees_it() {
    let server = InventoryServer::new(Mirror(Arc::new(Barrier::new(2))));
    let client = |tenant: &str| {
        let client = Client::new(server.clone()).metadata("x-tenant", tenant).unwrap().metadata_bytes("x-key-bin", &[0, 255]).unwrap();
        InventoryClient::from(client)
    };
    let outside = || Metadata::current().all().is_some();
    let (acme, other) = (client("acme"), client("other"));
    // Both wait for each other, on one thread.
    let (left, right) = future::join(acme.reserve(reserve("chair", 1)), other.reserve(reserve("chair", 2))).await;
    for (seen, tenant, quantity) in [(left.unwrap().context, "acme", "1"), (right.unwrap().context, "other", "2")] {
        assert_eq!((seen["before"].as_str(), seen["after"].as_str(), seen["quantity"].as_str()), (tenant, tenant, quantity));
        assert_eq!(seen["key"], "b\"\\0\\xff\"");
    }
    assert!(!outside(), "the call is over");

    let mut levels = [acme.watch(watch("chair", 3)).await.unwrap(), other.watch(watch("chair", 3)).await.unwrap()];
    assert_eq!(levels[0].metadata().get("x-cost").unwrap(), "3");
    for _ in 0..3 {
        let [left, right] = &mut levels;
        assert_eq!(left.message().await.unwrap().unwrap().padding, b"acme");
        assert_eq!(right.message().await.unwrap().unwrap().padding, b"other");
        assert!(!outside(), "nothing is left of a stream that waits");
    }
    assert_eq!(acme.receive(stream::iter([delivery("chair", 1), delivery("chair", 2)])).await.unwrap().deliveries, 2);
    assert_eq!(other.receive(stream::iter([delivery("chair", 1)])).await.unwrap().deliveries, 0);
    assert_eq!(acme.haggle(stream::empty()).await.unwrap().count().await, 0);
    acme.close(()).await.unwrap_err();
    assert!(!outside(), "nothing is left of a panic");
}
