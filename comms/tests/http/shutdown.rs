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

/// Asks for the phase and the readiness, as the admin port does.
fn ready(health: &comms::health::Health) -> bool {
    health.report().ready
}

#[tokio::test]
async fn it_is_unready_for_a_while_before_the_port_is_closed() {
    const PAUSE: Duration = Duration::from_secs(2);
    let gate = Gate::new();
    let app = serve(&gate, "[shutdown]\nunready_for = \"2s\"\ntimeout = \"10s\"").await;
    let (address, health) = (address(&app), app.get::<comms::health::Health>().unwrap());
    let mut kept = connect(&app).await;
    let mut held = connect(&app).await;
    held.write_all(get("/hold").as_bytes()).await.unwrap();
    gate.held(1).await;
    assert!(ready(&health));
    let begun = Instant::now();
    let stopped = tokio::spawn(app.shutdown());
    until("it is unready", || !ready(&health)).await;

    // Whoever has not noticed yet is answered: over a new connection, and over one that was there.
    let mut answered = 0;
    while begun.elapsed() < PAUSE / 2 {
        let mut fresh = TcpStream::connect(address).await.expect("the port is open");
        for stream in [&mut fresh, &mut kept] {
            stream.write_all(get("/orders/7").as_bytes()).await.unwrap();
            let text = answer(stream).await;
            assert!(text.starts_with("HTTP/1.1 200 OK\r\n") && !text.contains("connection: close"), "{text}");
            answered += 1;
        }
        assert!(!ready(&health) && !stopped.is_finished());
    }
    assert!(answered >= 2, "{answered}");

    // Then nobody is, and what is in hand is finished.
    until("the port is closed", || std::net::TcpStream::connect(address).is_err()).await;
    let closed = begun.elapsed();
    assert!(closed >= PAUSE, "{closed:?}");
    assert!(!stopped.is_finished());
    gate.permits.add_permits(1);
    assert!(rest(&mut held).await.ends_with("true"));
    assert_eq!(stopped.await.unwrap(), Stopped::Drained);
    assert!(begun.elapsed() < PAUSE + Duration::from_secs(8), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn the_pause_and_the_timeout_bound_a_stop_together() {
    let gate = Gate::new();
    let app = serve(&gate, "[shutdown]\nunready_for = \"300ms\"\ntimeout = \"300ms\"").await;
    let mut stream = connect(&app).await;
    stream.write_all(get("/hold").as_bytes()).await.unwrap();
    gate.held(1).await;
    let begun = Instant::now();
    assert_eq!(app.shutdown().await, Stopped::TimedOut);
    let took = begun.elapsed();
    assert!(took >= Duration::from_millis(600) && took < Duration::from_secs(8), "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn without_a_port_there_is_nobody_to_wait_for() {
    let app = serve(&Gate::new(), "enabled = false\n[shutdown]\nunready_for = \"1h\"").await;
    let begun = tokio::time::Instant::now();
    assert_eq!(app.shutdown().await, Stopped::Drained);
    assert!(begun.elapsed() < Duration::from_secs(60), "{:?}", begun.elapsed());
}
