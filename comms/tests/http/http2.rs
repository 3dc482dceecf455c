//! HTTP/2 on the port: a client of its own kind within the same bounds as one of HTTP/1.1.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use bytes::Bytes;
use comms::http::{HeaderMap, Request, Response, StatusCode};
use comms::testing::proxy::Proxy;
use comms::{App, Stopped};
use h2::client::{ResponseFuture, SendRequest};
use h2::{Reason, RecvStream, SendStream};
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::client::{PATIENCE, address, connect, exchange, get_and_close, nothing_left, rest, serve, until};
use crate::orders::Gate;

const QUICK: &str = "read_timeout = \"200ms\"";
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// A connection by prior knowledge.
struct Client {
    requests: SendRequest<Bytes>,
    connection: JoinHandle<Result<(), h2::Error>>,
}

impl Client {
    async fn of(app: &App) -> Self {
        Self::over(connect(app).await).await
    }

    async fn over(stream: TcpStream) -> Self {
        let (requests, connection) = h2::client::handshake(stream).await.unwrap();
        Self { requests, connection: tokio::spawn(connection) }
    }

    async fn begin(&self, request: Request<()>, end: bool) -> (ResponseFuture, SendStream<Bytes>) {
        let mut ready = timeout(PATIENCE, self.requests.clone().ready()).await.expect("the connection takes requests").unwrap();
        ready.send_request(request, end).unwrap()
    }

    async fn get(&self, path: &str) -> (StatusCode, Vec<u8>) {
        let (response, _) = self.begin(Request::get(format!("http://x{path}")).body(()).unwrap(), true).await;
        whole(response).await
    }

    /// Waits until the server has closed it.
    async fn closed(mut self) -> Result<(), h2::Error> {
        timeout(PATIENCE, &mut self.connection).await.expect("the server closes the connection").unwrap()
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        self.connection.abort();
    }
}

async fn head(response: ResponseFuture) -> Response<RecvStream> {
    timeout(PATIENCE, response).await.expect("an answer comes").unwrap()
}

async fn whole(response: ResponseFuture) -> (StatusCode, Vec<u8>) {
    let response = head(response).await;
    (response.status(), body(response).await)
}

async fn body(response: Response<RecvStream>) -> Vec<u8> {
    let mut body = response.into_body();
    let mut bytes = Vec::new();
    while let Some(data) = timeout(PATIENCE, body.data()).await.expect("the body goes on") {
        let data = data.unwrap();
        body.flow_control().release_capacity(data.len()).unwrap();
        bytes.extend_from_slice(&data);
    }
    bytes
}

fn post(headers: &[(&str, &str)]) -> Request<()> {
    let mut request = Request::post("http://x/orders").header("content-type", "application/json");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(()).unwrap()
}

/// It still answers both versions, and no connection is left.
async fn assert_well(app: &App) {
    let client = Client::of(app).await;
    assert_eq!(client.get("/orders/7").await.0, 200);
    drop(client);
    let answer = exchange(app, &get_and_close("/orders/7")).await;
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    nothing_left(app).await;
}

#[tokio::test]
async fn many_requests_share_one_connection() {
    let gate = Gate::new();
    let app = serve(&gate, "").await;
    let client = Client::of(&app).await;
    let (held, _) = client.begin(Request::get("http://x/hold").body(()).unwrap(), true).await;
    gate.held(1).await;
    let (response, mut body) = client.begin(post(&[]), false).await;
    body.send_data(Bytes::from_static(b"{\"item\": \"tea\", "), false).unwrap();
    body.send_data(Bytes::from_static(b"\"count\": 1}"), true).unwrap();
    assert_eq!(whole(response).await, (StatusCode::CREATED, b"{\"id\":8,\"item\":\"tea\"}".to_vec()));
    assert_eq!(client.get("/large").await.1.len(), (8 << 20) + 2);
    assert_eq!(client.get("/nowhere").await.0, 404);
    assert_eq!(app.http_connections(), 1);
    gate.permits.add_permits(1);
    assert_eq!(whole(held).await.1, b"true", "the first request waited beside the others");
    drop(client);
    assert_well(&app).await;
}

#[tokio::test]
async fn heads_that_are_too_large_are_refused() {
    let app = serve(&Gate::new(), "header_limit = \"2KiB\"").await;
    let client = Client::of(&app).await;
    assert_eq!(client.get("/orders/7").await.0, 200);
    let large = "x".repeat(3000);
    let (response, _) = client.begin(Request::get("http://x/orders/7").header("big", &large).body(()).unwrap(), true).await;
    let refused = timeout(PATIENCE, response).await.unwrap();
    assert!(refused.as_ref().map_or(true, |response| response.status() == 431), "{refused:?}");
    drop(client);
    assert_well(&app).await;
}

#[tokio::test]
async fn bodies_are_within_the_limits_of_their_route() {
    let app = serve(&Gate::new(), QUICK).await;
    let client = Client::of(&app).await;
    let (announced, _body) = client.begin(post(&[("content-length", "5000")]), false).await;
    assert_eq!(whole(announced).await.0, 413);
    let (streamed, mut body) = client.begin(post(&[]), false).await;
    body.send_data(Bytes::from(vec![b'x'; 3000]), false).unwrap();
    assert_eq!(whole(streamed).await.0, 413);
    let (slow, mut body) = client.begin(post(&[]), false).await;
    body.send_data(Bytes::from_static(b"{"), false).unwrap();
    assert_eq!(whole(slow).await.0, 408);
    assert_eq!(client.get("/orders/7").await.0, 200, "the connection goes on");
    drop(client);
    assert_well(&app).await;
}

#[tokio::test]
async fn a_request_that_its_client_cancels_is_dropped_alone() {
    let gate = Gate::new();
    let app = serve(&gate, "").await;
    let client = Client::of(&app).await;
    let (first, mut stream) = client.begin(Request::get("http://x/hold").body(()).unwrap(), true).await;
    let (second, _) = client.begin(Request::get("http://x/hold").body(()).unwrap(), true).await;
    gate.held(2).await;
    stream.send_reset(Reason::CANCEL);
    gate.held(1).await;
    assert!(first.await.is_err());
    gate.permits.add_permits(1);
    assert_eq!(whole(second).await.1, b"true");
    drop(client);
    assert_well(&app).await;
}

#[tokio::test]
async fn requests_beyond_the_streams_of_a_connection_wait() {
    let gate = Gate::new();
    let app = serve(&gate, "").await;
    let client = Client::of(&app).await;
    assert_eq!(client.get("/orders/7").await.0, 200, "the settings have come");
    let most = client.requests.current_max_send_streams();
    assert!((100..=1000).contains(&most), "{most} streams at once");
    let asking = (0..most + 50).map(|_| {
        let requests = client.requests.clone();
        tokio::spawn(async move {
            let request = Request::get("http://x/hold").body(()).unwrap();
            let response = requests.ready().await.unwrap().send_request(request, true).unwrap().0;
            response.await.unwrap().status()
        })
    });
    let asking: Vec<_> = asking.collect();
    gate.held(most).await;
    gate.permits.add_permits(most + 50);
    for asked in asking {
        assert_eq!(timeout(PATIENCE, asked).await.unwrap().unwrap(), 200);
    }
    drop(client);
    assert_well(&app).await;
}

#[tokio::test]
async fn a_client_that_opens_and_resets_without_end_leaves_nothing() {
    let gate = Gate::new();
    let app = serve(&gate, "").await;
    let client = Client::of(&app).await;
    for _ in 0..10_000 {
        let Ok(Ok(mut ready)) = timeout(PATIENCE, client.requests.clone().ready()).await else { break };
        let Ok((_, mut stream)) = ready.send_request(Request::get("http://x/hold").body(()).unwrap(), true) else { break };
        stream.send_reset(Reason::CANCEL);
    }
    gate.held(0).await;
    drop(client);
    assert_well(&app).await;
    assert_eq!(gate.waiting.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a_preface_that_does_not_end_is_cut_off() {
    let app = serve(&Gate::new(), QUICK).await;
    for begun in [&PREFACE[..1], &PREFACE[..18], &PREFACE[..23]] {
        let mut stream = connect(&app).await;
        stream.write_all(begun).await.unwrap();
        let start = Instant::now();
        assert_eq!(rest(&mut stream).await, "");
        assert!(start.elapsed() < PATIENCE / 2, "{begun:?} was kept for {:?}", start.elapsed());
    }
    assert_well(&app).await;
}

#[tokio::test]
async fn a_preface_that_breaks_off_or_goes_astray_is_no_http() {
    let app = serve(&Gate::new(), "").await;
    for begun in ["PRI", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r", "PRI * HTTP/2.0\r\n\r\nSM\r\n\rx\r\n\r\n", "PRI * HTTP/1.1\r\nhost: x\r\n\r\n"] {
        let mut stream = connect(&app).await;
        stream.write_all(begun.as_bytes()).await.unwrap();
        stream.shutdown().await.unwrap();
        let answer = rest(&mut stream).await;
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 4"), "{begun:?}: {answer}");
    }
    assert_well(&app).await;
}

#[tokio::test]
async fn what_follows_a_preface_and_is_no_http2_ends_its_connection() {
    let app = serve(&Gate::new(), "").await;
    for follows in
        [&b"GET / HTTP/1.1\r\nhost: x\r\n\r\n"[..], &[0xff; 64], &[0, 0, 1, 4, 0, 0, 0, 0, 0, 0], &[0, 0, 4, 8, 0, 0, 0, 0, 0, 0, 0, 0, 0]]
    {
        let mut stream = connect(&app).await;
        stream.write_all(PREFACE).await.unwrap();
        // The server may close before it has read all of it.
        let _ = stream.write_all(follows).await;
        let mut answer = Vec::new();
        let read = tokio::io::AsyncReadExt::read_to_end(&mut stream, &mut answer);
        assert!(timeout(PATIENCE, read).await.is_ok(), "{follows:?} is still listened to");
    }
    assert_well(&app).await;
}

#[tokio::test]
async fn a_client_that_says_nothing_after_its_preface_is_noticed() {
    let app = serve(&Gate::new(), QUICK).await;
    let mut silent = connect(&app).await;
    silent.write_all(PREFACE).await.unwrap();
    let mut half = connect(&app).await;
    half.write_all(PREFACE).await.unwrap();
    // Settings, then a head that says that more of it follows.
    half.write_all(&[0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0, 1, 1, 0, 0, 0, 0, 1, 0x82]).await.unwrap();
    until("both are accepted", || app.http_connections() == 2).await;
    until("both are gone", || app.http_connections() == 0).await;
    assert_well(&app).await;
}

#[tokio::test]
async fn a_client_that_vanished_without_a_word_is_noticed() {
    let gate = Gate::new();
    let app = serve(&gate, QUICK).await;
    let proxy = Proxy::start(address(&app)).await.unwrap();
    let client = Client::over(TcpStream::connect(proxy.addr()).await.unwrap()).await;
    let (_held, _) = client.begin(Request::get("http://x/hold").body(()).unwrap(), true).await;
    gate.held(1).await;
    proxy.half_open().await.unwrap();
    gate.held(0).await;
    until("the connection is gone", || app.http_connections() == 0).await;
    drop(client);
    drop(proxy);
    assert_well(&app).await;
}

#[tokio::test]
async fn a_connection_that_waits_is_kept_while_its_client_lives() {
    let app = serve(&Gate::new(), "read_timeout = \"50ms\"").await;
    let client = Client::of(&app).await;
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_millis(500) {
        assert_eq!(client.get("/orders/7").await.0, 200);
        tokio::time::sleep(Duration::from_millis(150)).await;
    }
    drop(client);
    assert_well(&app).await;
}

#[tokio::test]
async fn requests_in_hand_are_answered_at_the_end_and_later_ones_are_not_begun() {
    let gate = Gate::new();
    let app = serve(&gate, "").await;
    let client = Client::of(&app).await;
    let (held, _) = client.begin(Request::get("http://x/hold").body(()).unwrap(), true).await;
    gate.held(1).await;
    let idle = Client::of(&app).await;
    assert_eq!(idle.get("/orders/7").await.0, 200);
    let stopped = tokio::spawn(app.shutdown());
    // An orderly goodbye: the connection ends without an error.
    idle.closed().await.unwrap();
    assert!(!stopped.is_finished());
    // The goodbye has come when the connection takes no more.
    let deadline = Instant::now() + PATIENCE;
    while let Ok(mut ready) = client.requests.clone().ready().await {
        assert!(Instant::now() < deadline, "the connection still takes requests");
        let Ok((response, _)) = ready.send_request(Request::get("http://x/orders/7").body(()).unwrap(), true) else { break };
        if response.await.is_err() {
            break;
        }
    }
    gate.permits.add_permits(1);
    assert_eq!(whole(held).await.1, b"true");
    assert_eq!(timeout(PATIENCE, stopped).await.unwrap().unwrap(), Stopped::Drained);
    client.closed().await.unwrap();
}

#[tokio::test]
async fn an_answer_that_is_read_late_arrives_whole_at_the_end() {
    let app = serve(&Gate::new(), "").await;
    let client = Client::of(&app).await;
    let (response, _) = client.begin(Request::get("http://x/large").body(()).unwrap(), true).await;
    let response = head(response).await;
    let stopped = tokio::spawn(app.shutdown());
    // Longer than a connection that is in the middle of nothing is kept.
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert!(!stopped.is_finished());
    assert_eq!(body(response).await.len(), (8 << 20) + 2);
    assert_eq!(timeout(PATIENCE, stopped).await.unwrap().unwrap(), Stopped::Drained);
}

#[tokio::test]
async fn the_context_and_the_problems_are_those_of_http1() {
    let app = serve(&Gate::new(), "").await;
    let client = Client::of(&app).await;
    let request = Request::get("http://x/orders/9").header("x-request-id", "r-1").body(()).unwrap();
    let (response, _) = client.begin(request, true).await;
    let response = head(response).await;
    let header = |headers: &HeaderMap, name: &str| headers.get(name).unwrap().to_str().unwrap().to_owned();
    assert_eq!((response.status().as_u16(), header(response.headers(), "x-request-id").as_str()), (404, "r-1"));
    assert_eq!(header(response.headers(), "content-type"), "application/problem+json");
}
