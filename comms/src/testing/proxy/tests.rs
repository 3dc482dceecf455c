//! Each fault, in front of an echo server.

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::Proxy;

const DEADLINE: Duration = Duration::from_secs(20);

/// A server that answers what it is told, and closes when the client does.
async fn echo_server() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let (mut from, mut to) = stream.split();
                let _ = tokio::io::copy(&mut from, &mut to).await;
                let _ = to.shutdown().await;
            });
        }
    });
    address
}

async fn proxy() -> Proxy {
    Proxy::start(echo_server().await).await.unwrap()
}

async fn connect(proxy: &Proxy) -> TcpStream {
    TcpStream::connect(proxy.addr()).await.unwrap()
}

async fn in_time<T>(what: impl Future<Output = T>) -> T {
    tokio::time::timeout(DEADLINE, what).await.expect("did not happen within 20 s")
}

async fn send(client: &mut TcpStream, bytes: &[u8]) {
    in_time(client.write_all(bytes)).await.unwrap();
}

async fn receive(client: &mut TcpStream, length: usize) -> Vec<u8> {
    let mut bytes = vec![0; length];
    in_time(client.read_exact(&mut bytes)).await.unwrap();
    bytes
}

async fn assert_echoes(client: &mut TcpStream) {
    send(client, b"hello").await;
    assert_eq!(receive(client, 5).await, b"hello");
}

async fn assert_reset(client: &mut TcpStream) {
    let read = in_time(client.read(&mut [0])).await;
    assert_eq!(read.unwrap_err().kind(), ErrorKind::ConnectionReset);
}

/// Waits, by looking again, until something is so.
async fn until(what: &str, condition: impl Fn() -> bool) {
    let deadline = Instant::now() + DEADLINE;
    while !condition() {
        assert!(Instant::now() < deadline, "{what}: not within 20 s");
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

#[tokio::test]
async fn without_faults_bytes_and_closes_pass_and_are_counted() {
    let proxy = proxy().await;
    let mut client = connect(&proxy).await;
    assert_echoes(&mut client).await;
    assert_eq!((proxy.connections(), proxy.accepted()), (1, 1));
    assert_eq!((proxy.bytes_to_upstream(), proxy.bytes_to_clients()), (5, 5));

    send(&mut client, b"bye").await;
    client.shutdown().await.unwrap();
    let mut rest = Vec::new();
    in_time(client.read_to_end(&mut rest)).await.unwrap();
    assert_eq!(rest, b"bye");
    until("the connection is gone", || proxy.connections() == 0).await;
}

#[tokio::test]
async fn a_client_is_reset_when_there_is_no_server() {
    let free = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let nobody = free.local_addr().unwrap();
    drop(free);
    let proxy = Proxy::start(nobody).await.unwrap();
    assert_reset(&mut connect(&proxy).await).await;
}

#[tokio::test]
async fn a_cut_resets_and_refuses_until_it_is_healed() {
    let proxy = proxy().await;
    let mut client = connect(&proxy).await;
    assert_echoes(&mut client).await;

    in_time(proxy.cut()).await;
    assert_eq!(proxy.connections(), 0);
    assert_reset(&mut client).await;
    let refused = TcpStream::connect(proxy.addr()).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::ConnectionRefused);

    in_time(proxy.heal()).await.unwrap();
    assert_echoes(&mut connect(&proxy).await).await;
    assert_eq!(proxy.accepted(), 2);
}

#[tokio::test]
async fn many_cuts_in_a_row_leave_a_working_proxy() {
    let proxy = proxy().await;
    for _ in 0..50 {
        let mut client = connect(&proxy).await;
        assert_echoes(&mut client).await;
        in_time(proxy.cut()).await;
        assert_reset(&mut client).await;
        in_time(proxy.heal()).await.unwrap();
    }
}

#[tokio::test]
async fn dropped_connections_are_reset_once_and_new_ones_accepted() {
    let proxy = proxy().await;
    let mut before = [connect(&proxy).await, connect(&proxy).await];
    for client in &mut before {
        assert_echoes(client).await;
    }
    in_time(proxy.drop_connections()).await;
    assert_eq!(proxy.connections(), 0);
    for client in &mut before {
        assert_reset(client).await;
    }
    assert_echoes(&mut connect(&proxy).await).await;
}

#[tokio::test]
async fn a_delay_counts_each_way_and_does_not_throttle() {
    let proxy = proxy().await;
    let mut client = connect(&proxy).await;
    assert_echoes(&mut client).await;

    let delay = Duration::from_millis(100);
    proxy.delay(delay);
    let start = Instant::now();
    assert_echoes(&mut client).await;
    assert!(start.elapsed() >= 2 * delay, "{:?}", start.elapsed());

    // 100 messages one after another would take 20 s if each waited for the one before.
    let start = Instant::now();
    client.set_nodelay(true).unwrap();
    for _ in 0..100 {
        send(&mut client, b"message").await;
        tokio::task::yield_now().await;
    }
    receive(&mut client, 700).await;
    assert!(start.elapsed() < 50 * delay, "{:?}", start.elapsed());
}

#[tokio::test]
async fn a_throttle_limits_bytes_per_second_until_it_is_healed() {
    let proxy = proxy().await;
    let mut client = connect(&proxy).await;
    proxy.throttle(100_000);
    let start = Instant::now();
    send(&mut client, &[1; 50_000]).await;
    receive(&mut client, 50_000).await;
    let took = start.elapsed();
    assert!(took >= Duration::from_millis(400), "{took:?}");

    proxy.throttle(0);
    send(&mut client, &[2; 50_000]).await;
    assert!(proxy.bytes_to_upstream() < 100_000);
    in_time(proxy.heal()).await.unwrap();
    assert_eq!(receive(&mut client, 50_000).await, [2; 50_000]);
}

#[tokio::test]
async fn a_half_open_connection_swallows_both_directions_and_is_reset_by_healing() {
    let proxy = proxy().await;
    let mut client = connect(&proxy).await;
    assert_echoes(&mut client).await;

    in_time(proxy.half_open()).await.unwrap();
    send(&mut client, b"into the void").await;
    client.shutdown().await.unwrap();
    until("it is swallowed", || proxy.bytes_swallowed() == 13).await;
    assert_eq!(proxy.bytes_to_upstream(), 5);
    assert_eq!(proxy.connections(), 1);

    in_time(proxy.heal()).await.unwrap();
    assert_eq!(proxy.connections(), 0);
    assert_reset(&mut client).await;
}

#[tokio::test]
async fn an_answer_under_way_is_swallowed_too() {
    let proxy = proxy().await;
    let mut client = connect(&proxy).await;
    proxy.throttle(0);
    send(&mut client, b"hello").await;
    in_time(proxy.half_open()).await.unwrap();
    until("it is swallowed", || proxy.bytes_swallowed() == 5).await;
    assert_eq!(proxy.bytes_to_upstream(), 0);
}

#[tokio::test]
async fn a_connection_that_lost_nothing_goes_on_after_half_open() {
    let proxy = proxy().await;
    let mut client = connect(&proxy).await;
    assert_echoes(&mut client).await;
    in_time(proxy.half_open()).await.unwrap();
    in_time(proxy.heal()).await.unwrap();
    assert_echoes(&mut client).await;
}

#[tokio::test]
async fn a_client_that_comes_while_half_open_is_accepted_and_never_answered() {
    let proxy = proxy().await;
    in_time(proxy.cut()).await;
    in_time(proxy.half_open()).await.unwrap();
    let mut client = connect(&proxy).await;
    send(&mut client, b"anybody?").await;
    until("it is swallowed", || proxy.bytes_swallowed() == 8).await;
    assert_eq!((proxy.connections(), proxy.bytes_to_upstream()), (1, 0));
    in_time(proxy.heal()).await.unwrap();
    assert_reset(&mut client).await;
}

#[tokio::test]
async fn dropping_the_proxy_closes_its_port_and_connections() {
    let proxy = proxy().await;
    let address = proxy.addr();
    let mut client = connect(&proxy).await;
    assert_echoes(&mut client).await;
    drop(proxy);
    let ended = in_time(client.read(&mut [0])).await;
    assert!(matches!(ended, Ok(0) | Err(_)), "{ended:?}");
    TcpStream::connect(address).await.unwrap_err();
}
