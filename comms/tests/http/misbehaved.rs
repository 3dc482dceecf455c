//! Clients that are slow, too large, malformed or gone: a clear answer or an end each, and nothing is left of them.

use std::sync::atomic::Ordering;
use std::time::Instant;

use comms::App;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;

use crate::client::{PATIENCE, answer, connect, exchange, get, get_and_close, nothing_left, rest, serve};
use crate::orders::Gate;

const QUICK: &str = "read_timeout = \"200ms\"";

/// It still works, and no connection is left.
async fn assert_well(app: &App) {
    let answer = exchange(app, &get_and_close("/orders/7")).await;
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    nothing_left(app).await;
}

#[tokio::test]
async fn a_head_that_comes_too_slowly_is_cut_off() {
    let app = serve(&Gate::new(), QUICK).await;
    for begun in ["", "G", "GET /orders/7 HTTP/1.1\r\nhost: "] {
        let start = Instant::now();
        exchange(&app, begun).await;
        assert!(start.elapsed() < PATIENCE / 2, "{begun:?} was kept for {:?}", start.elapsed());
    }
    assert_well(&app).await;
}

#[tokio::test]
async fn a_head_that_drips_is_cut_off_all_the_same() {
    let app = serve(&Gate::new(), QUICK).await;
    let mut stream = connect(&app).await;
    stream.write_all(b"GET /orders/7 HTTP/1.1\r\n").await.unwrap();
    let start = Instant::now();
    // Each write succeeds until the server has closed.
    while stream.write_all(b"a: b\r\n").await.is_ok() {
        assert!(start.elapsed() < PATIENCE, "the server still listens");
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    assert_well(&app).await;
}

#[tokio::test]
async fn a_body_that_comes_too_slowly_is_a_408() {
    let app = serve(&Gate::new(), QUICK).await;
    let head = "POST /orders HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 20\r\n\r\n{";
    let answer = exchange(&app, head).await;
    assert!(answer.starts_with("HTTP/1.1 408 ") && answer.contains("application/problem+json"), "{answer}");
    assert_well(&app).await;
}

#[tokio::test]
async fn a_head_that_is_too_large_is_a_431() {
    let app = serve(&Gate::new(), "header_limit = \"2KiB\"").await;
    let answer = exchange(&app, &format!("GET /orders/7 HTTP/1.1\r\nhost: x\r\nbig: {}\r\n\r\n", "x".repeat(3000))).await;
    assert!(answer.starts_with("HTTP/1.1 431 "), "{answer}");
    let answer = exchange(&app, &format!("GET /{} HTTP/1.1\r\nhost: x\r\n\r\n", "x".repeat(3000))).await;
    assert!(answer.starts_with("HTTP/1.1 431 "), "{answer}");
    let answer = exchange(&app, &format!("GET /orders/7 HTTP/1.1\r\n{}\r\n", "a: b\r\n".repeat(150))).await;
    assert!(answer.starts_with("HTTP/1.1 431 "), "{answer}");
    assert_well(&app).await;
}

#[tokio::test]
async fn a_body_that_is_too_large_is_a_413_also_for_a_client_that_sends_it_all_first() {
    let app = serve(&Gate::new(), "").await;
    let head = "POST /orders HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\nconnection: close\r\n";
    let large = "x".repeat(2 << 20);
    for (way, rest) in [
        ("announced", format!("content-length: {}\r\n\r\n{large}", large.len())),
        ("chunked", format!("transfer-encoding: chunked\r\n\r\n{:x}\r\n{large}\r\n0\r\n\r\n", large.len())),
        ("announced and not sent", "content-length: 1000000000000\r\n\r\n".to_owned()),
    ] {
        let answer = exchange(&app, &format!("{head}{rest}")).await;
        assert!(answer.starts_with("HTTP/1.1 413 ") && answer.contains("application/problem+json"), "{way}: {answer}");
    }
    assert_well(&app).await;
}

#[tokio::test]
async fn what_is_no_http_is_a_400() {
    let app = serve(&Gate::new(), "").await;
    for request in [
        "hello\r\n\r\n",
        "\u{16}\u{3}\u{1}\u{2}\u{0}\u{1}\u{0}\u{1}\u{fc}\u{3}\u{3}\r\n\r\n",
        "GET /orders/7\r\n\r\n",
        "GET /orders/7 HTTP/1.1\r\nno colon\r\n\r\n",
        "GET /orders/7 HTTP/9.9\r\nhost: x\r\n\r\n",
        "POST /orders HTTP/1.1\r\nhost: x\r\ncontent-length: many\r\n\r\n",
        "POST /orders HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n{}",
        "POST /orders HTTP/1.1\r\nhost: x\r\ntransfer-encoding: sideways\r\n\r\n",
        "POST /orders HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
    ] {
        let answer = exchange(&app, request).await;
        assert!(answer.starts_with("HTTP/1.1 400 "), "{request:?}: {answer}");
    }
    assert_well(&app).await;
}

#[tokio::test]
async fn a_body_that_breaks_off_ends_its_request_alone() {
    let app = serve(&Gate::new(), "").await;
    let mut stream = connect(&app).await;
    stream.write_all(b"POST /orders HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 20\r\n\r\n{").await.unwrap();
    stream.shutdown().await.unwrap();
    let answer = rest(&mut stream).await;
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 400 "), "{answer}");
    assert_well(&app).await;
}

#[tokio::test]
async fn the_request_of_a_client_that_went_away_is_dropped() {
    let gate = Gate::new();
    let app = serve(&gate, "").await;
    let ways: [fn(TcpStream); 2] = [drop, |stream| {
        // A reset instead of an orderly end.
        stream.set_zero_linger().unwrap();
    }];
    for leave in ways {
        let mut stream = connect(&app).await;
        stream.write_all(get("/hold").as_bytes()).await.unwrap();
        gate.held(1).await;
        leave(stream);
        gate.held(0).await;
    }
    assert_eq!(gate.permits.available_permits(), 0);
    assert_eq!(gate.waiting.load(Ordering::SeqCst), 0);
    assert_well(&app).await;
}

#[tokio::test]
async fn many_clients_that_go_away_leave_nothing() {
    let gate = Gate::new();
    let app = serve(&gate, "").await;
    let mut streams = Vec::new();
    for _ in 0..100 {
        let mut stream = connect(&app).await;
        stream.write_all(get("/hold").as_bytes()).await.unwrap();
        streams.push(stream);
    }
    gate.held(100).await;
    assert_eq!(app.http_connections(), 100);
    let mut last = streams.pop().unwrap();
    drop(streams);
    gate.held(1).await;
    gate.permits.add_permits(1);
    assert!(answer(&mut last).await.ends_with("true"));
    drop(last);
    assert_well(&app).await;
}
