//! The service `inventory`, as its wiring starts it, called as its clients call it; no port is opened.

use comms::grpc::{Code, GrpcError};
use comms::testing::TestApp;
use shop_contracts::proto::shop::inventory::v1::{InventoryClient, Level, ReleaseRequest, ReserveRequest, WatchRequest};
use shop_inventory::Shelves;

async fn start() -> (TestApp, InventoryClient<comms::client::Channel>) {
    let app = TestApp::of::<shop_inventory::Wiring>().provide(Shelves::with([("lamp", 4_550, 3)]));
    let app = app.start().await.expect("the service starts");
    let client = InventoryClient::new(app.app().channel());
    (app, client)
}

fn reserve(order_id: &str, article: &str, quantity: u32) -> ReserveRequest {
    ReserveRequest { order_id: order_id.into(), article: article.into(), quantity }
}

fn code<T: std::fmt::Debug>(answer: Result<T, GrpcError>) -> Code {
    answer.expect_err("it is refused").code()
}

#[tokio::test]
async fn articles_are_kept_once_for_an_order_and_given_back_once() {
    let (_app, inventory) = start().await;
    for _ in 0..2 {
        assert_eq!(inventory.reserve(reserve("o-1", "lamp", 2)).await.expect("there are enough").total_cents, 9_100);
    }
    assert_eq!(code(inventory.reserve(reserve("o-2", "lamp", 2)).await), Code::FailedPrecondition);
    let release = ReleaseRequest { order_id: "o-1".into() };
    assert_eq!(inventory.release(release.clone()).await.expect("it answers").quantity, 2);
    assert_eq!(inventory.release(release).await.expect("it answers").quantity, 0);
    assert_eq!(inventory.reserve(reserve("o-2", "lamp", 3)).await.expect("there are enough").total_cents, 13_650);
}

#[tokio::test]
async fn what_there_is_not_is_not_found() {
    let (_app, inventory) = start().await;
    assert_eq!(code(inventory.reserve(reserve("o-1", "ghost", 1)).await), Code::NotFound);
    assert_eq!(code(inventory.watch(WatchRequest { article: "ghost".into() }).await), Code::NotFound);
}

#[tokio::test]
async fn the_level_is_told_at_once_and_after_each_change() {
    let (_app, inventory) = start().await;
    let mut levels = inventory.watch(WatchRequest { article: "lamp".into() }).await.expect("it begins");
    assert_eq!(levels.message().await.expect("a level"), Some(Level { available: 3 }));
    inventory.reserve(reserve("o-1", "lamp", 2)).await.expect("there are enough");
    assert_eq!(levels.message().await.expect("a level"), Some(Level { available: 1 }));
}
