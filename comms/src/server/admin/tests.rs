use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::*;

const QUICK: Limits = Limits { head: Duration::from_millis(200), life: Duration::from_secs(10), stop: Duration::from_millis(500) };

fn loopback() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 0))
}

fn routes(well: &Arc<AtomicBool>) -> Vec<Route> {
    let well = Arc::clone(well);
    let ready = move || {
        let well = well.load(Ordering::Relaxed);
        Answer::json(well, &serde_json::json!({ "ready": well }))
    };
    vec![
        Route { path: "/health/ready", about: "whether it should get work", answer: Box::new(ready) },
        Route { path: "/info", about: "what it is", answer: Box::new(|| Answer::json(true, &serde_json::json!({}))) },
    ]
}

async fn server(limits: Limits) -> (AdminServer, Arc<AtomicBool>) {
    let well = Arc::new(AtomicBool::new(true));
    (AdminServer::bind_with(loopback(), routes(&well), limits).await.unwrap(), well)
}

/// Sends the bytes and reads until the server closes.
async fn exchange(address: SocketAddr, request: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    // The server may close before it has read all of it.
    let _ = stream.write_all(request.as_bytes()).await;
    let mut answer = Vec::new();
    let read = timeout(Duration::from_secs(5), stream.read_to_end(&mut answer)).await;
    assert!(read.is_ok(), "the server did not close; it had sent {:?}", String::from_utf8_lossy(&answer));
    String::from_utf8(answer).unwrap()
}

fn get(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
}

#[tokio::test]
async fn ready_is_200_and_not_ready_is_503() {
    let (server, well) = server(LIMITS).await;
    let answer = exchange(server.address(), &get("/health/ready")).await;
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n") && answer.ends_with("{\n  \"ready\": true\n}\n"), "{answer}");
    assert!(answer.contains("content-type: application/json\r\n"), "{answer}");
    well.store(false, Ordering::Relaxed);
    let answer = exchange(server.address(), &get("/health/ready?verbose")).await;
    assert!(answer.starts_with("HTTP/1.1 503 ") && answer.contains("\"ready\": false"), "{answer}");
    server.stop().await;
}

#[tokio::test]
async fn a_wrong_path_gets_the_list_of_right_ones() {
    let (server, _) = server(LIMITS).await;
    let answer = exchange(server.address(), &get("/helth")).await;
    assert!(answer.starts_with("HTTP/1.1 404 "), "{answer}");
    assert!(answer.contains("/health/ready  whether it should get work\n  /info          what it is\n"), "{answer}");
}

#[tokio::test]
async fn only_reading_is_allowed() {
    let (server, _) = server(LIMITS).await;
    let answer = exchange(server.address(), "POST /info HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: 0\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 405 ") && answer.contains("allow: GET, HEAD\r\n"), "{answer}");
    let answer = exchange(server.address(), "HEAD /info HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 200 ") && answer.ends_with("\r\n\r\n"), "{answer}");
}

#[tokio::test]
async fn a_client_that_sends_its_request_too_slowly_is_cut_off() {
    let (server, _) = server(QUICK).await;
    for begun in ["", "GET /info HTTP/1.1\r\nhost: "] {
        let start = Instant::now();
        exchange(server.address(), begun).await;
        assert!(start.elapsed() < Duration::from_secs(4), "{begun:?} was kept for {:?}", start.elapsed());
    }
}

#[tokio::test]
async fn a_head_that_is_too_large_is_refused() {
    let (server, _) = server(LIMITS).await;
    let answer = exchange(server.address(), &format!("GET /info HTTP/1.1\r\nhost: x\r\nbig: {}\r\n\r\n", "x".repeat(HEAD))).await;
    assert!(answer.starts_with("HTTP/1.1 431 "), "{answer}");
    let many = "a: b\r\n".repeat(100);
    let answer = exchange(server.address(), &format!("GET /info HTTP/1.1\r\n{many}\r\n")).await;
    assert!(answer.starts_with("HTTP/1.1 431 "), "{answer}");
}

#[tokio::test]
async fn too_many_connections_are_turned_away_and_the_next_is_served_again() {
    let (server, _) = server(LIMITS).await;
    let mut open = Vec::new();
    for _ in 0..CONNECTIONS {
        let mut stream = TcpStream::connect(server.address()).await.unwrap();
        stream.write_all(b"GET /info HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
        // Its answer shows that the connection has its slot.
        assert!(stream.read_u8().await.is_ok());
        open.push(stream);
    }
    assert_eq!(exchange(server.address(), "").await, "");
    drop(open);
    let deadline = Instant::now() + Duration::from_secs(5);
    while !attempt(server.address()).await.starts_with("HTTP/1.1 200 ") {
        assert!(Instant::now() < deadline, "no connection was served after the others had ended");
    }
}

/// One request whose connection may be turned away.
async fn attempt(address: SocketAddr) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let mut answer = Vec::new();
    if stream.write_all(get("/info").as_bytes()).await.is_ok() {
        let _ = stream.read_to_end(&mut answer).await;
    }
    String::from_utf8(answer).unwrap()
}

#[tokio::test]
async fn stopping_is_quick_although_a_connection_is_idle() {
    let (server, _) = server(LIMITS).await;
    let address = server.address();
    let mut idle = TcpStream::connect(address).await.unwrap();
    idle.write_all(b"GET /info HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    assert!(idle.read_u8().await.is_ok());
    let start = Instant::now();
    server.stop().await;
    assert!(start.elapsed() < Duration::from_secs(3), "{:?}", start.elapsed());
    assert!(TcpStream::connect(address).await.is_err());
}

#[tokio::test]
async fn a_taken_port_says_what_to_do() {
    let (server, _) = server(LIMITS).await;
    let error = AdminServer::bind(server.address(), Vec::new()).await.unwrap_err().to_string();
    assert!(error.contains(&server.address().to_string()) && error.contains("COMMS__ADMIN__ADDRESS"), "{error}");
}
