//! Peers that are slow, silent, or send too much.

use std::time::{Duration, Instant};

use comms::client::CallError;
use comms::config::ClientConfig;
use comms::http::{BodyStream, Bytes};
use comms::{Class, Classify, Context};
use futures_util::{StreamExt as _, stream};
use jiff::{SignedDuration, Timestamp};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use crate::addresses::{ECHO, echo};
use crate::peer::{Act, PATIENCE, Peer, answer, caller, ok, until};
use comms::http::Problem;

const SOON: Duration = Duration::from_millis(300);

async fn silent() -> Peer {
    Peer::start(|_| Act::Stall(String::new())).await
}

/// It is an answer to the wait, and comes neither before nor long after its end.
fn in_time(begun: Instant) {
    let took = begun.elapsed();
    assert!(took >= SOON - Duration::from_millis(5) && took < PATIENCE, "{took:?}");
}

#[tokio::test]
async fn a_call_ends_with_its_time() {
    let peer = silent().await;
    let mut config = peer.config();
    config.timeout = Some(SOON);
    let (caller, begun) = (caller(&config), Instant::now());
    let error = echo(&caller, "x").await.unwrap_err();
    in_time(begun);
    assert!(matches!(&error, CallError::Deadline { waited, .. } if *waited == SOON) && error.class() == Class::Unknown, "{error:?}");
    let expected =
        format!("`echo` of `bank` (POST /echo, at {}) did not answer within 300ms: nobody knows whether it was carried out", peer.url());
    assert_eq!(error.to_string(), expected);
    until("the connection is closed", || peer.seen.open() == 0).await;
}

#[tokio::test]
async fn an_attempt_ends_with_its_time() {
    let peer = silent().await;
    let mut config = peer.config();
    config.attempt_timeout = Some(SOON);
    let (caller, begun) = (caller(&config), Instant::now());
    let error = echo(&caller, "x").await.unwrap_err();
    in_time(begun);
    assert_eq!(error.class(), Class::Unknown);
    assert!(error.to_string().contains("did not begin to answer within 300ms, its `attempt_timeout` under [clients.bank]"), "{error}");
    until("the connection is closed", || peer.seen.open() == 0).await;
}

/// The time of an attempt is that of waiting for the answer, not that of sending the body.
#[tokio::test]
async fn a_body_may_take_longer_to_send_than_an_attempt_may_wait() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut config = ClientConfig::at(format!("http://{}", listener.local_addr().unwrap()));
    config.attempt_timeout = Some(Duration::from_secs(3));
    let peer = tokio::spawn(async move {
        let (mut stream, mut seen) = (listener.accept().await.unwrap().0, Vec::new());
        while !seen.ends_with(b"0\r\n\r\n") {
            assert_ne!(stream.read_buf(&mut seen).await.unwrap(), 0, "the client went away");
        }
        stream.write_all(ok("1").as_bytes()).await.unwrap();
        stream
    });
    let pieces = stream::iter(0..7).then(|_| async {
        tokio::time::sleep(Duration::from_millis(500)).await;
        Bytes::from_static(b"piece")
    });
    let caller = caller(&config);
    let mut call = caller.begin(&ECHO);
    call.stream("text/plain".parse().unwrap(), BodyStream::of(pieces));
    assert_eq!(call.send::<u32, Problem>().await.unwrap(), 1);
    drop(peer.await.unwrap());
}

#[tokio::test]
async fn an_earlier_deadline_of_the_context_holds() {
    let peer = silent().await;
    let (caller, begun) = (caller(&peer.config()), Instant::now());
    let context = Context::default().with_deadline(Timestamp::now() + SignedDuration::from_millis(310));
    let error = context.scope(async { echo(&caller, "x").await.unwrap_err() }).await;
    in_time(begun);
    assert!(matches!(&error, CallError::Deadline { .. }), "{error:?}");
    let head = peer.seen.requests().remove(0);
    let told = head.lines().find_map(|line| line.strip_prefix("grpc-timeout: ")).unwrap_or_else(|| panic!("no deadline in {head}"));
    assert!(told.ends_with(['n', 'u']), "{told}");
}

#[tokio::test]
async fn one_call_may_have_a_time_of_its_own() {
    let peer = silent().await;
    let (caller, begun) = (caller(&peer.config()), Instant::now());
    let mut call = caller.begin(&ECHO);
    call.timeout(SOON);
    let error = call.send::<(), Problem>().await.unwrap_err();
    in_time(begun);
    assert!(matches!(&error, CallError::Deadline { .. }), "{error:?}");
}

#[tokio::test]
async fn an_answer_that_stalls_ends_the_call() {
    let peer = Peer::start(|_| Act::Stall("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n\"half".to_owned())).await;
    let mut config = peer.config();
    config.read_timeout = SOON;
    let (caller, begun) = (caller(&config), Instant::now());
    let error = echo(&caller, "x").await.unwrap_err();
    in_time(begun);
    assert!(matches!(&error, CallError::Deadline { waited, .. } if *waited == SOON), "{error:?}");
    until("the connection is closed", || peer.seen.open() == 0).await;
}

#[tokio::test]
async fn the_time_of_a_call_holds_for_a_body_that_trickles() {
    // Sixteen zeros, each of which comes in time for the wait between pieces: the peer sends one per request byte read, so
    // the test only needs that the head comes and the body never ends.
    let peer = Peer::start(|_| Act::Stall("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\n1\r\n".to_owned())).await;
    let mut config = peer.config();
    (config.timeout, config.read_timeout) = (Some(SOON), Duration::from_secs(30));
    let (caller, begun) = (caller(&config), Instant::now());
    let error = echo(&caller, "x").await.unwrap_err();
    in_time(begun);
    assert!(matches!(&error, CallError::Deadline { .. }), "{error:?}");
}

#[tokio::test]
async fn an_answer_that_breaks_off_is_none() {
    let peer = Peer::start(|_| Act::Last("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n1".to_owned())).await;
    let error = echo(&caller(&peer.config()), "x").await.unwrap_err();
    assert!(matches!(&error, CallError::Broken { .. }) && error.class() == Class::Unknown, "{error:?}");
    assert!(error.to_string().contains("broke off"), "{error}");
}

#[tokio::test]
async fn what_is_no_http_is_no_answer() {
    for nonsense in ["SSH-2.0-OpenSSH_9.6\r\n", "\u{1}\u{2}\u{3}", "HTTP/1.1 abc\r\n\r\n"] {
        let peer = Peer::start(move |_| Act::Last(nonsense.to_owned())).await;
        let error = echo(&caller(&peer.config()), "x").await.unwrap_err();
        assert!(matches!(&error, CallError::Broken { .. }), "{error:?}");
        until("the connection is closed", || peer.seen.open() == 0).await;
    }
}

#[tokio::test]
async fn an_answer_has_at_most_as_many_bytes_as_allowed() {
    let whole = |length: usize| format!("\"{}\"", "x".repeat(length - 2));
    let announced = move |length| answer("200 OK", "application/json", &whole(length));
    let chunked =
        move |length| format!("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n{length:x}\r\n{}\r\n0\r\n\r\n", whole(length));
    for (length, fits) in [(2048, true), (2049, false)] {
        for text in [announced(length), chunked(length)] {
            let peer = Peer::start(move |_| Act::Send(text.clone())).await;
            let mut config = peer.config();
            config.answer_limit = 2048;
            let caller = caller(&config);
            let answered = caller.begin(&ECHO).send::<String, Problem>().await;
            match answered {
                Ok(text) => assert!(fits && text.len() == length - 2),
                Err(error) => {
                    assert!(!fits && error.class() == Class::Permanent, "{error:?}");
                    assert!(error.to_string().contains("more than 2048 bytes: raise `answer_limit` under [clients.bank]"), "{error}");
                }
            }
        }
    }
}

#[tokio::test]
async fn a_connection_that_was_closed_while_idle_is_replaced() {
    let peer = Peer::start(|_| Act::Last(ok("1"))).await;
    let caller = caller(&peer.config());
    for times in 1..=3 {
        assert_eq!(echo(&caller, "x").await.unwrap(), 1);
        until("the peer has closed", || peer.seen.open() == 0).await;
        assert_eq!(peer.seen.accepted(), times);
    }
}
