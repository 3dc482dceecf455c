use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::BodyExt as _;
use tokio::net::TcpListener;
use tokio::time::{Instant, sleep};

use super::*;
use crate::client::connector::Connector;
use crate::client::tls::Tls;
use crate::config::ClientConfig;

/// A server that says what it was told, and how many connections it has, open and in all.
#[derive(Default)]
struct Peer {
    open: AtomicUsize,
    made: AtomicUsize,
}

/// Each connection answers so many requests and says goodbye then.
async fn serve(requests: usize) -> (Arc<Peer>, String) {
    let (listener, peer) = (TcpListener::bind("127.0.0.1:0").await.unwrap(), Arc::new(Peer::default()));
    let (address, serving) = (format!("http://{}", listener.local_addr().unwrap()), Arc::clone(&peer));
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let peer = Arc::clone(&serving);
            peer.made.fetch_add(1, Ordering::SeqCst);
            peer.open.fetch_add(1, Ordering::SeqCst);
            tokio::spawn(async move {
                let mut connection = h2::server::handshake(stream).await.unwrap();
                let mut answered = 0;
                while let Some(Ok((request, mut answering))) = connection.accept().await {
                    tokio::spawn(async move {
                        let mut said = request.into_body();
                        let mut answer = answering.send_response(hyper::Response::new(()), false).unwrap();
                        while let Some(data) = said.data().await {
                            let data: Bytes = data.unwrap();
                            said.flow_control().release_capacity(data.len()).unwrap();
                            answer.send_data(data, false).unwrap();
                        }
                        answer.send_data(Bytes::new(), true).unwrap();
                    });
                    answered += 1;
                    if answered == requests {
                        connection.graceful_shutdown();
                    }
                }
                peer.open.fetch_sub(1, Ordering::SeqCst);
            });
        }
    });
    (peer, address)
}

fn connections(idle: Duration) -> Connections {
    let config = ClientConfig::default();
    let tls = Tls::of("peer", false, &config).unwrap();
    Connections::new(Connector::new(tls, config.connect_timeout), idle)
}

async fn echo(connections: &Connections, address: &str, body: impl Into<Body>) -> Bytes {
    let request = Request::post(address).body(body.into()).unwrap();
    let Ok(taken) = connections.take(request.uri()).await else { panic!("no connection") };
    exchange(taken, request).await.unwrap().into_body().collect().await.unwrap().to_bytes()
}

async fn until(what: &str, is_so: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !is_so() {
        assert!(Instant::now() < deadline, "{what}");
        sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn one_connection_carries_all_and_is_closed_once_it_has_idled_or_nobody_is_there() {
    let ((peer, address), connections) = (serve(usize::MAX).await, connections(Duration::from_millis(300)));
    let calls = (0..20).map(|_| echo(&connections, &address, "order"));
    assert!(futures_util::future::join_all(calls).await.iter().all(|answer| answer == "order"));
    assert_eq!(peer.made.load(Ordering::SeqCst), 1);
    until("the connection is closed when it has idled", || peer.open.load(Ordering::SeqCst) == 0).await;
    assert_eq!(echo(&connections, &address, "order").await, "order");
    assert_eq!((peer.made.load(Ordering::SeqCst), peer.open.load(Ordering::SeqCst)), (2, 1));
    drop(connections);
    until("the connection is closed with its pool", || peer.open.load(Ordering::SeqCst) == 0).await;
}

#[tokio::test]
async fn a_connection_that_said_goodbye_gets_no_further_request() {
    let ((peer, address), connections) = (serve(1).await, connections(Duration::from_secs(90)));
    for _ in 0..5 {
        assert_eq!(echo(&connections, &address, "order").await, "order");
        until("the server has closed the connection", || peer.open.load(Ordering::SeqCst) == 0).await;
    }
    assert_eq!(peer.made.load(Ordering::SeqCst), 5);
}

#[tokio::test]
async fn bodies_of_every_length_arrive_whole() {
    let ((_, address), connections) = (serve(usize::MAX).await, connections(Duration::from_secs(90)));
    for length in [0, 1, 16 * 1024, 16 * 1024 + 1, 65_535, 300_000] {
        let body = "x".repeat(length);
        assert_eq!(echo(&connections, &address, body.clone()).await, body.as_bytes(), "{length}");
        let pieces: Vec<Result<_, std::io::Error>> =
            body.as_bytes().chunks(1000).map(|piece| Ok(hyper::body::Frame::data(Bytes::copy_from_slice(piece)))).collect();
        let streamed = Body::new(http_body_util::StreamBody::new(futures_util::stream::iter(pieces)));
        assert_eq!(echo(&connections, &address, streamed).await, body.as_bytes(), "{length}, in pieces");
    }
}
