//! The generated client over the channels that applications are given.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use comms::client::{Channel, Settings};
use comms::config::{ClientConfig, Protocol};
use comms::grpc::{Client, Code};
use comms::{Class, Classify};
use comms_grpc_tests::money::Money;
use comms_grpc_tests::proto::shop::inventory::v1::{InventoryClient, InventoryServer, Offer};
use comms_grpc_tests::serving::{PATIENCE, Serving, until};
use comms_grpc_tests::stock::{Seen, Stock};
use futures_util::{StreamExt, stream};

use super::{delivery, reserve, watch};

const SOON: Duration = Duration::from_millis(200);

fn config(addresses: &[String]) -> ClientConfig {
    let mut config = ClientConfig::default();
    (config.addresses, config.protocol) = (addresses.to_vec(), Protocol::Http2);
    config
}

fn at(serving: &Serving) -> ClientConfig {
    config(&[format!("http://{}", serving.address)])
}

fn client(config: &ClientConfig) -> InventoryClient {
    let channel = Channel::of("inventory", config).unwrap_or_else(|error| panic!("{error}"));
    InventoryClient::from(Client::over(channel, Settings::of("inventory", config)))
}

/// A client, and what the handlers behind it did.
type Called = (InventoryClient, Arc<Seen>);

/// Over a port and in the process, with what the handlers did.
fn both() -> (Serving, [Called; 2]) {
    let (serving, stock) = (Serving::start(), Stock::default());
    let (over_port, seen) = (client(&at(&serving)), [Arc::clone(&serving.seen), Arc::clone(&stock.seen)]);
    let [port, process] = seen;
    let in_process = Client::over(Channel::local(InventoryServer::new(stock)), Settings::of("inventory", &ClientConfig::default()));
    (serving, [(over_port, port), (InventoryClient::from(in_process), process)])
}

#[tokio::test]
async fn every_kind_of_call_goes_over_a_channel() {
    let (_serving, clients) = both();
    for (client, seen) in clients {
        assert_eq!(client.reserve(reserve("chair", 4)).await.unwrap().total, Some(Money::euros(1000)));
        assert_eq!(client.watch(watch("chair", 100)).await.unwrap().count().await, 100);
        let received = client.receive(stream::iter((1..=100).map(|quantity| delivery("chair", quantity)))).await.unwrap();
        assert_eq!((received.deliveries, received.quantity), (100, 5050));
        let offers = stream::iter([800, 400].map(|cents| Offer { price: Some(Money::euros(cents)) }));
        assert_eq!(client.haggle(offers).await.unwrap().count().await, 2);
        let error = client.reserve(reserve("missing", 1)).await.unwrap_err();
        assert_eq!(
            (error.code(), error.class(), error.message()),
            (Code::FailedPrecondition, Class::Permanent, "there is no article `missing`")
        );
        until("handlers at work", &seen.at_work, |count| count == 0).await;
    }
}

#[tokio::test]
async fn one_connection_carries_many_calls() {
    let serving = Serving::start();
    let client = client(&at(&serving));
    let calls = (0..64).map(|_| client.reserve(reserve("chair", 4)));
    for reservation in futures_util::future::join_all(calls).await {
        assert_eq!(reservation.unwrap().total, Some(Money::euros(1000)));
    }
}

#[tokio::test]
async fn dropping_a_call_over_a_channel_drops_its_handler() {
    let (_serving, clients) = both();
    for (client, seen) in clients {
        let other = client.clone();
        let call = tokio::spawn(async move { other.reserve(reserve("slow", 1)).await });
        let mut levels = client.watch(watch("endless", 1)).await.unwrap();
        assert!(levels.message().await.unwrap().is_some());
        until("handlers at work", &seen.at_work, |count| count == 2).await;
        call.abort();
        drop(levels);
        until("handlers at work", &seen.at_work, |count| count == 0).await;
    }
}

#[tokio::test]
async fn the_timeout_of_a_client_is_for_calls_with_one_answer() {
    let serving = Serving::start();
    let mut config = at(&serving);
    config.timeout = Some(SOON);
    let (client, begun) = (client(&config), Instant::now());
    let mut levels = client.watch(watch("endless", 1)).await.unwrap();
    assert!(levels.message().await.unwrap().is_some());
    let error = client.reserve(reserve("slow", 1)).await.unwrap_err();
    assert_eq!((error.code(), error.class()), (Code::DeadlineExceeded, Class::Unknown), "{error}");
    assert!(begun.elapsed() >= SOON && begun.elapsed() < PATIENCE);
    // The stream is older than the timeout by now, and still there.
    until("handlers at work", &serving.seen.at_work, |count| count == 1).await;
}

#[tokio::test]
async fn an_attempt_ends_with_its_time_and_streams_of_requests_are_not_cut() {
    let serving = Serving::start();
    let mut config = at(&serving);
    config.attempt_timeout = Some(SOON);
    let client = client(&config);
    let error = client.reserve(reserve("slow", 1)).await.unwrap_err();
    assert_eq!((error.code(), error.class()), (Code::DeadlineExceeded, Class::Unknown), "{error}");
    assert!(error.message().contains("attempt_timeout"), "{error}");
    // The time of the attempt begins when the last request is sent: twice as long is no matter.
    let (begun, deliveries) = (
        Instant::now(),
        stream::iter(0..4).then(|_| async {
            tokio::time::sleep(SOON / 2).await;
            delivery("chair", 1)
        }),
    );
    assert_eq!(client.receive(Box::pin(deliveries)).await.unwrap().deliveries, 4);
    assert!(begun.elapsed() >= SOON * 2);
}

#[tokio::test]
async fn a_server_that_is_not_there_is_named_and_worth_another_try() {
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let dead = format!("http://{}", socket.local_addr().unwrap());
    let error = client(&config(std::slice::from_ref(&dead))).reserve(reserve("chair", 1)).await.unwrap_err();
    assert_eq!((error.code(), error.class()), (Code::Unavailable, Class::Retryable), "{error}");
    assert!(error.message().contains(&dead) && error.message().contains("`inventory`"), "{error}");

    let serving = Serving::start();
    let client = client(&config(&[dead, format!("http://{}", serving.address)]));
    for _ in 0..4 {
        client.reserve(reserve("chair", 1)).await.unwrap();
    }
    let received = client.receive(stream::iter([delivery("chair", 1)])).await.unwrap();
    assert_eq!((received.deliveries, serving.seen.begun.load(Ordering::SeqCst)), (1, 5));
}

#[tokio::test]
async fn answers_above_the_limit_of_the_client_are_refused() {
    let serving = Serving::start();
    let mut config = at(&serving);
    config.answer_limit = 10;
    let error = client(&config).reserve(reserve("chair", 1)).await.unwrap_err();
    assert_eq!((error.code(), error.class()), (Code::OutOfRange, Class::Permanent), "{error}");
}

#[tokio::test]
async fn a_connection_that_is_lost_in_mid_call_leaves_the_outcome_open() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let client = client(&config(&[address]));
    let call = tokio::spawn(async move { client.reserve(reserve("chair", 1)).await });
    let (mut stream, _) = listener.accept().await.unwrap();
    let mut preface = [0; 64];
    tokio::io::AsyncReadExt::read_exact(&mut stream, &mut preface).await.unwrap();
    drop(stream);
    let error = tokio::time::timeout(PATIENCE, call).await.unwrap().unwrap().unwrap_err();
    assert_eq!((error.code(), error.class()), (Code::Unknown, Class::Unknown), "{error}");
    assert!(error.message().contains("was lost before the answer"), "{error}");
}
