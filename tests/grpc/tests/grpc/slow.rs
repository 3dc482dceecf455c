//! Callers that begin a message and do not send the rest of it, break off, or fall silent: an end each, and nothing is left.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use comms::grpc::Code;
use comms::testing::proxy::Proxy;
use comms_grpc_tests::proto::shop::inventory::v1::Offer;
use comms_grpc_tests::serving::{PATIENCE, Serving, until};
use comms_grpc_tests::whole::{Whole, client_of};
use futures_util::{StreamExt, stream};

use super::raw::{Answered, Raw, framed, nothing_left, tasks};
use super::{delivery, reserve, watch};

const READ: Duration = Duration::from_millis(500);

/// A message may take three waits.
const QUICK: &str = "[grpc]\nread_timeout = \"500ms\"\nmessage_timeout = \"1500ms\"";

const TOO_SLOW: &str = "nothing more of the request message came within 500ms: `read_timeout` of the server";

fn assert_late(answer: &Answered, message: &str) {
    assert_eq!((answer.code, answer.message.as_str()), (Some(Code::DeadlineExceeded), message), "{answer:?}");
}

#[tokio::test]
async fn a_request_that_does_not_come_to_its_end_ends_its_call() {
    let whole = Whole::start(QUICK).await;
    let before = tasks();
    let request = framed(&reserve("chair", 1));
    let client = Raw::connect(whole.address()).await;
    for (method, what, sent) in [
        ("Reserve", "nothing", &request[..0]),
        ("Reserve", "half a head", &request[..3]),
        ("Reserve", "a head", &request[..5]),
        ("Reserve", "half a message", &request[..8]),
        ("Reserve", "a message without an end", &request[..]),
        ("Watch", "half a message", &request[..8]),
    ] {
        let begun = Instant::now();
        let mut call = client.call(method, &[]).await;
        call.send(sent, false);
        assert_late(&call.answer().await, TOO_SLOW);
        let took = begun.elapsed();
        assert!(took >= READ && took < READ + PATIENCE / 4, "{what}: {took:?}");
    }
    assert_eq!(whole.seen.begun.load(Ordering::SeqCst), 0, "no handler saw any of it");
    // The connection has taken no harm.
    let mut call = client.call("Reserve", &[]).await;
    call.send(&request, true);
    assert_eq!(call.answer().await.code, Some(Code::Ok));
    drop(client);
    nothing_left(&whole, before).await;
}

#[tokio::test]
async fn a_request_that_drips_ends_its_call_all_the_same() {
    let whole = Whole::start(QUICK).await;
    let before = tasks();
    let client = Raw::connect(whole.address()).await;
    let (begun, request) = (Instant::now(), framed(&reserve(&"x".repeat(10_000), 1)));
    let mut call = client.call("Reserve", &[]).await;
    for byte in &request {
        if begun.elapsed() > PATIENCE / 4 || !call.try_send(&[*byte]) {
            break;
        }
        tokio::time::sleep(READ / 6).await;
        if begun.elapsed() > READ * 5 {
            break;
        }
    }
    assert_late(&call.answer().await, "the request message was not whole within 1.5s: `message_timeout` of the server");
    assert_eq!(whole.seen.begun.load(Ordering::SeqCst), 0);
    drop(client);
    nothing_left(&whole, before).await;
}

#[tokio::test]
async fn a_stream_may_be_silent_between_its_messages_and_not_within_them() {
    let whole = Whole::start(QUICK).await;
    let before = tasks();
    let client = Raw::connect(whole.address()).await;
    let one = framed(&delivery("chair", 1));
    let mut call = client.call("Receive", &[]).await;
    // Longer than any message may take, before the first one and after it.
    tokio::time::sleep(READ * 4).await;
    call.send(&one, false);
    tokio::time::sleep(READ * 4).await;
    assert_eq!(whole.seen.at_work.load(Ordering::SeqCst), 1, "the stream goes on");
    // In pieces, with waits that are not too long: each of them, and those of each message, but not those of all.
    for _ in 0..16 {
        call.send(&one[..4], false);
        tokio::time::sleep(READ / 4).await;
        call.send(&one[4..], false);
    }
    call.send(&[], true);
    assert_eq!(call.answer().await.code, Some(Code::Ok));
    assert_eq!(whole.seen.whole.load(Ordering::SeqCst), 1);

    for (method, message) in [("Receive", framed(&delivery("chair", 1))), ("Haggle", framed(&Offer::default()))] {
        let mut call = client.call(method, &[]).await;
        call.send(&message, false);
        call.send(&[0, 0, 0, 0, 9, 1], false);
        assert_late(&call.answer().await, TOO_SLOW);
    }
    assert_eq!(whole.seen.whole.load(Ordering::SeqCst), 1, "half a stream is not the whole");
    drop(client);
    nothing_left(&whole, before).await;
}

/// The time that a handler takes before it reads on is not its caller's.
#[tokio::test]
async fn a_handler_that_is_slow_to_read_refuses_nobody() {
    let serving = Serving::start_with(|server| server.read_timeout(READ / 10).message_timeout(READ / 5));
    let padding = vec![7; 40 << 10];
    let deliveries = stream::iter(0..50).then(move |_| {
        let padding = padding.clone();
        async move {
            tokio::time::sleep(Duration::from_millis(10)).await;
            comms_grpc_tests::proto::shop::inventory::v1::Delivery { padding, ..delivery("chair", 1) }
        }
    });
    assert_eq!(serving.client().receive(Box::pin(deliveries)).await.unwrap().deliveries, 50);
}

#[tokio::test]
async fn a_server_without_an_application_is_as_patient_as_it_is_told() {
    let serving = Serving::start_with(|server| server.read_timeout(READ));
    let client = Raw::connect(serving.address).await;
    let mut call = client.call("Reserve", &[]).await;
    call.send(&[0, 0, 0, 0, 9, 1], false);
    assert_late(&call.answer().await, TOO_SLOW);
}

#[tokio::test]
async fn what_is_reset_in_the_middle_leaves_nothing() {
    let whole = Whole::start("").await;
    let before = tasks();
    let client = Raw::connect(whole.address()).await;
    let request = framed(&reserve("slow", 1));
    // In the middle of a message, and while the handler works.
    let mut half = client.call("Reserve", &[]).await;
    half.send(&request[..7], false);
    half.reset();
    for (begun, (method, message, end)) in [
        ("Reserve", request, true),
        ("Watch", framed(&watch("endless", 1)), true),
        ("Receive", framed(&delivery("chair", 1)), false),
        ("Haggle", framed(&Offer::default()), false),
    ]
    .into_iter()
    .enumerate()
    {
        let mut call = client.call(method, &[]).await;
        call.send(&message, end);
        until("handlers begun", &whole.seen.begun, |count| count == begun + 1).await;
        if !end {
            call.send(&message[..3], false);
        }
        call.reset();
        until("handlers at work", &whole.seen.at_work, |count| count == 0).await;
    }
    assert_eq!(whole.seen.whole.load(Ordering::SeqCst), 0, "half a stream is not the whole");
    assert_eq!(whole.app.http_connections(), 1, "the connection outlives its calls");
    drop(client);
    nothing_left(&whole, before).await;
}

/// With the ten seconds of `read_timeout` this would take twenty.
#[tokio::test]
async fn a_dead_peer_is_noticed_by_its_silence() {
    let whole = Whole::start("[http]\naddress = \"127.0.0.1:0\"\nkeep_alive_interval = \"200ms\"\nkeep_alive_timeout = \"300ms\"").await;
    let before = tasks();
    let proxy = Proxy::start(whole.address()).await.unwrap();
    let client = client_of(proxy.addr());
    let mut levels = client.watch(watch("endless", 1)).await.unwrap();
    assert!(levels.message().await.unwrap().is_some());
    let mut answers = client.haggle(stream::iter([Offer::default()]).chain(stream::pending())).await.unwrap();
    assert!(answers.message().await.unwrap().is_some());
    // A live one that says nothing is asked and stays.
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!((whole.app.http_connections(), whole.seen.at_work.load(Ordering::SeqCst)), (1, 2));
    let begun = Instant::now();
    proxy.half_open().await.unwrap();
    until("handlers at work", &whole.seen.at_work, |count| count == 0).await;
    assert!(begun.elapsed() < Duration::from_secs(8), "{:?}", begun.elapsed());
    drop((levels, answers, client, proxy));
    nothing_left(&whole, before).await;
}

#[tokio::test]
async fn a_client_that_only_opens_a_connection_leaves_nothing() {
    let whole = Whole::start("[http]\naddress = \"127.0.0.1:0\"\nread_timeout = \"200ms\"").await;
    let before = tasks();
    let mut idle = Vec::new();
    for begun in [&b""[..], b"PRI * HTTP/2.0", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\x12\x04"] {
        let mut stream = tokio::net::TcpStream::connect(whole.address()).await.unwrap();
        tokio::io::AsyncWriteExt::write_all(&mut stream, begun).await.unwrap();
        idle.push(stream);
    }
    nothing_left(&whole, before).await;
}
