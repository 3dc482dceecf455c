//! Peers and networks that misbehave: a clear error each, and nothing is left behind.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use comms::grpc::{Client, Code};
use comms::http::{Body, Request};
use comms::testing::proxy::Proxy;
use comms::{Class, Classify};
use comms_grpc_tests::proto::shop::inventory::v1::{InventoryClient, Offer, WatchRequest};
use comms_grpc_tests::serving::{PATIENCE, until};
use comms_grpc_tests::whole::{Whole, channel_to, client_of};
use futures_util::{StreamExt, stream};

use super::{delivery, reserve, watch};

/// Waits until no connection and no handler is left.
async fn nothing_left(whole: &Whole) {
    until("handlers at work", &whole.seen.at_work, |count| count == 0).await;
    let deadline = Instant::now() + PATIENCE;
    while whole.app.http_connections() > 0 {
        assert!(Instant::now() < deadline, "{} connections are left", whole.app.http_connections());
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn cancelled_streams_leave_nothing() {
    let whole = Whole::start("").await;
    for _ in 0..20 {
        let client = whole.client();
        let mut levels = client.watch(watch("endless", 1)).await.unwrap();
        assert!(levels.message().await.unwrap().is_some());
        let offers = stream::iter([Offer::default()]).chain(stream::pending());
        let mut answers = client.haggle(offers).await.unwrap();
        assert!(answers.message().await.unwrap().is_some());
    }
    nothing_left(&whole).await;
    assert_eq!(whole.seen.begun.load(Ordering::SeqCst), 40);
}

#[tokio::test]
async fn a_cut_connection_ends_both_sides_at_once() {
    let whole = Whole::start("").await;
    let proxy = Proxy::start(whole.address()).await.unwrap();
    let client = client_of(proxy.addr());
    let mut levels = client.watch(watch("endless", 1)).await.unwrap();
    assert!(levels.message().await.unwrap().is_some());
    let receiving = client.clone();
    let receipt = tokio::spawn(async move { receiving.receive(stream::iter([delivery("chair", 1)]).chain(stream::pending())).await });
    until("handlers at work", &whole.seen.at_work, |count| count == 2).await;
    proxy.cut().await;
    for error in [levels.message().await.unwrap_err(), receipt.await.unwrap().unwrap_err()] {
        assert!(matches!(error.class(), Class::Unknown | Class::Retryable), "{error:?}");
        assert!(!error.message().is_empty(), "{error:?}");
    }
    nothing_left(&whole).await;
    assert_eq!(whole.seen.whole.load(Ordering::SeqCst), 0, "half a stream is not the whole");
    let error = client.reserve(reserve("chair", 1)).await.unwrap_err();
    assert_eq!(error.code(), Code::Unavailable, "{error}");
    proxy.heal().await.unwrap();
    client.reserve(reserve("chair", 1)).await.unwrap();
}

#[tokio::test]
async fn a_half_open_connection_is_noticed_by_both_sides() {
    let whole = Whole::start("[http]\naddress = \"127.0.0.1:0\"\nread_timeout = \"300ms\"").await;
    let proxy = Proxy::start(whole.address()).await.unwrap();
    let client = InventoryClient::from(Client::new(channel_to(proxy.addr())).timeout(Duration::from_secs(2)));
    let mut levels = client.watch(watch("endless", 1)).await.unwrap();
    assert!(levels.message().await.unwrap().is_some());
    proxy.half_open().await.unwrap();
    let error = levels.message().await.unwrap_err();
    assert_eq!((error.code(), error.class()), (Code::DeadlineExceeded, Class::Unknown), "{error}");
    nothing_left(&whole).await;
}

#[tokio::test]
async fn malformed_calls_are_refused_and_touch_nobody() {
    let whole = Whole::start("").await;
    let client = whole.client();
    let mut watched = client.watch(watch("endless", 1)).await.unwrap();
    assert!(watched.message().await.unwrap().is_some());
    let path = "/shop.inventory.v1.Inventory/Reserve";
    for (what, body, code) in [
        ("no message", vec![], "13"),
        ("half a head", vec![0, 0, 0], "13"),
        ("half a message", vec![0, 0, 0, 0, 9, 1], "13"),
        ("no Protobuf", vec![0, 0, 0, 0, 1, 0xff], "13"),
        ("an unknown flag", vec![7, 0, 0, 0, 0], "13"),
        ("compressed without a word", vec![1, 0, 0, 0, 0], "13"),
        ("too large", vec![0, 0xff, 0xff, 0xff, 0xff], "11"),
    ] {
        let request = Request::post(path).header("content-type", "application/grpc").body(Body::from(body)).unwrap();
        let answer = whole.app.answer(request).await;
        assert_eq!(answer.headers().get("grpc-status").map(|code| code.to_str().unwrap()), Some(code), "{what}: {answer:?}");
        assert!(answer.headers().contains_key("grpc-message"), "{what}: {answer:?}");
    }
    for (name, value, code) in [("grpc-timeout", "soon", "3"), ("grpc-encoding", "snappy", "12")] {
        let request = Request::post(path).header("content-type", "application/grpc").header(name, value);
        let answer = whole.app.answer(request.body(Body::from(vec![0; 5])).unwrap()).await;
        assert_eq!(answer.headers()["grpc-status"], code, "{name}: {answer:?}");
    }
    client.reserve(reserve("chair", 1)).await.unwrap();
    drop((watched, client));
    nothing_left(&whole).await;
}

/// Compression works both ways, and does not get around the limits.
#[tokio::test]
async fn what_is_compressed_has_the_same_limits() {
    let whole = Whole::start("[grpc]\ncompression = true\nrequest_limit = \"8KiB\"").await;
    let client = InventoryClient::from(Client::new(channel_to(whole.address())).compression(true).answer_limit(8 << 10));
    client.reserve(reserve(&"x".repeat(4 << 10), 1)).await.unwrap();
    let error = client.reserve(reserve(&"x".repeat(1 << 20), 1)).await.unwrap_err();
    assert!(matches!(error.code(), Code::ResourceExhausted | Code::OutOfRange), "{error}");
    let sized = |padding| WatchRequest { padding, ..watch("chair", 2) };
    assert_eq!(client.watch(sized(4 << 10)).await.unwrap().filter(|level| std::future::ready(level.is_ok())).count().await, 2);
    let error = client.watch(sized(1 << 20)).await.unwrap().message().await.unwrap_err();
    assert!(matches!(error.code(), Code::ResourceExhausted | Code::OutOfRange), "{error}");
}

#[tokio::test]
async fn answers_are_compressed_where_that_is_configured() {
    for (config, expected) in [("", None), ("[grpc]\ncompression = true", Some("gzip"))] {
        let whole = Whole::start(config).await;
        let levels = whole.client().watch(watch("chair", 1)).await.unwrap();
        let encoding = levels.metadata().get("grpc-encoding").map(|value| value.to_str().unwrap().to_owned());
        assert_eq!(encoding.as_deref(), expected, "{config}");
    }
}
