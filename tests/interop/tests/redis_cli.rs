//! CloudEvents as entries of Redis streams, with `redis-cli` on the other side: docs/brokers.md says what it must see and may
//! leave out.

use std::collections::BTreeMap;

use comms::config::Config;
use comms::testing::servers::Redis;
use comms::{App, AppBuilder, Context, Publisher, event, event_handler, handler};
use comms_interop::PATIENCE;
use tokio::sync::mpsc;

/// As a user declares it.
#[event(name = "orders.order-placed", version = 3, topic = "orders", key = order_id)]
#[derive(Clone, Debug, PartialEq)]
struct OrderPlaced {
    order_id: String,
    total_cents: u64,
}

/// What a handler got: the message as text, and its attributes.
#[derive(Clone, Debug)]
struct Inbox(mpsc::UnboundedSender<(String, comms::message::Metadata)>);

#[event_handler(service = "listener")]
async fn on_order_placed(event: OrderPlaced, inbox: Inbox) {
    let metadata = Context::current().message().map(|envelope| envelope.metadata.clone());
    let _ = inbox.0.send((format!("{} {}", event.order_id, event.total_cents), metadata.expect("a handler has a message")));
}

async fn start(database: u32, app: AppBuilder) -> App {
    let url = Redis::shared().await.url_for(database);
    app.config(Config::from_toml(&format!("[brokers.default]\nurl = \"{url}\"")).unwrap()).start().await.unwrap()
}

async fn cli(database: u32, arguments: &[&str]) -> String {
    let database = database.to_string();
    let arguments: Vec<&str> = ["-n", &database].into_iter().chain(arguments.iter().copied()).collect();
    Redis::shared().await.cli(&arguments).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_cli_reads_what_comms_writes_with_the_documented_fields() {
    let app = start(1, AppBuilder::new("orders")).await;
    let publisher: Publisher<OrderPlaced> = app.inject().unwrap();
    publisher.publish(&OrderPlaced { order_id: "o-1".to_owned(), total_cents: 250 }).await.unwrap();
    let printed = cli(1, &["XRANGE", "comms:topic:orders", "-", "+"]).await;
    let mut lines = printed.lines();
    let entry = lines.next().expect("an entry");
    assert!(entry.split_once('-').is_some_and(|(ms, _)| ms.parse::<u64>().is_ok()), "{printed}");
    let lines: Vec<&str> = lines.collect();
    let mut fields: BTreeMap<&str, &str> = lines.chunks(2).map(|pair| (pair[0], pair[1])).collect();
    assert_eq!(fields.remove("data"), Some(r#"{"order_id":"o-1","total_cents":250}"#), "the body is the payload and nothing else");
    assert_eq!(fields.remove("partitionkey"), Some("o-1"));
    let attributes = fields.remove("ce").expect("attributes");
    assert!(fields.is_empty(), "fields that nobody documented: {fields:?}");
    let mut attributes: BTreeMap<String, String> = serde_json::from_str(attributes).expect("an object of texts");
    for (name, value) in [
        ("datacontenttype", "application/json"),
        ("specversion", "1.0"),
        ("type", "orders.order-placed"),
        ("source", "orders"),
        ("typeversion", "3"),
    ] {
        assert_eq!(attributes.remove(name).as_deref(), Some(value), "{name}");
    }
    assert_eq!(attributes.remove("id").map(|id| id.len()), Some(36), "a UUID");
    attributes.remove("time").expect("a time").parse::<jiff::Timestamp>().expect("RFC 3339");
    attributes.retain(|name, _| !["correlationid", "traceparent"].contains(&name.as_str()));
    assert!(attributes.is_empty(), "attributes that nobody documented: {attributes:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn comms_handles_the_cloud_event_that_redis_cli_writes() {
    let (sender, mut inbox) = mpsc::unbounded_channel();
    let app = AppBuilder::new("listener").event_function::<handler!(on_order_placed)>("listener").provide(Inbox(sender));
    let _app = start(2, app).await;
    let attributes = [
        ("specversion", "1.0"),
        ("id", "p-1"),
        ("type", "orders.order-placed"),
        ("source", "/shell"),
        ("typeversion", "3"),
        ("datacontenttype", "application/json"),
        ("time", "2026-01-02T03:04:05Z"),
        ("partitionkey", "o-7"),
        ("correlationid", "c-1"),
        ("tenant", "blue"),
    ];
    let data = ["data", r#"{"total_cents": 9, "order_id": "o-7"}"#];
    let object = serde_json::to_string(&BTreeMap::from(attributes)).unwrap();
    let each_in_a_field: Vec<&str> = attributes.iter().flat_map(|(name, value)| [*name, *value]).chain(data).collect();
    for fields in [each_in_a_field, ["ce", &object].into_iter().chain(data).collect()] {
        let command: Vec<&str> = ["XADD", "comms:topic:orders", "*"].into_iter().chain(fields).collect();
        cli(2, &command).await;
        is_handled_with_every_attribute(&mut inbox).await;
    }
}

async fn is_handled_with_every_attribute(inbox: &mut mpsc::UnboundedReceiver<(String, comms::message::Metadata)>) {
    let (what, metadata) = tokio::time::timeout(PATIENCE, inbox.recv()).await.expect("in time").expect("the application runs");
    assert_eq!(what, "o-7 9");
    assert_eq!((metadata.id.to_string().as_str(), &*metadata.source), ("p-1", "/shell"));
    assert_eq!((metadata.version, metadata.key.as_deref()), (3, Some("o-7")));
    assert_eq!(metadata.correlation.map(|id| id.to_string()).as_deref(), Some("c-1"));
    assert_eq!(metadata.time.map(|time| time.to_string()).as_deref(), Some("2026-01-02T03:04:05Z"));
    assert_eq!(metadata.extensions["tenant"], "blue");
}
