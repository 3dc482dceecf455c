//! What `#[rpc(..)]` says of methods: how long calls may take, and how large messages may be.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use comms::config::Config;
use comms::contract::Implementation as _;
use comms::grpc::{Client, Code, Inbound, Outbound};
use comms::{App, AppBuilder, rpc, service};
use comms_grpc_tests::money::Money;
use comms_grpc_tests::proto::shop::inventory::v1::{
    Delivery, Inventory, InventoryClient, Level, Offer, Receipt, Reservation, ReserveRequest, WatchRequest,
};
use comms_grpc_tests::serving::{PATIENCE, until};
use comms_grpc_tests::stock::{Seen, Stock, StockError};
use comms_grpc_tests::whole::{Whole, channel_to};
use futures_util::{StreamExt, stream};

use super::raw::{Raw, framed};
use super::{delivery, reserve, watch};

const QUICK: Duration = Duration::from_millis(300);

/// The stock within bounds.
#[service(name = "shelf", version = "1.0.0")]
struct Shelf {
    seen: Arc<Seen>,
}

impl Shelf {
    fn stock(&self) -> Stock {
        Stock { seen: Arc::clone(&self.seen) }
    }
}

#[service]
impl Inventory for Shelf {
    type Error = StockError;

    #[rpc(timeout = "200ms", limit(request = "1KiB", answer = "2KiB"))]
    async fn reserve(&self, request: ReserveRequest) -> Result<Reservation, StockError> {
        let mut reservation = self.stock().reserve(request.clone()).await?;
        reservation.context.insert("padding".to_owned(), "x".repeat(request.quantity as usize));
        Ok(reservation)
    }

    #[rpc(timeout = QUICK, limit(answer = "2KiB"))]
    async fn watch(&self, request: WatchRequest) -> Result<Outbound<Level, StockError>, StockError> {
        self.stock().watch(request).await
    }

    #[comms::rpc(limit(request = "1KiB"))]
    async fn receive(&self, deliveries: Inbound<Delivery>) -> Result<Receipt, StockError> {
        self.stock().receive(deliveries).await
    }

    #[rpc(limit(request = "64KiB", answer = "64KiB"))]
    async fn haggle(&self, offers: Inbound<Offer>) -> Result<Outbound<Offer, StockError>, StockError> {
        self.stock().haggle(offers).await
    }

    async fn close(&self, (): ()) -> Result<(), StockError> {
        Ok(())
    }
}

fn shelf(seen: &Arc<Seen>) -> AppBuilder {
    __comms_Shelf_Inventory::register(AppBuilder::new("shelf").provide(Arc::clone(seen)).service::<Shelf>())
}

async fn start(config: &str) -> Whole {
    let seen = Arc::new(Seen::default());
    let config = Config::from_toml(&format!("[http]\naddress = \"127.0.0.1:0\"\n{config}")).unwrap();
    let app: App = shelf(&seen).config(config).start().await.unwrap_or_else(|error| panic!("{error}"));
    Whole { app, seen }
}

/// What a call came to that sends this and keeps no clock, and how long it took.
async fn come_to(whole: &Whole, method: &str, headers: &[(&str, &str)], sent: &[u8], end: bool) -> (Code, String, Duration) {
    let client = Raw::connect(whole.address()).await;
    let begun = Instant::now();
    let mut call = client.call(method, headers).await;
    call.send(sent, end);
    let answer = call.answer().await;
    until("handlers at work", &whole.seen.at_work, |count| count == 0).await;
    (answer.code.unwrap(), answer.message, begun.elapsed())
}

fn bound(millis: u64) -> String {
    format!("the call took longer than {millis}ms, which is what the service gives it")
}

#[tokio::test]
async fn the_timeout_of_a_method_is_the_deadline_of_calls_without_one_and_of_those_with_a_later_one() {
    let whole = start("").await;
    let slow = framed(&reserve("slow", 1));
    for headers in [&[][..], &[("grpc-timeout", "10S")]] {
        let (code, message, took) = come_to(&whole, "Reserve", headers, &slow, true).await;
        assert_eq!((code, message), (Code::DeadlineExceeded, bound(200)));
        assert!(took >= Duration::from_millis(200) && took < PATIENCE / 4, "{took:?}");
    }
    let (code, message, took) = come_to(&whole, "Reserve", &[("grpc-timeout", "50m")], &slow, true).await;
    assert_eq!((code, message.as_str()), (Code::DeadlineExceeded, "the deadline of the call passed before it was answered"));
    assert!(took >= Duration::from_millis(50) && took < Duration::from_millis(200) + PATIENCE / 4, "{took:?}");
    // A stream, to its last answer.
    let (code, message, took) = come_to(&whole, "Watch", &[], &framed(&watch("endless", 1)), true).await;
    assert_eq!((code, message), (Code::DeadlineExceeded, bound(300)));
    assert!(took >= QUICK && took < PATIENCE / 4, "{took:?}");
    // On a busy machine 50 ms may be over before the handler has its turn.
    assert!((3..=4).contains(&whole.seen.begun.load(Ordering::SeqCst)));
}

#[tokio::test]
async fn the_handler_sees_the_deadline_that_its_method_gives() {
    let whole = start("").await;
    let now = jiff::Timestamp::now();
    let client = InventoryClient::from(Client::new(channel_to(whole.address())).timeout(PATIENCE));
    let seen = client.reserve(reserve("chair", 1)).await.unwrap().context;
    let deadline: jiff::Timestamp = seen["deadline"].parse().unwrap();
    let left = deadline.duration_since(now).as_secs_f64();
    assert!((0.0..PATIENCE.as_secs_f64() / 2.0).contains(&left), "{left}");
}

#[tokio::test]
async fn the_configuration_says_another_timeout_also_of_methods_without_one() {
    let whole = start("[service.shelf.handler.reserve]\ntimeout = \"60ms\"\n[service.shelf.handler.receive]\ntimeout = \"70ms\"").await;
    let (code, message, _) = come_to(&whole, "Reserve", &[], &framed(&reserve("slow", 1)), true).await;
    assert_eq!((code, message), (Code::DeadlineExceeded, bound(60)));
    let (code, message, _) = come_to(&whole, "Receive", &[], &framed(&delivery("chair", 1)), false).await;
    assert_eq!((code, message), (Code::DeadlineExceeded, bound(70)));
    // What the attribute says beside it holds still.
    let (code, ..) = come_to(&whole, "Receive", &[], &[0, 0, 0, 4, 1], false).await;
    assert_eq!(code, Code::ResourceExhausted);
}

#[tokio::test]
async fn the_configuration_says_other_limits_also_of_methods_without_any() {
    let limits = "[service.shelf.handler.reserve]\nlimit = { request = \"4KiB\" }\n[service.shelf.handler.watch]\nlimit = { request = \"100B\", answer = \"4KiB\" }\n";
    let whole = start(limits).await;
    let client = InventoryClient::new(channel_to(whole.address()));
    client.reserve(reserve(&"x".repeat(3000), 1)).await.unwrap();
    let (code, message, _) = come_to(&whole, "Reserve", &[], &[0, 0, 0, 16, 1], false).await;
    let text = "the request message has 4097 bytes; `Reserve` takes 4096: `limit(request)` of the method";
    assert_eq!((code, message.as_str()), (Code::ResourceExhausted, text));
    // What the attribute says beside it holds still.
    let error = client.reserve(reserve("chair", 3000)).await.unwrap_err();
    assert!(error.message().ends_with("`Reserve` gives 2048: `limit(answer)` of the method"), "{error}");

    let mut levels = client.watch(WatchRequest { padding: 4000, ..watch("chair", 2) }).await.unwrap();
    assert!(levels.message().await.unwrap().is_some());
    let mut levels = client.watch(WatchRequest { padding: 4100, ..watch("chair", 2) }).await.unwrap();
    let error = levels.message().await.unwrap_err();
    assert!(error.message().ends_with("`Watch` gives 4096: `limit(answer)` of the method"), "{error}");
    let (code, message, _) = come_to(&whole, "Watch", &[], &[0, 0, 0, 0, 101], false).await;
    assert_eq!(
        (code, message.as_str()),
        (Code::ResourceExhausted, "the request message has 101 bytes; `Watch` takes 100: `limit(request)` of the method")
    );
}

#[tokio::test]
async fn messages_above_the_limits_of_a_method_are_refused_and_say_which_limit() {
    let whole = start("").await;
    let client = InventoryClient::new(channel_to(whole.address()));
    client.reserve(reserve(&"x".repeat(1000), 1)).await.unwrap();
    assert_eq!(whole.seen.begun.load(Ordering::SeqCst), 1);
    // By its head alone: nothing of it is waited for.
    let (code, message, _) = come_to(&whole, "Reserve", &[], &[0, 0, 0, 4, 1], false).await;
    let text = "the request message has 1025 bytes; `Reserve` takes 1024: `limit(request)` of the method";
    assert_eq!((code, message.as_str()), (Code::ResourceExhausted, text));
    let packed = InventoryClient::from(Client::new(channel_to(whole.address())).compression(true));
    let error = packed.reserve(reserve(&"x".repeat(100_000), 1)).await.unwrap_err();
    assert_eq!(error.code(), Code::ResourceExhausted, "unpacked: {error}");
    assert_eq!(whole.seen.begun.load(Ordering::SeqCst), 1, "no handler saw them");

    let error = client.reserve(reserve("chair", 3000)).await.unwrap_err();
    assert_eq!(error.code(), Code::ResourceExhausted, "{error}");
    assert!(
        error.message().starts_with("the answer has 3") && error.message().ends_with("`Reserve` gives 2048: `limit(answer)` of the method"),
        "{error}"
    );

    let mut levels = client.watch(WatchRequest { padding: 2000, ..watch("chair", 2) }).await.unwrap();
    assert!(levels.message().await.unwrap().is_some());
    let mut levels = client.watch(WatchRequest { padding: 2100, ..watch("chair", 2) }).await.unwrap();
    let error = levels.message().await.unwrap_err();
    assert_eq!(error.code(), Code::ResourceExhausted, "{error}");
    assert!(error.message().ends_with("`Watch` gives 2048: `limit(answer)` of the method"), "{error}");
}

/// Whatever the handler makes of the end of its stream, its caller is told why.
#[tokio::test]
async fn a_stream_with_a_message_above_the_limit_ends_and_its_caller_is_told_why() {
    let whole = start("").await;
    let client = InventoryClient::new(channel_to(whole.address()));
    let deliveries = stream::iter([delivery("chair", 1), delivery(&"x".repeat(2000), 1)]).chain(stream::pending());
    let error = tokio::time::timeout(PATIENCE, client.receive(deliveries)).await.unwrap().unwrap_err();
    assert_eq!(error.code(), Code::ResourceExhausted, "{error}");
    assert!(error.message().ends_with("`Receive` takes 1024: `limit(request)` of the method"), "{error}");
    assert_eq!((whole.seen.broken.load(Ordering::SeqCst), whole.seen.whole.load(Ordering::SeqCst)), (1, 0));
}

#[tokio::test]
async fn the_limits_of_a_method_stand_in_the_place_of_those_of_the_configuration() {
    let whole = start("[grpc]\nrequest_limit = \"4KiB\"\nanswer_limit = \"4KiB\"").await;
    let client = InventoryClient::new(channel_to(whole.address()));
    let large = |length| Offer { price: Some(Money { currency: "x".repeat(length), cents: 2 }) };
    let answers = client.haggle(stream::iter([large(60_000)])).await.unwrap().all().await.unwrap();
    assert_eq!(answers[0].price.as_ref().unwrap().currency.len(), 60_000);
    let error = client.haggle(stream::iter([large(70_000)])).await.unwrap().message().await.unwrap_err();
    assert_eq!(error.code(), Code::ResourceExhausted, "{error}");
    // A method of which nothing is said has those of the configuration.
    let error = client.watch(watch(&"x".repeat(5000), 1)).await.unwrap_err();
    assert_eq!(error.code(), Code::OutOfRange, "{error}");
}

#[tokio::test]
async fn something_said_of_what_is_no_method_is_a_problem_at_the_start() {
    use comms::grpc::RpcDecl;
    use comms::handler::Location;
    use comms_grpc_tests::proto::shop::inventory::v1::InventoryDescriptor;
    const RPCS: &[RpcDecl] = &[RpcDecl::new("reserv", Location::new("stock.rs", 7))];
    let app = AppBuilder::new("shelf").provide(Arc::new(Seen::default())).service::<Shelf>().grpc_with::<InventoryDescriptor, Shelf>(RPCS);
    let error = comms::testing::TestApp::with(app).start().await.unwrap_err().to_string();
    assert!(error.contains("something is said of `reserv` (stock.rs:7)") && error.contains("`reserve`, `watch`"), "{error}");
}
