//! How the port ends.

use std::time::{Duration, Instant};

use comms::{App, Stopped};
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio::task::JoinHandle;

use crate::client::{address, answer, connect, get, rest, serve, until};
use crate::orders::Gate;

/// Begins to stop, and waits until nobody is accepted any more.
async fn stopping(app: App) -> JoinHandle<Stopped> {
    let address = address(&app);
    let stopped = tokio::spawn(app.shutdown());
    let deadline = Instant::now() + crate::client::PATIENCE;
    while TcpStream::connect(address).await.is_ok() {
        assert!(Instant::now() < deadline, "the port is still open");
    }
    stopped
}

#[tokio::test]
async fn a_request_in_hand_is_answered_and_those_behind_it_are_not_begun() {
    let gate = Gate::new();
    let app = serve(&gate, "").await;
    let mut stream = connect(&app).await;
    stream.write_all(format!("{}{}", get("/hold"), get("/hold")).as_bytes()).await.unwrap();
    gate.held(1).await;
    let stopped = stopping(app).await;
    assert!(!stopped.is_finished());
    gate.permits.add_permits(2);
    let text = rest(&mut stream).await;
    assert!(text.starts_with("HTTP/1.1 200 OK\r\n") && text.contains("connection: close\r\n") && text.ends_with("true"), "{text}");
    assert_eq!(text.matches("HTTP/1.1").count(), 1, "{text}");
    assert_eq!(stopped.await.unwrap(), Stopped::Drained);
    assert_eq!(gate.permits.available_permits(), 1, "the second request was not begun");
}

#[tokio::test]
async fn connections_without_a_request_do_not_hold_up_the_end() {
    let app = serve(&Gate::new(), "").await;
    let fresh = connect(&app).await;
    let mut half = connect(&app).await;
    half.write_all(b"GET /orders/7 HTTP/1.1\r\nhost: ").await.unwrap();
    let mut idle = connect(&app).await;
    idle.write_all(get("/orders/7").as_bytes()).await.unwrap();
    answer(&mut idle).await;
    let mut half_again = connect(&app).await;
    half_again.write_all(format!("{}GET /ord", get("/orders/7")).as_bytes()).await.unwrap();
    answer(&mut half_again).await;
    until("all are accepted", || app.http_connections() == 4).await;
    let begun = Instant::now();
    assert_eq!(app.shutdown().await, Stopped::Drained);
    assert!(begun.elapsed() < Duration::from_secs(8), "{:?}", begun.elapsed());
    drop((fresh, half, idle, half_again));
}

#[tokio::test]
async fn a_request_that_does_not_end_is_dropped_when_the_time_is_over() {
    let gate = Gate::new();
    let app = serve(&gate, "[shutdown]\ntimeout = \"300ms\"").await;
    let mut stream = connect(&app).await;
    stream.write_all(get("/hold").as_bytes()).await.unwrap();
    gate.held(1).await;
    let begun = Instant::now();
    assert_eq!(app.shutdown().await, Stopped::TimedOut);
    assert!(begun.elapsed() < Duration::from_secs(8), "{:?}", begun.elapsed());
    gate.held(0).await;
    assert_eq!(rest(&mut stream).await, "");
}

#[tokio::test]
async fn an_answer_that_is_being_read_arrives_whole() {
    let app = serve(&Gate::new(), "").await;
    let mut stream = connect(&app).await;
    stream.write_all(get("/large").as_bytes()).await.unwrap();
    stream.readable().await.unwrap();
    let stopped = stopping(app).await;
    let text = rest(&mut stream).await;
    assert_eq!(text.split_once("\r\n\r\n").unwrap().1.len(), (8 << 20) + 2);
    assert_eq!(stopped.await.unwrap(), Stopped::Drained);
}

#[tokio::test]
async fn an_answer_that_is_read_late_arrives_whole() {
    let app = serve(&Gate::new(), "").await;
    let mut stream = connect(&app).await;
    stream.write_all(get("/large").as_bytes()).await.unwrap();
    stream.readable().await.unwrap();
    let stopped = stopping(app).await;
    // Longer than a connection that is in the middle of nothing is kept.
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert!(!stopped.is_finished());
    let text = rest(&mut stream).await;
    assert_eq!(text.split_once("\r\n\r\n").unwrap().1.len(), (8 << 20) + 2);
    assert_eq!(stopped.await.unwrap(), Stopped::Drained);
}

#[tokio::test]
async fn dropping_the_application_ends_its_connections() {
    let gate = Gate::new();
    let app = serve(&gate, "").await;
    let mut stream = connect(&app).await;
    stream.write_all(get("/hold").as_bytes()).await.unwrap();
    gate.held(1).await;
    drop(app);
    assert_eq!(rest(&mut stream).await, "");
    gate.held(0).await;
}
