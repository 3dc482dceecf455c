//! All kinds of methods, and what errors become.

use comms::grpc::prost_types::Timestamp;
use comms::grpc::tonic::transport::server::TcpIncoming;
use comms::grpc::tonic::transport::{Endpoint, Server};
use comms::grpc::{Client, Code, Inbound};
use comms::{Class, Classify};
use comms_grpc_tests::money::Money;
use comms_grpc_tests::proto::shop::inventory::v1::{InventoryClient, InventoryServer, Level, Offer, Receipt};
use comms_grpc_tests::serving::{Serving, until};
use comms_grpc_tests::stock::Stock;
use futures_util::{StreamExt, stream};

use super::{delivery, reserve, watch};

async fn numbers(mut levels: Inbound<Level>) -> Vec<u32> {
    let mut numbers = Vec::new();
    while let Some(level) = levels.message().await.unwrap() {
        numbers.push(level.number);
    }
    numbers
}

#[tokio::test]
async fn one_request_gets_one_answer() {
    let serving = Serving::start();
    let reservation = serving.client().reserve(reserve("chair", 4)).await.unwrap();
    assert_eq!(reservation.total, Some(Money::euros(1000)));
    assert_eq!(reservation.until, Some(Timestamp { seconds: 1_800_000_000, nanos: 0 }));
}

/// Whoever has a server of tonic's adds the service to it.
#[tokio::test]
async fn the_server_of_tonic_takes_the_service() {
    let incoming = TcpIncoming::bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let endpoint = Endpoint::from_shared(format!("http://{}", incoming.local_addr().unwrap())).unwrap();
    let service = InventoryServer::new(Stock::default());
    let server = tokio::spawn(async move { Server::builder().add_service(service).serve_with_incoming(incoming).await });
    let client = InventoryClient::new(endpoint.connect_lazy());
    assert_eq!(client.reserve(reserve("chair", 4)).await.unwrap().total, Some(Money::euros(1000)));
    assert_eq!(numbers(client.watch(watch("chair", 100)).await.unwrap()).await, (0..100).collect::<Vec<_>>());
    server.abort();
}

#[tokio::test]
async fn an_empty_message_is_nothing() {
    Serving::start().client().close(()).await.unwrap();
}

#[tokio::test]
async fn one_request_gets_a_stream_of_answers() {
    let serving = Serving::start();
    let levels = serving.client().watch(watch("chair", 100)).await.unwrap();
    assert_eq!(numbers(levels).await, (0..100).collect::<Vec<_>>());
    until("handlers at work", &serving.seen.at_work, |count| count == 0).await;
}

#[tokio::test]
async fn a_stream_of_requests_gets_one_answer() {
    let serving = Serving::start();
    let receipt = serving.client().receive(stream::iter((1..=100).map(|quantity| delivery("chair", quantity)))).await.unwrap();
    assert_eq!(receipt, Receipt { deliveries: 100, quantity: 5050 });
}

#[tokio::test]
async fn an_answer_comes_before_the_next_request_is_sent() {
    let serving = Serving::start();
    let (offers, taken) = tokio::sync::mpsc::channel(1);
    let taken = stream::unfold(taken, |mut taken| async { Some((taken.recv().await?, taken)) });
    let mut answers = serving.client().haggle(taken).await.unwrap();
    for cents in [800, 400, 200] {
        offers.send(Offer { price: Some(Money::euros(cents)) }).await.unwrap();
        let answer = answers.message().await.unwrap().unwrap();
        assert_eq!(answer.price, Some(Money::euros(cents / 2)));
    }
    drop(offers);
    assert!(answers.message().await.unwrap().is_none());
}

#[tokio::test]
async fn the_class_of_an_error_travels_and_the_text_of_a_permanent_one_only() {
    let client = Serving::start();
    let client = client.client();
    for (sku, code, class, text) in [
        ("missing", Code::FailedPrecondition, Class::Permanent, "there is no article `missing`"),
        ("busy", Code::Unavailable, Class::Retryable, "the service can't do it now; try again later"),
        ("broken", Code::Internal, Class::Unknown, "the service failed; its log says why"),
    ] {
        let error = client.reserve(reserve(sku, 1)).await.unwrap_err();
        assert_eq!((error.code(), error.class(), error.message()), (code, class, text));
        let error = client.watch(watch(sku, 1)).await.unwrap_err();
        assert_eq!((error.code(), error.class(), error.message()), (code, class, text));
        let error = client.receive(stream::iter([delivery(sku, 1)])).await.unwrap_err();
        assert_eq!((error.code(), error.class(), error.message()), (code, class, text));
    }
}

#[tokio::test]
async fn an_error_comes_after_the_answers_that_were_sent_before_it() {
    let serving = Serving::start();
    let mut levels = serving.client().watch(watch("late", 3)).await.unwrap();
    for _ in 0..3 {
        assert!(levels.next().await.unwrap().is_ok());
    }
    let error = levels.next().await.unwrap().unwrap_err();
    assert_eq!((error.code(), error.class()), (Code::FailedPrecondition, Class::Permanent));
    assert!(levels.next().await.is_none());
}

#[tokio::test]
async fn a_panic_is_the_failure_of_its_call_alone() {
    let serving = Serving::start();
    let client = serving.client();
    let mut watched = client.watch(watch("endless", 1)).await.unwrap();
    assert!(watched.message().await.unwrap().is_some());
    let error = client.reserve(reserve("panic", 1)).await.unwrap_err();
    assert_eq!((error.code(), error.message()), (Code::Internal, "the service failed; its log says why"));
    let mut late = client.watch(watch("late panic", 1)).await.unwrap();
    assert!(late.message().await.unwrap().is_some());
    assert_eq!(late.message().await.unwrap_err().code(), Code::Internal);
    assert_eq!(client.reserve(reserve("chair", 1)).await.unwrap().total, Some(Money::euros(250)));
    until("handlers at work", &serving.seen.at_work, |count| count == 1).await;
}

#[tokio::test]
async fn a_server_that_is_not_there_is_worth_another_try() {
    let nobody = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let client = InventoryClient::new(Endpoint::from_shared(format!("http://{nobody}")).unwrap().connect_lazy());
    let error = client.reserve(reserve("chair", 1)).await.unwrap_err();
    assert_eq!((error.code(), error.class()), (Code::Unavailable, Class::Retryable), "{error}");
}

#[tokio::test]
async fn a_server_in_this_process_needs_no_socket() {
    let client = InventoryClient::new(InventoryServer::new(Stock::default()));
    assert_eq!(client.reserve(reserve("chair", 4)).await.unwrap().total, Some(Money::euros(1000)));
    assert_eq!(client.reserve(reserve("missing", 4)).await.unwrap_err().class(), Class::Permanent);
    assert_eq!(numbers(client.watch(watch("chair", 100)).await.unwrap()).await.len(), 100);
    let offers = stream::iter([800, 400].map(|cents| Offer { price: Some(Money::euros(cents)) }));
    assert_eq!(client.haggle(offers).await.unwrap().count().await, 2);
}

#[tokio::test]
async fn messages_above_the_limit_are_refused() {
    let serving = Serving::start_with(|server| server.request_limit(1000));
    let large = reserve(&"x".repeat(2000), 1);
    let error = serving.client().reserve(large).await.unwrap_err();
    assert_eq!((error.code(), error.class()), (Code::OutOfRange, Class::Permanent), "{error}");
    let client = InventoryClient::from(Client::new(serving.channel()).answer_limit(10));
    assert_eq!(client.reserve(reserve("chair", 1)).await.unwrap_err().code(), Code::OutOfRange);
}
