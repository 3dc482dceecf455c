//! Answers that go on: how fast, how long, and how they end.

use std::time::{Duration, Instant};

use comms::testing::TestApp;
use comms::testing::proxy::Proxy;
use comms::{App, Stopped};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::client::{PATIENCE, address, connect, exchange, get, get_and_close, rest, until};
use crate::parcels::{PIECE_BYTES, Parcel, Watch, app, serve};

/// Reads until the text is there.
async fn read_until(stream: &mut TcpStream, what: &str) -> String {
    let mut text = String::new();
    while !text.ends_with(what) {
        let read = timeout(PATIENCE, stream.read_u8()).await;
        text.push(read.unwrap_or_else(|_| panic!("waited for {what:?} after {text:?}")).unwrap().into());
    }
    text
}

async fn listening(app: &App, watch: &Watch, path: &str) -> TcpStream {
    let mut stream = connect(app).await;
    stream.write_all(get(path).as_bytes()).await.unwrap();
    watch.open(1).await;
    read_until(&mut stream, "\r\n\r\n").await;
    stream
}

#[tokio::test]
async fn status_and_headers_stand_beside_a_value() {
    let app = TestApp::with(app(&Watch::new())).start().await.unwrap();
    let answer = app.http().post("/parcels").body("application/json", "{\"to\": \"a\"}").send().await;
    assert_eq!(
        (answer.status, answer.header("location"), answer.header("content-type")),
        (201, Some("/parcels/7"), Some("application/json"))
    );
    assert_eq!(answer.headers.get_all("x-a").iter().count(), 2);
    let _: Parcel = answer.json();
    let answer = app.http().delete("/parcels/7").send().await;
    assert_eq!((answer.status, answer.header("x-removed"), answer.body.len()), (204, Some("7"), 0));
    let answer = app.http().get("/wrong").send().await;
    assert_eq!((answer.status, answer.header("x-b")), (500, None));
    let answer = app.http().get("/numbers").send().await;
    assert_eq!((answer.status, answer.header("content-type"), &*answer.body), (200, Some("text/csv"), &b"0\n1\n2\n"[..]));
}

#[tokio::test]
async fn events_arrive_one_by_one_with_comments_between_them() {
    let watch = Watch::new();
    let app = serve(&watch, "").await;
    let mut stream = connect(&app).await;
    stream.write_all(get("/news").as_bytes()).await.unwrap();
    let head = read_until(&mut stream, "\r\n\r\n").await;
    assert!(head.starts_with("HTTP/1.1 200 OK\r\n") && head.contains("content-type: text/event-stream\r\n"), "{head}");
    assert!(head.contains("cache-control: no-cache\r\n") && !head.contains("content-length"), "{head}");
    let begun = Instant::now();
    // Longer than the route's timeout, which bounds only what comes before the stream.
    while begun.elapsed() < Duration::from_millis(300) {
        read_until(&mut stream, ":\n\n\r\n").await;
    }
    watch.news.send(1).unwrap();
    read_until(&mut stream, "event: news\nid: 1\ndata: 1\n\n\r\n").await;
    watch.news.send(2).unwrap();
    read_until(&mut stream, "event: news\nid: 2\ndata: 2\n\n\r\n").await;
}

#[tokio::test]
async fn a_stream_is_dropped_when_its_client_goes_away() {
    let watch = Watch::new();
    let app = serve(&watch, "").await;
    for path in ["/news", "/flood"] {
        let stream = listening(&app, &watch, path).await;
        drop(stream);
        watch.open(0).await;
    }
    until("no connection is left", || app.http_connections() == 0).await;
}

#[tokio::test]
async fn a_stream_that_fails_is_broken_off() {
    let watch = Watch::new();
    let app = serve(&watch, "").await;
    for number in [13, 99] {
        let mut stream = listening(&app, &watch, "/news").await;
        watch.news.send(number).unwrap();
        let text = rest(&mut stream).await;
        assert!(!text.contains("0\r\n\r\n") && !text.contains("hunter2"), "the client takes it for whole: {text}");
        watch.open(0).await;
    }
    assert!(exchange(&app, &get_and_close("/numbers")).await.starts_with("HTTP/1.1 200 "));
    until("no connection is left", || app.http_connections() == 0).await;
}

/// Waits until nothing more is made, and says how much there is.
async fn standstill(watch: &Watch) -> u64 {
    let (mut last, mut same, deadline) = (0, 0, Instant::now() + PATIENCE);
    while same < 20 {
        assert!(Instant::now() < deadline, "it is made without end: {last} pieces");
        tokio::time::sleep(Duration::from_millis(10)).await;
        same = if watch.pieces() == last { same + 1 } else { 0 };
        last = watch.pieces();
    }
    last
}

#[tokio::test]
async fn a_stream_is_made_only_as_fast_as_it_is_read() {
    let watch = Watch::new();
    let app = serve(&watch, "").await;
    let mut stream = connect(&app).await;
    stream.write_all(get("/flood").as_bytes()).await.unwrap();
    watch.open(1).await;
    let made = standstill(&watch).await;
    // The buffers of the operating system.
    assert!(made * (PIECE_BYTES as u64) < 64 << 20, "{made} pieces for a client that reads nothing");
    let mut buffer = vec![0; 1 << 20];
    while watch.pieces() == made {
        assert!(timeout(PATIENCE, stream.read(&mut buffer)).await.unwrap().unwrap() > 0);
    }
}

#[tokio::test]
async fn a_stream_over_http2_is_made_only_as_fast_as_it_is_read() {
    let watch = Watch::new();
    let app = serve(&watch, "").await;
    let (requests, connection) = h2::client::handshake(connect(&app).await).await.unwrap();
    let connection = tokio::spawn(connection);
    let request = comms::http::Request::get("http://x/flood").body(()).unwrap();
    let (response, mut sending) = requests.ready().await.unwrap().send_request(request, true).unwrap();
    let response = timeout(PATIENCE, response).await.unwrap().unwrap();
    let made = standstill(&watch).await;
    assert!(made * (PIECE_BYTES as u64) < 8 << 20, "{made} pieces for a client that reads nothing");
    sending.send_reset(h2::Reason::CANCEL);
    watch.open(0).await;
    drop(response);
    connection.abort();
    until("no connection is left", || app.http_connections() == 0).await;
}

#[tokio::test]
async fn streams_without_an_end_end_in_good_order_when_the_service_stops() {
    let watch = Watch::new();
    let app = serve(&watch, "").await;
    let mut news = listening(&app, &watch, "/news").await;
    let mut flood = connect(&app).await;
    flood.write_all(get("/flood").as_bytes()).await.unwrap();
    watch.open(2).await;
    let begun = Instant::now();
    let stopped = tokio::spawn(app.shutdown());
    let reading = tokio::spawn(async move { rest(&mut flood).await });
    assert!(rest(&mut news).await.ends_with("0\r\n\r\n"));
    assert!(reading.await.unwrap().ends_with("\r\n0\r\n\r\n"), "the flood ends after a whole piece");
    assert_eq!(stopped.await.unwrap(), Stopped::Drained);
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    watch.open(0).await;
}

#[tokio::test]
async fn a_stream_that_ends_may_come_to_its_end_when_the_service_stops() {
    let watch = Watch::new();
    let app = serve(&watch, "").await;
    let mut export = connect(&app).await;
    export.write_all(get("/export").as_bytes()).await.unwrap();
    watch.open(1).await;
    let stopped = tokio::spawn(app.shutdown());
    let text = rest(&mut export).await;
    assert!(text.ends_with("0\r\n\r\n") && text.len() > 200 * PIECE_BYTES, "{} bytes", text.len());
    assert_eq!(stopped.await.unwrap(), Stopped::Drained);
}

#[tokio::test]
async fn a_client_that_never_reads_does_not_hold_up_the_end_for_ever() {
    let watch = Watch::new();
    let app = serve(&watch, "[shutdown]\ntimeout = \"300ms\"").await;
    let mut stuck = connect(&app).await;
    stuck.write_all(get("/export").as_bytes()).await.unwrap();
    watch.open(1).await;
    assert_eq!(app.shutdown().await, Stopped::TimedOut);
    watch.open(0).await;
}

#[tokio::test]
async fn a_client_that_takes_nothing_of_its_answer_is_given_up() {
    let watch = Watch::new();
    let app = serve(&watch, "write_timeout = \"300ms\"").await;
    let mut stuck = connect(&app).await;
    stuck.write_all(get("/export").as_bytes()).await.unwrap();
    watch.open(1).await;
    watch.open(0).await;
    until("no connection is left", || app.http_connections() == 0).await;
}

#[tokio::test]
async fn a_client_of_a_stream_that_vanished_is_given_up() {
    let watch = Watch::new();
    let app = serve(&watch, "write_timeout = \"300ms\"").await;
    let proxy = Proxy::start(address(&app)).await.unwrap();
    let mut stream = TcpStream::connect(proxy.addr()).await.unwrap();
    stream.write_all(get("/flood").as_bytes()).await.unwrap();
    watch.open(1).await;
    // The proxy takes what comes and passes nothing on; then it takes nothing.
    proxy.throttle(0);
    watch.open(0).await;
}

#[tokio::test]
async fn a_stream_has_the_context_of_its_request_without_its_deadline() {
    let app = TestApp::with(app(&Watch::new())).start().await.unwrap();
    let answer = app.http().get("/contexts").header("x-request-id", "r-1").send().await;
    assert_eq!(&*answer.body, b"r-1 false");
}

#[tokio::test(start_paused = true)]
async fn a_test_reads_a_stream_piece_by_piece() {
    let watch = Watch::new();
    let app = TestApp::with(app(&watch)).start().await.unwrap();
    let mut news = app.http().get("/news").open().await;
    assert_eq!(news.status, 200);
    watch.news.send(1).unwrap();
    assert_eq!(news.piece().await.unwrap(), "event: news\nid: 1\ndata: 1\n\n");
    assert_eq!(news.piece().await.unwrap(), ":\n\n", "time passes by itself");
    drop(news);
    watch.open(0).await;
}
