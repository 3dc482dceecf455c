//! Clients against servers of another make.

use std::sync::{Arc, Mutex};

use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::http::HeaderMap;
use axum::response::IntoResponse;
use axum::routing::{get, post};
use axum::{Form as AxumForm, Router};
use comms::client::{CallError, StreamError, StreamErrorKind};
use comms::config::ClientConfig;
use comms::http::{BodyStream, ByteStream, Bytes, Event, EventStream, Form, Problem, With};
use comms::{Context, client, get, post};
use futures_util::stream;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tower_service::Service as _;

use super::media::{Login, over_port};

/// A server of another make, on a port of its own for as long as the test runs.
pub(crate) async fn serve(router: Router) -> ClientConfig {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let config = ClientConfig::at(format!("http://{}", listener.local_addr().unwrap()));
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let router = router.clone();
            let service = service_fn(move |request: hyper::Request<Incoming>| router.clone().call(request.map(Body::new)));
            tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
        }
    });
    config
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Sent {
    content_type: String,
    accept: String,
    length: Option<String>,
    agents: Vec<String>,
    trace: [Option<String>; 2],
    body: String,
}

/// Somebody's API.
#[client(url = "http://127.0.0.1:1")]
pub(crate) trait Elsewhere {
    #[post("/login")]
    async fn login(&self, form: Form<Login>) -> Result<String, Problem>;

    #[post("/sent")]
    async fn send_text(&self, text: String, #[header("user-agent")] agent: Option<String>) -> Result<Sent, Problem>;

    #[post("/sent/stream")]
    async fn send_stream(&self, body: BodyStream) -> Result<With<Sent>, Problem>;

    #[get("/events")]
    async fn events(&self) -> Result<EventStream, Problem>;

    #[get("/events/raw")]
    async fn as_bytes(&self) -> Result<ByteStream, Problem>;

    #[get("/bytes")]
    async fn bytes(&self) -> Result<With<Bytes>, Problem>;

    #[get("/empty")]
    async fn no_events(&self) -> Result<EventStream, Problem>;

    #[get("/nothing")]
    async fn nothing(&self) -> Result<(), Problem>;
}

async fn login(AxumForm(login): AxumForm<Vec<(String, String)>>) -> axum::Json<String> {
    axum::Json(format!("{login:?}"))
}

async fn sent(request: Request) -> axum::Json<Sent> {
    let (parts, body) = request.into_parts();
    let text = |name: &str| parts.headers.get(name).map(|value| value.to_str().unwrap().to_owned());
    let body = String::from_utf8(to_bytes(body, 1 << 20).await.unwrap().into()).unwrap();
    let agents = parts.headers.get_all("user-agent").iter().map(|agent| agent.to_str().unwrap().to_owned()).collect();
    axum::Json(Sent {
        content_type: text("content-type").unwrap_or_default(),
        accept: text("accept").unwrap_or_default(),
        length: text("content-length"),
        agents,
        trace: [text("traceparent"), text("tracestate")],
        body,
    })
}

/// Cut where it hurts, with every kind of line end.
async fn events(headers: HeaderMap) -> impl IntoResponse {
    let accept = headers["accept"].to_str().unwrap().to_owned();
    let text =
        format!("\u{FEFF}: hello\r\n\r\nid: 1\r\nevent: accept\r\ndata: {accept}\r\n\r\ndata: ä\ndata\n\nretry: 5\rdata:x\r\r: bye\n");
    let pieces: Vec<Result<Vec<u8>, std::io::Error>> = text.into_bytes().chunks(3).map(|piece| Ok(piece.to_vec())).collect();
    ([("content-type", "Text/Event-Stream; charset=utf-8")], Body::from_stream(stream::iter(pieces)))
}

async fn elsewhere() -> ElsewhereClient {
    let router = Router::new()
        .route("/login", post(login))
        .route("/sent", post(sent))
        .route("/sent/stream", post(sent))
        .route("/events", get(events))
        .route("/events/raw", get(events))
        .route("/bytes", get(|| async { ([("content-type", "image/png"), ("etag", "\"7\"")], vec![0_u8, 255]) }))
        .route("/nothing", get(|| async { axum::Json(()) }))
        .route("/empty", get(|| async { axum::http::StatusCode::NO_CONTENT }));
    over_port(&serve(router).await)
}

#[tokio::test]
async fn bodies_are_what_another_server_expects() {
    let elsewhere = elsewhere().await;
    let login = Login { user: "a b+c&ö".to_owned(), age: None, scope: vec!["x".to_owned(), "y=z".to_owned()] };
    let expected = r#"[("user", "a b+c&ö"), ("scope", "x"), ("scope", "y=z")]"#;
    assert_eq!(elsewhere.login(Form(login)).await.unwrap(), expected);
    let sent = elsewhere.send_text("ä".to_owned(), Some("tester/1".to_owned())).await.unwrap();
    assert_eq!((&*sent.content_type, &*sent.body, &*sent.agents), ("text/plain; charset=utf-8", "ä", &["tester/1".to_owned()][..]));
    assert_eq!((&*sent.accept, sent.length.as_deref()), ("application/json, application/problem+json", Some("2")));
    let sent = elsewhere.send_stream(BodyStream::of(stream::iter(["one", "two"]))).await.unwrap().into_value();
    assert_eq!((&*sent.content_type, &*sent.body, &sent.length), ("application/octet-stream", "onetwo", &None));
    assert!(matches!(&*sent.agents, [agent] if agent.starts_with("comms/")), "{:?}", sent.agents);
    let sent = elsewhere.send_stream(BodyStream::from("three")).await.unwrap().into_value();
    assert_eq!((&*sent.body, sent.length.as_deref()), ("three", Some("5")));
}

#[tokio::test]
async fn a_trace_goes_on_with_what_others_have_written_to_it() {
    let elsewhere = elsewhere().await;
    let trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".parse().unwrap();
    let context = Context::default().with_trace(trace).with_trace_state(Some("vendor=1,other=2".into()));
    let sent = context.scope(async { elsewhere.send_text(String::new(), None).await.unwrap() }).await;
    let [parent, state] = sent.trace.map(Option::unwrap_or_default);
    assert!(parent.starts_with("00-0af7651916cd43dd8448eb211c80319c-") && !parent.contains("b7ad6b7169203331"), "{parent}");
    assert_eq!(state, "vendor=1,other=2");
}

#[tokio::test]
async fn events_are_read_as_another_server_writes_them() {
    let elsewhere = elsewhere().await;
    let mut events = elsewhere.events().await.unwrap();
    let accept = "text/event-stream, application/problem+json";
    assert_eq!(events.event().await.unwrap(), Some(Event::data(accept).id("1").name("accept")));
    assert_eq!(events.event().await.unwrap(), Some(Event::data("ä\n")));
    assert_eq!(events.event().await.unwrap(), Some(Event::data("x").retry(std::time::Duration::from_millis(5))));
    assert_eq!(events.event().await.unwrap(), None);
    assert!(elsewhere.no_events().await.unwrap().event().await.unwrap().is_none());
    elsewhere.nothing().await.unwrap();
}

#[tokio::test]
async fn answers_that_are_something_else_are_refused_or_taken_as_they_are() {
    let elsewhere = elsewhere().await;
    let bytes = elsewhere.bytes().await.unwrap();
    assert_eq!((bytes.status_code(), bytes.header_text("etag")), (Some(200), Some("\"7\"")));
    assert_eq!(bytes.into_value(), [0, 255].as_slice());
    assert!(elsewhere.as_bytes().await.unwrap().piece().await.unwrap().is_some());
    let json = Router::new().route("/events", get(|| async { axum::Json(1) })).route("/bytes", get(|| async { "text" }));
    let elsewhere: ElsewhereClient = over_port(&serve(json).await);
    let error = elsewhere.events().await.unwrap_err();
    assert!(matches!(&error, CallError::Answer { .. }), "{error:?}");
    assert!(error.to_string().contains("it is `application/json`, and `text/event-stream` was expected"), "{error}");
}

/// A server that sends this to whoever connects, and goes away.
async fn broken(text: &'static str) -> ClientConfig {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let config = ClientConfig::at(format!("http://{}", listener.local_addr().unwrap()));
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                head.push(stream.read_u8().await.unwrap());
            }
            stream.write_all(text.as_bytes()).await.unwrap();
        }
    });
    config
}

async fn last(config: ClientConfig) -> (usize, Result<(), (StreamErrorKind, String)>) {
    let elsewhere: ElsewhereClient = over_port(&config);
    let (mut events, mut count) = (elsewhere.events().await.unwrap(), 0);
    loop {
        match events.event().await {
            Ok(Some(_)) => count += 1,
            Ok(None) => return (count, Ok(())),
            Err(error) => {
                let kind = error.downcast_ref::<StreamError>().expect("an error of a stream").kind();
                return (count, Err((kind, error.to_string())));
            }
        }
    }
}

#[tokio::test]
async fn a_stream_that_breaks_off_never_ends_silently() {
    let cut = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n9\r\ndata: a\n\n\r\n5\r\ndat";
    let (count, end) = last(broken(cut).await).await;
    let (kind, text) = end.unwrap_err();
    assert_eq!((count, kind), (1, StreamErrorKind::Broken));
    assert!(
        text.contains("`events` of `elsewhere` (GET /events, at http://127.0.0.1:") && text.contains("broke off after 12 bytes"),
        "{text}"
    );
    // Without a length the end of the connection is the end, unless it comes in the middle of an event.
    let closed = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\ndata: a\n\ndata: b";
    let (count, end) = last(broken(closed).await).await;
    let (kind, text) = end.unwrap_err();
    assert_eq!((count, kind), (1, StreamErrorKind::Broken));
    assert!(text.contains("in the middle of an event"), "{text}");
    let whole = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\ndata: a\n\n: b";
    assert_eq!(last(broken(whole).await).await, (1, Ok(())));
}

#[tokio::test]
async fn an_event_has_at_most_as_many_bytes_as_allowed() {
    let endless =
        "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\ndata: a\n\ndata: 0123456789\ndata: 0123456789\n\n";
    let mut config = broken(endless).await;
    config.answer_limit = 25;
    let (count, end) = last(config).await;
    let (kind, text) = end.unwrap_err();
    assert_eq!((count, kind), (1, StreamErrorKind::Unreadable));
    assert!(text.contains("has an event of more than 25 bytes: raise `answer_limit` under [clients.elsewhere]"), "{text}");
}

#[tokio::test]
async fn what_is_sent_in_a_form_with_files_is_to_the_letter() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let kept = Arc::clone(&seen);
    let keep = move |headers: HeaderMap, body: String| async move {
        kept.lock().unwrap().push((headers["content-type"].to_str().unwrap().to_owned(), body));
        axum::Json(())
    };
    let config = serve(Router::new().route("/forms", post(keep))).await;
    #[cfg(feature = "multipart")]
    {
        use comms::http::Multipart;
        let forms: FormsClient = over_port(&config);
        forms
            .send(Multipart::new().text("a", "1").file("f", "x.txt", "text/plain", BodyStream::of(stream::iter(["2", "3"]))))
            .await
            .unwrap();
        let (content_type, body) = seen.lock().unwrap().pop().unwrap();
        let boundary = content_type.strip_prefix("multipart/form-data; boundary=").unwrap();
        let expected = format!(
            "--{boundary}\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n--{boundary}\r\nContent-Disposition: form-data; name=\"f\"; filename=\"x.txt\"\r\nContent-Type: text/plain\r\n\r\n23\r\n--{boundary}--\r\n"
        );
        assert_eq!(body, expected);
    }
    drop((config, seen));
}

/// Somebody's forms.
#[cfg(feature = "multipart")]
#[client(url = "http://127.0.0.1:1")]
pub(crate) trait Forms {
    #[post("/forms")]
    async fn send(&self, form: comms::http::Multipart) -> Result<(), Problem>;
}
