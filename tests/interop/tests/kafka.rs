//! CloudEvents over Kafka, with `kafka-python` on the other side, a client of its own in Python alone: docs/brokers.md says what
//! it must see and may leave out.

use comms::config::Config;
use comms::testing::servers::Kafka;
use comms::{App, AppBuilder, Context, Publisher, event, event_handler, handler};
use comms_interop::{PATIENCE, Script, kafka_python};
use serde_json::{Value, json};
use tokio::sync::mpsc;

/// As a user declares it.
#[event(name = "orders.order-placed", version = 3, topic = "orders", key = order_id)]
#[derive(Clone, Debug, PartialEq)]
struct OrderPlaced {
    order_id: String,
    total_cents: u64,
}

/// On a topic of its own.
#[event(name = "parcels.parcel-sent", version = 2, topic = "parcels", key = order_id)]
#[derive(Clone, Debug, PartialEq)]
struct ParcelSent {
    order_id: String,
}

/// What a handler got: the message as text, and its attributes.
#[derive(Clone, Debug)]
struct Inbox(mpsc::UnboundedSender<(String, comms::message::Metadata)>);

#[event_handler(service = "listener")]
async fn on_parcel_sent(event: ParcelSent, inbox: Inbox) {
    let metadata = Context::current().message().map(|envelope| envelope.metadata.clone());
    let _ = inbox.0.send((event.order_id, metadata.expect("a handler has a message")));
}

async fn start(app: AppBuilder) -> App {
    let config = format!("[brokers.default]\nurl = \"{}\"", Kafka::shared().await.url());
    app.config(Config::from_toml(&config).unwrap()).start().await.unwrap()
}

async fn script(name: &str, arguments: &[&str]) -> Script {
    Script::start_by(&kafka_python(), name, Kafka::shared().await.address(), arguments).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kafka_python_reads_what_comms_writes_with_the_documented_headers() {
    let app = start(AppBuilder::new("orders")).await;
    let publisher: Publisher<OrderPlaced> = app.inject().unwrap();
    let keys: Vec<String> = (0..12).map(|number| format!("o-{number} ü")).collect();
    for key in &keys {
        publisher.publish(&OrderPlaced { order_id: key.clone(), total_cents: 250 }).await.unwrap();
    }
    let mut script = script("kafka_read.py", &["orders", "12"]).await;
    let mut seen = Vec::new();
    for _ in &keys {
        let read: Value = serde_json::from_str(&script.line().await).unwrap();
        let key = read["key"].as_str().expect("a key").to_owned();
        assert_eq!(read["body"], format!(r#"{{"order_id":"{key}","total_cents":250}}"#), "the body is the payload and nothing else");
        assert_eq!(read["partition"], read["chosen"], "both choose the same partition for `{key}`");
        let headers = read["headers"].as_object().unwrap();
        let header = |name: &str| headers.get(name).and_then(Value::as_str);
        assert_eq!((header("ce_specversion"), header("content-type")), (Some("1.0"), Some("application/json")));
        assert_eq!((header("ce_type"), header("ce_source")), (Some("orders.order-placed"), Some("orders")));
        assert_eq!((header("ce_typeversion"), header("ce_partitionkey")), (Some("3"), Some(key.as_str())));
        assert_eq!(header("ce_id").map(str::len), Some(36), "a UUID");
        header("ce_time").expect("a time").parse::<jiff::Timestamp>().expect("RFC 3339");
        let known = ["specversion", "type", "source", "typeversion", "partitionkey", "id", "time", "correlationid", "traceparent"];
        let is_known = |name: &str| {
            name.strip_prefix("ce_").is_some_and(|name| known.contains(&name)) || ["content-type", "comms-after"].contains(&name)
        };
        let others: Vec<&String> = headers.keys().filter(|name| !is_known(name)).collect();
        assert!(others.is_empty(), "headers that nobody documented: {others:?}");
        seen.push(key);
    }
    script.end().await;
    seen.sort();
    let mut expected = keys;
    expected.sort();
    assert_eq!(seen, expected);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn comms_handles_the_cloud_event_that_kafka_python_writes() {
    let (sender, mut inbox) = mpsc::unbounded_channel();
    let app = AppBuilder::new("listener").event_function::<handler!(on_parcel_sent)>("listener");
    let _app = start(app.provide(Inbox(sender))).await;
    let headers = json!({
        "ce_specversion": "1.0", "ce_id": "p-1", "ce_type": "parcels.parcel-sent", "ce_source": "/python", "ce_typeversion": "2",
        "ce_time": "2026-01-02T03:04:05Z", "ce_partitionkey": "o-7", "ce_correlationid": "c-1", "ce_tenant": "blue",
        "content-type": "application/json", "x-theirs": "kept out of our way",
    });
    // What has no type is skipped, and holds up nothing.
    script("kafka_write.py", &["parcels"]).await.give(&json!({ "key": "o-7", "body": "no event at all" })).await;
    script("kafka_write.py", &["parcels"]).await.give(&json!({ "headers": headers, "key": "o-7", "body": r#"{"order_id": "o-7"}"# })).await;
    let next = tokio::time::timeout(PATIENCE, inbox.recv()).await;
    let (what, metadata) = next.expect("a message in time").expect("the application runs");
    assert_eq!(what, "o-7");
    assert_eq!((metadata.id.to_string().as_str(), &*metadata.source), ("p-1", "/python"));
    assert_eq!((metadata.version, metadata.key.as_deref()), (2, Some("o-7")));
    assert_eq!(metadata.correlation.map(|id| id.to_string()).as_deref(), Some("c-1"));
    assert_eq!(metadata.time.map(|time| time.to_string()).as_deref(), Some("2026-01-02T03:04:05Z"));
    assert_eq!(metadata.extensions["tenant"], "blue");
}
