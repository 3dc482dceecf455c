//! What the log says of calls. A program of its own: every test here sets the log up before anything is logged.

use std::cell::RefCell;
use std::io::Write;
use std::sync::{Arc, Mutex, Once};

use comms::grpc::Code;
use comms::message::Id;
use comms::telemetry::JsonLines;
use comms::{Context, Stopped};
use comms_grpc_tests::proto::shop::common::v1::Article;
use comms_grpc_tests::proto::shop::inventory::v1::{Delivery, Offer, ReserveRequest, WatchRequest};
use comms_grpc_tests::serving::{PATIENCE, until};
use comms_grpc_tests::whole::Whole;
use futures_util::{StreamExt, stream};
use serde_json::Value;
use tracing_subscriber::layer::SubscriberExt as _;

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

    fn all(&self) -> Vec<Value> {
        let text = String::from_utf8(self.0.lock().unwrap().clone()).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    fn of_calls(&self) -> Vec<Value> {
        let mut lines = self.all();
        lines.retain(|line| line["target"] == "comms::grpc" && line.get("rpc.method").is_some());
        lines
    }

    /// So many lines, once they are there.
    async fn calls(&self, count: usize) -> Vec<Value> {
        let there = async {
            while self.of_calls().len() < count {
                tokio::time::sleep(std::time::Duration::from_millis(2)).await;
            }
        };
        let there = tokio::time::timeout(PATIENCE, there).await;
        let calls = self.of_calls();
        assert!(there.is_ok() && calls.len() == count, "{calls:#?}");
        calls
    }
}

fn reserve(sku: &str) -> ReserveRequest {
    ReserveRequest { article: Some(Article { sku: sku.to_owned() }), quantity: 1 }
}

fn watch(sku: &str) -> WatchRequest {
    WatchRequest { article: Some(Article { sku: sku.to_owned() }), count: 3, padding: 0 }
}

#[tokio::test]
async fn each_call_is_one_line_with_its_ids_and_its_outcome() {
    let lines = Lines::keep();
    let whole = Whole::start("").await;
    let client = whole.client();
    let context = Context::default().with_correlation(Id::parse("order/17"));
    context.scope(client.reserve(reserve("chair"))).await.unwrap();
    client.reserve(reserve("missing")).await.unwrap_err();
    client.watch(watch("chair")).await.unwrap().count().await;
    assert_eq!(client.watch(watch("late")).await.unwrap().count().await, 4);
    let seen = lines.calls(4).await;
    for (name, expected) in [
        ("level", "INFO"),
        ("message", "call"),
        ("rpc.service", "shop.inventory.v1.Inventory"),
        ("rpc.method", "Reserve"),
        ("request_id", "order/17"),
        ("correlation_id", "order/17"),
        ("comms.service", "inventory"),
        ("comms.handler", "Reserve"),
    ] {
        assert_eq!(seen[0][name], expected, "{name} in {:#}", seen[0]);
    }
    assert!(seen[0]["duration_ms"].is_f64() && seen[0]["trace_id"].is_string(), "{:#}", seen[0]);
    let outcome: Vec<_> = seen.iter().map(|line| (line["rpc.method"].as_str().unwrap(), line["rpc.grpc.status_code"].as_i64())).collect();
    let refused = Some(Code::FailedPrecondition as i64);
    assert_eq!(outcome, [("Reserve", Some(0)), ("Reserve", refused), ("Watch", Some(0)), ("Watch", refused)]);
}

/// The caller of the third is not told why it ended; the log says it.
#[tokio::test]
async fn streams_that_end_with_the_service_are_no_errors_and_the_log_says_why() {
    let lines = Lines::keep();
    let whole = Whole::start("[grpc]\nstream_grace = \"50ms\"").await;
    let client = whole.client();
    let mut levels = client.watch(watch("endless")).await.unwrap();
    assert!(levels.message().await.unwrap().is_some());
    let mut answers = client.haggle(stream::iter([Offer::default()]).chain(stream::pending())).await.unwrap();
    assert!(answers.message().await.unwrap().is_some());
    let receiving = client.clone();
    let receipt = tokio::spawn(async move { receiving.receive(stream::iter([Delivery::default()]).chain(stream::pending())).await });
    until("handlers at work", &whole.seen.at_work, |count| count == 3).await;
    assert_eq!(whole.app.shutdown().await, Stopped::Drained);
    let error = receipt.await.unwrap().unwrap_err();
    assert_eq!((error.code(), error.message()), (Code::Unavailable, "the service can't do it now; try again later"));
    let calls = lines.calls(3).await;
    let mut methods: Vec<_> = calls.iter().map(|line| line["rpc.method"].as_str().unwrap()).collect();
    methods.sort_unstable();
    assert_eq!(methods, ["Haggle", "Receive", "Watch"]);
    for line in &calls {
        assert_eq!(
            (&line["level"], &line["message"], &line["rpc.grpc.status_code"]),
            (&"INFO".into(), &"call ended, since the service is stopping".into(), &14.into()),
            "{line:#}"
        );
    }
    let all = lines.all();
    assert!(all.iter().all(|line| line["level"] != "ERROR"), "{all:#?}");
    let own: Vec<_> = all.iter().filter(|line| line["target"] == "comms::grpc" && line["error"].is_string()).collect();
    assert_eq!(own.len(), 1, "{own:#?}");
    let text = own[0]["error"].as_str().unwrap();
    assert!(text.starts_with("unavailable: the service is stopping"), "{text}");
    assert_eq!((&own[0]["comms.handler"], &own[0]["level"]), (&"Receive".into(), &"INFO".into()), "{:#}", own[0]);
}

#[tokio::test]
async fn a_call_whose_caller_went_away_has_its_line_too() {
    let lines = Lines::keep();
    let whole = Whole::start("").await;
    let client = whole.client();
    let call = tokio::spawn(async move { client.reserve(reserve("slow")).await });
    until("handlers at work", &whole.seen.at_work, |count| count == 1).await;
    call.abort();
    let seen = lines.calls(1).await;
    assert_eq!(seen[0]["message"], "the caller went away before its call was answered");
    assert_eq!((&seen[0]["rpc.method"], seen[0].get("rpc.grpc.status_code")), (&Value::from("Reserve"), None));
}
