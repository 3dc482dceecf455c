//! What the log says of requests. A program of its own: every test here sets the log up before anything is logged.
#![cfg(all(feature = "http", feature = "testing"))]
#![allow(unreachable_pub, dead_code, reason = "shared with the tests of the port")]

#[path = "http/client.rs"]
mod client;
#[path = "http/orders.rs"]
mod orders;
#[path = "http/parcels.rs"]
mod parcels;

use std::cell::RefCell;
use std::io::Write;
use std::sync::{Arc, Mutex, Once};

use comms::telemetry::JsonLines;
use serde_json::Value;
use tokio::io::AsyncWriteExt as _;
use tracing_subscriber::layer::SubscriberExt as _;

use crate::client::{connect, get, serve, until};
use crate::orders::{Gate, test};
use crate::parcels::Watch;

static SET_UP: Once = Once::new();

thread_local! {
    /// Where the lines of this thread go; each test has a thread of its own.
    static HERE: RefCell<Lines> = RefCell::default();
}

/// Lines of the log of one thread.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Lines {
    /// Those of this thread, from here on.
    fn keep() -> Self {
        SET_UP.call_once(|| {
            let lines = JsonLines::new(|| HERE.with_borrow(Self::clone));
            tracing::subscriber::set_global_default(tracing_subscriber::registry().with(lines)).unwrap();
        });
        let lines = Self::default();
        HERE.set(lines.clone());
        lines
    }

    fn of_requests(&self) -> Vec<Value> {
        let text = String::from_utf8(self.0.lock().unwrap().clone()).unwrap();
        let lines = text.lines().map(|line| serde_json::from_str(line).unwrap());
        lines.filter(|line: &Value| line["target"] == "comms::http").collect()
    }
}

#[tokio::test(start_paused = true)]
async fn each_request_is_one_line_with_its_ids() {
    let lines = Lines::keep();
    let app = test().start().await.unwrap();
    let trace = "0af7651916cd43dd8448eb211c80319c";
    let parent = format!("00-{trace}-b7ad6b7169203331-01");
    app.http().get("/orders/9?secret=1").header("x-request-id", "r-1").header("traceparent", &parent).send().await;
    app.http().get("/nowhere").send().await;
    let seen = lines.of_requests();
    assert_eq!(seen.len(), 2, "{seen:#?}");
    let line = &seen[0];
    for (name, expected) in [
        ("level", "INFO"),
        ("message", "request"),
        ("http.request.method", "GET"),
        ("http.route", "/orders/{id}"),
        ("request_id", "r-1"),
        ("correlation_id", "r-1"),
        ("trace_id", trace),
        ("comms.service", "orders"),
        ("comms.handler", "find"),
    ] {
        assert_eq!(line[name], expected, "{name} in {line:#}");
    }
    assert_eq!(line["http.response.status_code"], 404);
    assert!(line["duration_ms"].is_f64(), "{line:#}");
    assert!(!line.to_string().contains("secret"));
    assert_eq!((&seen[1]["http.route"], &seen[1]["http.response.status_code"]), (&Value::from(""), &Value::from(404)));
}

#[tokio::test(start_paused = true)]
async fn the_log_has_what_the_client_is_not_told() {
    let lines = Lines::keep();
    let app = test().start().await.unwrap();
    for path in ["/fail/retryable", "/fail/panic", "/hang", "/fail/permanent"] {
        app.http().get(path).send().await;
    }
    let seen = lines.of_requests();
    let errors: Vec<&str> = seen.iter().filter(|line| line["level"] == "ERROR").map(|line| line["error"].as_str().unwrap()).collect();
    assert_eq!(errors.len(), 3, "{seen:#?}");
    assert_eq!(errors[..2], ["the database at 10.0.0.7 is away", "the route panicked: hunter2"]);
    assert!(errors[2].contains("did not finish within 5s"), "{errors:?}");
    assert_eq!((seen.len(), &seen[3]["level"]), (4, &Value::from("INFO")));
}

#[tokio::test]
async fn a_request_whose_client_went_away_has_its_line_too() {
    let lines = Lines::keep();
    let gate = Gate::new();
    let app = serve(&gate, "").await;
    let mut stream = connect(&app).await;
    stream.write_all(get("/hold").as_bytes()).await.unwrap();
    gate.held(1).await;
    drop(stream);
    until("the line is there", || lines.of_requests().iter().any(|line| line["http.route"] == "/hold")).await;
    let seen: Vec<Value> = lines.of_requests().into_iter().filter(|line| line["http.route"] == "/hold").collect();
    assert_eq!(seen.len(), 1, "{seen:#?}");
    assert_eq!(seen[0]["message"], "the client went away before its request was answered");
}

#[tokio::test]
async fn a_stream_has_one_line_when_it_has_ended_and_how() {
    let lines = Lines::keep();
    let watch = Watch::new();
    let app = parcels::serve(&watch, "").await;
    let mut whole = connect(&app).await;
    whole.write_all(client::get_and_close("/numbers").as_bytes()).await.unwrap();
    client::rest(&mut whole).await;
    for end in [99, 13, 0] {
        let mut news = connect(&app).await;
        news.write_all(client::get_and_close("/news").as_bytes()).await.unwrap();
        watch.open(1).await;
        if end > 0 {
            watch.news.send(end).unwrap();
            client::rest(&mut news).await;
        }
        drop(news);
        watch.open(0).await;
    }
    let mut last = connect(&app).await;
    last.write_all(get("/news").as_bytes()).await.unwrap();
    watch.open(1).await;
    // Beside them the connection of a stream that failed says that it ended badly.
    let of_routes = || -> Vec<Value> { lines.of_requests().into_iter().filter(|line| line["http.route"].is_string()).collect() };
    assert_eq!(of_routes().len(), 4, "an open stream has none yet: {:#?}", of_routes());
    app.shutdown().await;
    let seen = of_routes();
    let said: Vec<(&str, &str, Option<&str>)> =
        seen.iter().map(|line| (line["level"].as_str().unwrap(), line["message"].as_str().unwrap(), line["error"].as_str())).collect();
    let expected = [
        ("INFO", "a stream ended", None),
        ("ERROR", "a stream failed", Some("hunter2")),
        ("ERROR", "a stream failed", Some("it panicked: unlucky")),
        ("INFO", "the client went away from a stream", None),
        ("INFO", "a stream was ended, since the service stops", None),
    ];
    assert_eq!(said, expected);
    assert!(seen.iter().all(|line| line["http.response.status_code"] == 200 && line["comms.service"] == "parcels"), "{seen:#?}");
}
