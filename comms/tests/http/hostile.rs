//! Clients that mean no good.

use std::time::Duration;

use comms::App;
use comms::testing::proxy::Proxy;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;

use crate::client::{address, answer, connect, exchange, get, get_and_close, nothing_left, rest, serve, until};
use crate::orders::Gate;

async fn assert_well(app: &App) {
    let answer = exchange(app, &get_and_close("/orders/7")).await;
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    nothing_left(app).await;
}

/// Shapes by which a proxy and a server may disagree where a request ends.
#[tokio::test]
async fn what_could_be_read_in_two_ways_is_not_read_as_two_requests() {
    let app = serve(&Gate::new(), "read_timeout = \"500ms\"").await;
    let smuggled = "GET /large HTTP/1.1\r\nhost: x\r\n\r\n";
    let post = "POST /orders HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n";
    for (shape, head, body) in [
        ("both lengths", "content-length: 4\r\ntransfer-encoding: chunked\r\n", format!("0\r\n\r\n{smuggled}")),
        ("both, the other way round", "transfer-encoding: chunked\r\ncontent-length: 4\r\n", format!("0\r\n\r\n{smuggled}")),
        ("two lengths", "content-length: 0\r\ncontent-length: 33\r\n", smuggled.to_owned()),
        ("a list of lengths", "content-length: 0, 33\r\n", smuggled.to_owned()),
        ("a signed length", "content-length: +0\r\n", smuggled.to_owned()),
        ("chunked that is not last", "transfer-encoding: chunked, identity\r\n", format!("0\r\n\r\n{smuggled}")),
        ("an unknown coding", "transfer-encoding: xchunked\r\n", format!("0\r\n\r\n{smuggled}")),
        ("a space before the colon", "content-length : 33\r\n", smuggled.to_owned()),
        ("a folded line", "x: y\r\n content-length: 33\r\n", smuggled.to_owned()),
        ("a bare line end in a value", "x: y\nz\r\n", smuggled.to_owned()),
        ("a chunk of a size that is none", "transfer-encoding: chunked\r\n", format!("0x0\r\n\r\n{smuggled}")),
        ("a chunk of a size that overflows", "transfer-encoding: chunked\r\n", format!("10000000000000000\r\n\r\n{smuggled}")),
    ] {
        let answer = exchange(&app, &format!("{post}{head}\r\n{body}")).await;
        assert!(!answer.contains("HTTP/1.1 200 "), "{shape}: {}", &answer[..answer.len().min(400)]);
    }
    assert_well(&app).await;
}

#[tokio::test]
async fn requests_in_a_row_without_end_are_answered_one_by_one() {
    let app = serve(&Gate::new(), "").await;
    let mut stream = connect(&app).await;
    let (count, requests) = (2_000, get("/files/a").repeat(2_000));
    let (mut reading, mut writing) = stream.split();
    let write = async { writing.write_all(requests.as_bytes()).await.unwrap() };
    let read = async {
        let (mut seen, mut tail, mut buffer) = (0, String::new(), vec![0; 64 << 10]);
        while seen < count {
            let read = tokio::io::AsyncReadExt::read(&mut reading, &mut buffer).await.unwrap();
            tail.push_str(std::str::from_utf8(&buffer[..read]).unwrap());
            seen += tail.matches("\r\n\r\n\"a\"").count();
            tail = tail.split_off(tail.rfind("\r\n\r\n\"a\"").map_or(0, |at| at + 7));
        }
    };
    tokio::time::timeout(crate::client::PATIENCE, async { tokio::join!(write, read) }).await.expect("all are answered");
    drop(stream);
    assert_well(&app).await;
}

#[tokio::test]
async fn a_connection_whose_client_vanished_is_given_up() {
    let app = serve(&Gate::new(), "read_timeout = \"300ms\"").await;
    let proxy = Proxy::start(address(&app)).await.unwrap();
    let mut idle = TcpStream::connect(proxy.addr()).await.unwrap();
    idle.write_all(get("/orders/7").as_bytes()).await.unwrap();
    answer(&mut idle).await;
    let mut half = TcpStream::connect(proxy.addr()).await.unwrap();
    half.write_all(b"POST /orders HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 20\r\n\r\n{").await.unwrap();
    until("both are there", || app.http_connections() >= 1 && proxy.bytes_to_upstream() > 100).await;
    proxy.half_open().await.unwrap();
    until("no connection is left", || app.http_connections() == 0).await;
    drop((idle, half, proxy));
    assert_well(&app).await;
}

#[tokio::test]
async fn ten_thousand_connections_one_after_another_leave_nothing() {
    let app = serve(&Gate::new(), "max_connections = 64").await;
    let address = address(&app);
    let clients = (0..20).map(|client| {
        tokio::spawn(async move {
            for number in 0..500 {
                let mut stream = TcpStream::connect(address).await.unwrap();
                // Ports of the client are not kept waiting.
                stream.set_zero_linger().unwrap();
                match (client + number) % 4 {
                    0 => {}
                    1 => drop(stream.write_all(b"GET /ord").await),
                    2 => drop(stream.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await),
                    _ => drop(stream.write_all(get("/orders/7").as_bytes()).await),
                }
            }
        })
    });
    let clients: Vec<_> = clients.collect();
    for client in clients {
        tokio::time::timeout(Duration::from_secs(60), client).await.unwrap().unwrap();
    }
    assert_well(&app).await;
}

#[tokio::test]
async fn a_head_in_single_bytes_is_bounded_by_its_time_and_by_its_size() {
    let app = serve(&Gate::new(), "header_limit = \"1KiB\"\nread_timeout = \"2s\"").await;
    let mut stream = connect(&app).await;
    stream.write_all(b"GET /orders/7 HTTP/1.1\r\n").await.unwrap();
    let begun = std::time::Instant::now();
    while stream.write_all(b"a").await.is_ok() {
        assert!(begun.elapsed() < crate::client::PATIENCE, "the server still listens");
        tokio::task::yield_now().await;
    }
    drop(stream);
    let mut whole = connect(&app).await;
    for byte in get_and_close("/orders/7").bytes() {
        whole.write_all(&[byte]).await.unwrap();
    }
    assert!(rest(&mut whole).await.starts_with("HTTP/1.1 200 "));
    assert_well(&app).await;
}
