//! Several addresses, of which some are dead, and the connections that are kept.

use std::time::{Duration, Instant};

use comms::client::{CallError, HttpCaller};
use comms::http::{Location, Problem, RouteDecl, Verb};
use comms::{Class, Classify};
use futures_util::future::join_all;

use crate::peer::{Act, Dead, Deaf, PATIENCE, Peer, at, caller, ok, problem, until};

pub const ECHO: RouteDecl = RouteDecl::new(Verb::Post, "/echo", "echo", Location::new(file!(), line!()));

pub async fn echo(caller: &HttpCaller, text: &str) -> Result<u32, CallError<Problem>> {
    let mut call = caller.begin(&ECHO);
    call.json(text);
    call.send().await
}

#[tokio::test]
async fn addresses_are_called_in_turn() {
    let peers = [Peer::of_json("1").await, Peer::of_json("2").await, Peer::of_json("3").await];
    let caller = caller(&at(&peers.each_ref().map(Peer::url)));
    let mut answers = Vec::new();
    for _ in 0..6 {
        answers.push(echo(&caller, "x").await.unwrap());
    }
    assert_eq!(answers, [1, 2, 3, 1, 2, 3]);
}

#[tokio::test]
async fn a_dead_address_is_passed_over_with_the_body_and_then_left_alone() {
    let (dead, alive) = (Dead::new(), Peer::of_json("1").await);
    let caller = caller(&at(&[dead.url(), alive.url()]));
    for text in ["first", "second", "third"] {
        assert_eq!(echo(&caller, text).await.unwrap(), 1);
    }
    let bodies: Vec<String> = alive.seen.requests().iter().map(|request| request.split("\r\n\r\n").nth(1).unwrap().to_owned()).collect();
    assert_eq!(bodies, ["\"first\"", "\"second\"", "\"third\""]);
    assert!(alive.seen.requests()[0].contains(&format!("host: {}\r\n", alive.address)), "{:?}", alive.seen.requests());
}

#[tokio::test]
async fn an_address_that_takes_no_connection_costs_its_time_once() {
    let (deaf, alive) = (Deaf::new().await, Peer::of_json("1").await);
    let mut config = at(&[deaf.url(), alive.url()]);
    config.connect_timeout = Duration::from_millis(300);
    let (caller, begun) = (caller(&config), Instant::now());
    for _ in 0..8 {
        assert_eq!(echo(&caller, "x").await.unwrap(), 1);
    }
    // Half of the calls would begin with it, were it not asked last after the first time.
    let took = begun.elapsed();
    assert!(took >= config.connect_timeout && took < config.connect_timeout * 3, "{took:?}");
}

#[tokio::test]
async fn an_error_tells_which_of_several_addresses_answered() {
    let busy = || Peer::start(|_| Act::Send(problem("503 Service Unavailable", "{}")));
    let peers = [busy().await, busy().await];
    let caller = caller(&at(&peers.each_ref().map(Peer::url)));
    for (one, other) in [(0, 1), (1, 0), (0, 1)] {
        let text = echo(&caller, "x").await.unwrap_err().to_string();
        assert!(text.contains(&peers[one].url()) && !text.contains(&peers[other].url()), "{text}");
    }
}

#[tokio::test]
async fn where_nobody_listens_nothing_was_sent() {
    let (one, other, deaf) = (Dead::new(), Dead::new(), Deaf::new().await);
    let error = echo(&caller(&at(&[one.url()])), "x").await.unwrap_err();
    let text = error.to_string();
    assert!(matches!(&error, CallError::Unreachable { .. }) && error.class() == Class::Retryable, "{error:?}");
    assert!(text.starts_with(&format!("`echo` of `bank` (POST /echo, at {}) was not called: ", one.url())), "{text}");
    assert!(text.contains("Connection refused") && text.contains("is it running there?"), "{text}");

    let mut config = at(&[one.url(), other.url(), deaf.url()]);
    config.connect_timeout = Duration::from_millis(300);
    let text = echo(&caller(&config), "x").await.unwrap_err().to_string();
    for part in [one.url(), other.url(), format!("{} (no connection within 300ms)", deaf.url())] {
        assert!(text.contains(&part), "{part} is not in {text}");
    }
}

#[tokio::test]
async fn a_request_that_was_sent_is_not_sent_again() {
    let (broken, alive) = (Peer::start(|_| Act::Close).await, Peer::of_json("1").await);
    let caller = caller(&at(&[broken.url(), alive.url()]));
    let error = echo(&caller, "x").await.unwrap_err();
    assert!(matches!(&error, CallError::Broken { .. }) && error.class() == Class::Unknown, "{error:?}");
    assert!(error.to_string().contains(&broken.url()), "{error}");
    assert_eq!((broken.seen.requests().len(), alive.seen.requests().len()), (1, 0));
    assert_eq!(echo(&caller, "x").await.unwrap(), 1);
}

#[tokio::test]
async fn connections_are_used_again() {
    let peer = Peer::of_json("1").await;
    let caller = caller(&peer.config());
    for _ in 0..10 {
        echo(&caller, "x").await.unwrap();
    }
    assert_eq!((peer.seen.accepted(), peer.seen.requests().len()), (1, 10));
    drop(caller);
    until("the connection is closed", || peer.seen.open() == 0).await;
}

#[tokio::test]
async fn no_more_idle_connections_are_kept_than_allowed_nor_for_longer() {
    let peer = Peer::of_json("1").await;
    let mut config = peer.config();
    (config.max_idle, config.idle_timeout) = (2, Duration::from_millis(300));
    let caller = caller(&config);
    for answer in join_all((0..8).map(|_| echo(&caller, "x"))).await {
        assert_eq!(answer.unwrap(), 1);
    }
    until("two connections are left", || peer.seen.open() <= 2).await;
    until("none is left", || peer.seen.open() == 0).await;
    assert_eq!(echo(&caller, "x").await.unwrap(), 1);
}

#[tokio::test]
async fn as_many_calls_at_once_as_ever_need_no_further_connections() {
    let peer = Peer::of_json("1").await;
    let caller = caller(&peer.config());
    for _ in 0..20 {
        for answer in join_all((0..64).map(|_| echo(&caller, "x"))).await {
            assert_eq!(answer.unwrap(), 1);
        }
        // Connections come back once their tasks have run, which on this one thread they do in between.
        for _ in 0..64 {
            tokio::task::yield_now().await;
        }
    }
    assert_eq!(peer.seen.requests().len(), 20 * 64);
    assert!(peer.seen.accepted() <= 64, "{} connections", peer.seen.accepted());
}

#[tokio::test]
async fn a_path_in_the_address_comes_before_that_of_the_call() {
    let peer = Peer::start(|request| Act::Send(ok(if request.starts_with("POST /v1/echo ") { "1" } else { "0" }))).await;
    let caller = caller(&at(&[format!("{}/v1/", peer.url())]));
    assert_eq!(tokio::time::timeout(PATIENCE, echo(&caller, "x")).await.unwrap().unwrap(), 1);
}
