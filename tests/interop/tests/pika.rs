//! CloudEvents over AMQP, with `pika` for Python on the other side: docs/brokers.md and docs/messages.md say what
//! it must see and may leave out.

use std::sync::atomic::Ordering;

use comms::config::Config;
use comms::testing::servers::RabbitMq;
use comms::{App, AppBuilder, Context, Publisher, event, event_handler, handler};
use comms_interop::{PATIENCE, Script};
use serde_json::{Value, json};
use tokio::sync::mpsc;

/// As a user declares it.
#[event(name = "orders.order-placed", version = 3, topic = "orders", key = order_id)]
#[derive(Clone, Debug, PartialEq)]
struct OrderPlaced {
    order_id: String,
    total_cents: u64,
}

/// What a foreign producer means that knows nothing of versions.
#[event(name = "shop.ping", version = 1, topic = "orders")]
#[derive(Clone, Debug, PartialEq)]
struct Ping {
    number: u32,
}

/// What a handler got: the message as text, and its attributes.
#[derive(Clone, Debug)]
struct Inbox(mpsc::UnboundedSender<(String, comms::message::Metadata)>);

impl Inbox {
    fn put(&self, what: String) {
        let metadata = Context::current().message().map(|envelope| envelope.metadata.clone());
        let _ = self.0.send((what, metadata.expect("a handler has a message")));
    }
}

#[event_handler(service = "listener")]
async fn on_order_placed(event: OrderPlaced, inbox: Inbox) {
    inbox.put(format!("{} {}", event.order_id, event.total_cents));
}

#[event_handler(service = "listener")]
async fn on_ping(event: Ping, inbox: Inbox) {
    inbox.put(format!("ping {}", event.number));
}

struct World {
    server: &'static RabbitMq,
    vhost: &'static str,
}

impl World {
    async fn new(vhost: &'static str) -> Self {
        let server = RabbitMq::shared().await;
        server.add_vhost(vhost).await.unwrap();
        Self { server, vhost }
    }

    async fn start(&self, app: AppBuilder) -> App {
        let config = format!("[brokers.default]\nurl = \"{}\"", self.server.url_for(self.vhost));
        app.config(Config::from_toml(&config).unwrap()).start().await.unwrap()
    }

    /// An application with both handlers, and what they get.
    async fn listen(&self) -> (App, mpsc::UnboundedReceiver<(String, comms::message::Metadata)>) {
        let (sender, inbox) = mpsc::unbounded_channel();
        let app = AppBuilder::new("listener");
        let app = app.event_function::<handler!(on_order_placed)>("listener").event_function::<handler!(on_ping)>("listener");
        (self.start(app.provide(Inbox(sender))).await, inbox)
    }

    async fn write(&self, message: &Value) {
        Script::start("write.py", self.server, &[self.vhost]).await.give(message).await;
    }
}

async fn next<T>(inbox: &mut mpsc::UnboundedReceiver<T>) -> T {
    tokio::time::timeout(PATIENCE, inbox.recv()).await.expect("a message in time").expect("the application runs")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pika_reads_what_comms_writes_with_the_documented_headers() {
    let world = World::new("read").await;
    let app = world.start(AppBuilder::new("orders")).await;
    // Publishing declares the exchange.
    let publisher: Publisher<OrderPlaced> = app.inject().unwrap();
    publisher.publish(&OrderPlaced { order_id: "o-0".to_owned(), total_cents: 0 }).await.unwrap();
    let mut script = Script::start("read.py", world.server, &[world.vhost, "inbox"]).await;
    assert_eq!(script.line().await, "ready");
    publisher.publish(&OrderPlaced { order_id: "o-1".to_owned(), total_cents: 250 }).await.unwrap();
    let read: Value = serde_json::from_str(&script.line().await).unwrap();
    script.end().await;

    assert_eq!(read["body"], r#"{"order_id":"o-1","total_cents":250}"#, "the body is the payload and nothing else");
    assert_eq!(read["content_type"], "application/json");
    assert_eq!((&read["exchange"], &read["routing_key"]), (&json!("comms"), &json!("orders")));
    assert_eq!(read["delivery_mode"], 2, "persistent");
    assert_eq!(read["type"], "orders.order-placed");
    let headers = read["headers"].as_object().unwrap();
    let header = |name: &str| headers.get(&format!("cloudEvents:{name}")).and_then(Value::as_str).map(str::to_owned);
    assert_eq!(header("specversion").as_deref(), Some("1.0"));
    assert_eq!(header("type").as_deref(), Some("orders.order-placed"));
    assert_eq!(header("source").as_deref(), Some("orders"));
    assert_eq!(header("typeversion").as_deref(), Some("3"));
    assert_eq!(header("partitionkey").as_deref(), Some("o-1"));
    let id = header("id").expect("an id");
    assert_eq!(read["message_id"], id);
    assert_eq!(id.len(), 36, "a UUID: {id}");
    let time: jiff::Timestamp = header("time").expect("a time").parse().expect("RFC 3339");
    assert_eq!(read["timestamp"], time.as_second());
    let known = ["specversion", "type", "source", "typeversion", "partitionkey", "id", "time", "correlationid", "traceparent"];
    let known: Vec<String> = known.iter().map(|name| format!("cloudEvents:{name}")).collect();
    let others: Vec<&String> = headers.keys().filter(|name| !known.contains(*name)).collect();
    assert!(others.is_empty(), "headers that nobody documented: {others:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn comms_handles_the_cloud_event_that_pika_writes() {
    let world = World::new("write").await;
    let (_app, mut inbox) = world.listen().await;
    for prefix in ["cloudEvents:", "cloudEvents_"] {
        let attributes = json!({
            "specversion": "1.0", "id": "p-1", "type": "orders.order-placed", "source": "/python", "typeversion": "3",
            "time": "2026-01-02T03:04:05Z", "partitionkey": "o-7", "correlationid": "c-1", "tenant": "blue",
            "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        });
        let headers: serde_json::Map<String, Value> =
            attributes.as_object().unwrap().iter().map(|(name, value)| (format!("{prefix}{name}"), value.clone())).collect();
        let properties = json!({ "content_type": "application/json" });
        world.write(&json!({ "headers": headers, "properties": properties, "body": r#"{"total_cents": 9, "order_id": "o-7"}"# })).await;
        let (what, metadata) = next(&mut inbox).await;
        assert_eq!(what, "o-7 9");
        assert_eq!((metadata.id.to_string().as_str(), &*metadata.source), ("p-1", "/python"));
        assert_eq!((metadata.version, metadata.key.as_deref()), (3, Some("o-7")));
        assert_eq!(metadata.correlation.map(|id| id.to_string()).as_deref(), Some("c-1"));
        assert_eq!(metadata.time.map(|time| time.to_string()).as_deref(), Some("2026-01-02T03:04:05Z"));
        assert_eq!(metadata.extensions["tenant"], "blue");
        let trace = metadata.trace.expect("the trace goes on").to_string();
        assert!(trace.contains("0af7651916cd43dd8448eb211c80319c"), "{trace}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn plain_json_from_pika_needs_no_header_but_the_type_of_amqp_itself() {
    let world = World::new("plain").await;
    let (app, mut inbox) = world.listen().await;
    // Not even a type: nobody can say whose it is. It is counted, and it stops nobody.
    world.write(&json!({ "body": r#"{"number": 1}"# })).await;
    world.write(&json!({ "properties": { "type": "shop.ping" }, "body": r#"{"number": 2}"# })).await;
    let (what, metadata) = next(&mut inbox).await;
    assert_eq!(what, "ping 2");
    assert!(!metadata.id.to_string().is_empty(), "it was given an id");
    let skipped = &app.counters()["listener.orders"].skipped;
    let counted = async {
        while skipped.load(Ordering::Relaxed) < 1 {
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(PATIENCE, counted).await.expect("the one without a type is counted as skipped");
}
