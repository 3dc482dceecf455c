//! How an application ends that has calls in hand.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use comms::grpc::Code;
use comms::{Class, Classify, Stopped};
use comms_grpc_tests::proto::shop::inventory::v1::Offer;
use comms_grpc_tests::serving::{PATIENCE, until};
use comms_grpc_tests::whole::Whole;
use futures_util::{StreamExt, stream};
use tokio::net::TcpStream;

use super::{delivery, reserve, watch};

/// Waits until nobody is accepted any more.
async fn closed(address: SocketAddr) {
    let deadline = Instant::now() + PATIENCE;
    while TcpStream::connect(address).await.is_ok() {
        assert!(Instant::now() < deadline, "the port is still open");
    }
}

#[tokio::test]
async fn a_call_in_hand_is_answered_and_the_port_takes_no_other() {
    for config in ["", "[grpc]\naddress = \"127.0.0.1:0\""] {
        let Whole { app, seen } = Whole::start(config).await;
        let address = app.grpc_address().unwrap();
        let client = comms_grpc_tests::whole::client_of(address);
        let call = tokio::spawn(async move { client.reserve(reserve("held", 4)).await });
        until("handlers at work", &seen.at_work, |count| count == 1).await;
        let stopping = tokio::spawn(app.shutdown());
        closed(address).await;
        assert!(!stopping.is_finished());
        seen.gate.notify_one();
        assert!(call.await.unwrap().is_ok());
        assert_eq!(stopping.await.unwrap(), Stopped::Drained);
    }
}

#[tokio::test]
async fn streams_end_with_unavailable_when_the_service_stops() {
    let whole = Whole::start("[grpc]\nstream_grace = \"50ms\"").await;
    let client = whole.client();
    let mut levels = client.watch(watch("endless", 1)).await.unwrap();
    assert!(levels.message().await.unwrap().is_some());
    let mut answers = client.haggle(stream::iter([Offer::default()]).chain(stream::pending())).await.unwrap();
    assert!(answers.message().await.unwrap().is_some());
    let receiving = client.clone();
    let receipt = tokio::spawn(async move { receiving.receive(stream::iter([delivery("chair", 1)]).chain(stream::pending())).await });
    until("handlers at work", &whole.seen.at_work, |count| count == 3).await;
    let begun = Instant::now();
    let Whole { app, seen } = whole;
    let stopping = tokio::spawn(app.shutdown());
    for error in [levels.message().await.unwrap_err(), answers.message().await.unwrap_err()] {
        assert_eq!((error.code(), error.class()), (Code::Unavailable, Class::Retryable), "{error}");
        assert!(error.message().contains("the service is stopping"), "{error}");
    }
    // This one is the handler's own error, made of that of its stream: why is in the log, see `log.rs`.
    let error = receipt.await.unwrap().unwrap_err();
    assert_eq!((error.code(), error.class()), (Code::Unavailable, Class::Retryable), "{error}");
    assert_eq!(error.message(), "the service can't do it now; try again later");
    assert_eq!(stopping.await.unwrap(), Stopped::Drained);
    assert!(begun.elapsed() < Duration::from_secs(8), "{:?}", begun.elapsed());
    until("handlers at work", &seen.at_work, |count| count == 0).await;
    assert_eq!(seen.whole.load(std::sync::atomic::Ordering::SeqCst), 0, "half a stream is not the whole");
}

#[tokio::test]
async fn a_stream_that_ends_in_time_ends_well() {
    let whole = Whole::start("[grpc]\nstream_grace = \"20s\"").await;
    let client = whole.client();
    let (offers, taken) = tokio::sync::mpsc::channel(1);
    let taken = stream::unfold(taken, |mut taken| async { Some((taken.recv().await?, taken)) });
    let mut answers = client.haggle(taken).await.unwrap();
    offers.send(Offer::default()).await.unwrap();
    assert!(answers.message().await.unwrap().is_some());
    let address = whole.address();
    let stopping = tokio::spawn(whole.app.shutdown());
    closed(address).await;
    offers.send(Offer::default()).await.unwrap();
    assert!(answers.message().await.unwrap().is_some());
    drop(offers);
    assert!(answers.message().await.unwrap().is_none());
    assert_eq!(stopping.await.unwrap(), Stopped::Drained);
}

#[tokio::test]
async fn a_call_that_does_not_end_is_dropped_when_the_time_is_over() {
    let whole = Whole::start("[shutdown]\ntimeout = \"300ms\"").await;
    let client = whole.client();
    let call = tokio::spawn(async move { client.reserve(reserve("slow", 1)).await });
    until("handlers at work", &whole.seen.at_work, |count| count == 1).await;
    let Whole { app, seen } = whole;
    assert_eq!(app.shutdown().await, Stopped::TimedOut);
    until("handlers at work", &seen.at_work, |count| count == 0).await;
    let error = tokio::time::timeout(PATIENCE, call).await.expect("the caller is told at once").unwrap().unwrap_err();
    assert!(matches!(error.code(), Code::Unavailable | Code::Unknown | Code::Cancelled | Code::Internal), "{error}");
}

#[tokio::test]
async fn an_idle_connection_does_not_hold_up_the_end() {
    let whole = Whole::start("").await;
    let client = whole.client();
    client.reserve(reserve("chair", 1)).await.unwrap();
    assert_eq!(whole.app.http_connections(), 1);
    let begun = Instant::now();
    assert_eq!(whole.app.shutdown().await, Stopped::Drained);
    assert!(begun.elapsed() < Duration::from_secs(3), "{:?}", begun.elapsed());
}
