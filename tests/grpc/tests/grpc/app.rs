//! gRPC in an application: its ports, its limits, what it says of mistakes.

use comms::grpc::{Code, GrpcError};
use comms::http::{Body, Request};
use comms::testing::TestApp;
use comms::{App, AppBuilder, Class, Classify, service};
use comms_grpc_tests::money::Money;
use comms_grpc_tests::proto::shop::inventory::v1::{
    Delivery, Inventory, InventoryDescriptor, Level, Offer, Receipt, Reservation, ReserveRequest, WatchRequest,
};
use comms_grpc_tests::serving::OverTonic;
use comms_grpc_tests::stock::Stock;
use comms_grpc_tests::whole::{Count, Whole, client_of, stock};
use futures_util::{StreamExt, stream};
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::{delivery, reserve, watch};

/// Each kind of method once.
async fn use_all(client: &OverTonic) {
    assert_eq!(client.reserve(reserve("chair", 4)).await.unwrap().total, Some(Money::euros(1000)));
    assert_eq!(client.watch(watch("chair", 100)).await.unwrap().count().await, 100);
    let deliveries = stream::iter((1..=100).map(|quantity| delivery("chair", quantity)));
    assert_eq!(client.receive(deliveries).await.unwrap(), Receipt { deliveries: 100, quantity: 5050 });
    let offers = stream::iter([800, 400].map(|cents| Offer { price: Some(Money::euros(cents)) }));
    assert_eq!(client.haggle(offers).await.unwrap().count().await, 2);
}

/// One request of HTTP/1.1, and all of the answer.
async fn http1(address: SocketAddr, request: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    String::from_utf8(answer).unwrap()
}

fn get(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
}

fn http_address(app: &App) -> SocketAddr {
    app.http_address().expect("the port of HTTP is open")
}

#[tokio::test]
async fn grpc_and_http_share_a_port() {
    let whole = Whole::start_with("", AppBuilder::route::<Count>).await;
    assert_eq!(whole.address(), http_address(&whole.app));
    use_all(&whole.client()).await;
    let answer = http1(whole.address(), &get("/count")).await;
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n") && answer.ends_with("many\""), "{answer}");
    use_all(&whole.client()).await;
}

#[tokio::test]
async fn grpc_has_a_port_of_its_own_where_it_is_configured() {
    let whole = Whole::start_with("[grpc]\naddress = \"127.0.0.1:0\"", AppBuilder::route::<Count>).await;
    let http = http_address(&whole.app);
    assert_ne!(whole.address(), http);
    use_all(&whole.client()).await;
    assert_eq!(client_of(http).reserve(reserve("chair", 1)).await.unwrap_err().code(), Code::Unimplemented);
    assert!(http1(http, &get("/count")).await.starts_with("HTTP/1.1 200 OK\r\n"));
    let answer = http1(whole.address(), &get("/count")).await;
    assert!(answer.starts_with("HTTP/1.1 415 ") && answer.contains("application/grpc"), "{answer}");
}

#[tokio::test]
async fn a_service_without_routes_opens_the_port_too_and_one_that_is_switched_off_does_not() {
    assert!(Whole::start("").await.app.grpc_address().is_some());
    for off in ["[grpc]\nenabled = false", "[http]\nenabled = false", "[grpc]\nenabled = false\naddress = \"127.0.0.1:0\""] {
        let app = Whole::start(off).await.app;
        assert_eq!((app.grpc_address(), app.http_address()), (None, None), "{off}");
    }
    let alone = Whole::start("[http]\nenabled = false\n[grpc]\naddress = \"127.0.0.1:0\"").await;
    assert_eq!(alone.app.http_address(), None);
    use_all(&alone.client()).await;
}

#[tokio::test]
async fn a_test_opens_no_port_and_calls_in_the_process() {
    let seen = Arc::default();
    let app = TestApp::with(stock(&seen).route::<Count>()).start().await.unwrap();
    assert_eq!((app.app().grpc_address(), app.app().http_address()), (None, None));
    let mut call = Request::post("/shop.inventory.v1.Inventory/Close").header("content-type", "application/grpc");
    call = call.header("x-request-id", "order/17");
    let answer = app.app().answer(call.body(Body::from(vec![0; 5])).unwrap()).await;
    assert_eq!(answer.headers()["x-request-id"], "order/17");
    assert_eq!(answer.headers()["content-type"], "application/grpc");
    let missing = Request::post("/shop.inventory.v1.Inventory/Missing").header("content-type", "application/grpc+proto");
    let answer = app.app().answer(missing.body(Body::empty()).unwrap()).await;
    assert_eq!(answer.headers()["grpc-status"], "12", "{answer:?}");
    let listed = Request::get("/shop.inventory.v1.Inventory/Close").header("content-type", "application/grpc");
    assert_eq!(app.app().answer(listed.body(Body::empty()).unwrap()).await.status(), 405);
    let web = Request::post("/shop.inventory.v1.Inventory/Close").header("content-type", "application/grpc-web+proto");
    assert_eq!(app.app().answer(web.body(Body::empty()).unwrap()).await.status(), 404);
}

#[tokio::test]
async fn the_limits_of_the_configuration_hold_both_ways() {
    let whole = Whole::start("[grpc]\nrequest_limit = \"2KiB\"\nanswer_limit = \"3KiB\"").await;
    let client = whole.client();
    client.reserve(reserve(&"x".repeat(1900), 1)).await.unwrap();
    let refused = |error: GrpcError| assert_eq!((error.code(), error.class()), (Code::OutOfRange, Class::Permanent), "{error}");
    refused(client.reserve(reserve(&"x".repeat(2100), 1)).await.unwrap_err());
    let sized = |padding| WatchRequest { padding, ..watch("chair", 2) };
    assert_eq!(client.watch(sized(2900)).await.unwrap().count().await, 2);
    let mut levels = client.watch(sized(3100)).await.unwrap();
    refused(levels.message().await.unwrap_err());
    use_all(&client).await;
}

#[tokio::test]
async fn a_panic_in_a_handler_touches_nobody_else() {
    let whole = Whole::start("").await;
    let client = whole.client();
    let mut watched = client.watch(watch("endless", 1)).await.unwrap();
    assert!(watched.message().await.unwrap().is_some());
    let error = client.reserve(reserve("panic", 1)).await.unwrap_err();
    assert_eq!((error.code(), error.message()), (Code::Internal, "the service failed; its log says why"));
    use_all(&client).await;
    assert_eq!(whole.app.http_connections(), 1, "the connection outlives the panic");
}

#[tokio::test]
async fn what_is_no_call_is_refused_clearly() {
    let whole = Whole::start("").await;
    let old = "POST /shop.inventory.v1.Inventory/Close HTTP/1.1\r\nhost: x\r\ncontent-type: application/grpc\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
    let answer = http1(whole.address(), old).await;
    assert!(answer.starts_with("HTTP/1.1 505 ") && answer.contains("gRPC needs HTTP/2"), "{answer}");
    assert!(http1(whole.address(), &get("/")).await.starts_with("HTTP/1.1 404 "));
}

#[tokio::test]
async fn a_port_that_is_taken_is_a_problem_that_says_what_to_set() {
    let taken = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let config = format!("[http]\naddress = \"127.0.0.1:0\"\n[grpc]\naddress = \"{}\"", taken.local_addr().unwrap());
    let config = comms::config::Config::from_toml(&config).unwrap();
    let error = stock(&Arc::default()).config(config).start().await.unwrap_err().to_string();
    assert!(error.contains("could not open the gRPC port at") && error.contains("COMMS__GRPC__ADDRESS"), "{error}");
}

/// Answers what the stock answers.
#[service(name = "other", version = "1.0.0")]
struct Other;

impl Inventory for Other {
    type Error = GrpcError;

    async fn reserve(&self, _: ReserveRequest) -> Result<Reservation, GrpcError> {
        Ok(Reservation::default())
    }

    async fn watch(&self, _: WatchRequest) -> Result<comms::grpc::Outbound<Level>, GrpcError> {
        Ok(comms::grpc::Outbound::new(stream::empty()))
    }

    async fn receive(&self, _: comms::grpc::Inbound<Delivery>) -> Result<Receipt, GrpcError> {
        Ok(Receipt::default())
    }

    async fn haggle(&self, _: comms::grpc::Inbound<Offer>) -> Result<comms::grpc::Outbound<Offer>, GrpcError> {
        Ok(comms::grpc::Outbound::new(stream::empty()))
    }

    async fn close(&self, (): ()) -> Result<(), GrpcError> {
        Ok(())
    }
}

#[tokio::test]
async fn one_grpc_service_has_one_answer() {
    let app = stock(&Arc::default()).service::<Other>().grpc::<InventoryDescriptor, Other>();
    let error = TestApp::with(app).start().await.unwrap_err().to_string();
    assert!(error.contains("gRPC service `shop.inventory.v1.Inventory` twice: answered by service `inventory`"), "{error}");
    assert!(error.contains("and by service `other`"), "{error}");
}

#[tokio::test]
async fn a_service_that_was_left_out_is_a_problem() {
    let app = AppBuilder::new("inventory").grpc::<InventoryDescriptor, Stock>();
    let error = TestApp::with(app).start().await.unwrap_err().to_string();
    assert!(error.contains("gRPC service `shop.inventory.v1.Inventory` of `inventory`"), "{error}");
}
