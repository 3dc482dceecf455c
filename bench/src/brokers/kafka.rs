//! rdkafka alone, as somebody writes it who knows it.

use std::collections::VecDeque;
use std::sync::Arc;

use comms::message::{Id, Metadata, cloudevents};
use futures_util::future::BoxFuture;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::consumer::{Consumer, StreamConsumer};
use rdkafka::message::{Header, Headers as KafkaHeaders, OwnedHeaders};
use rdkafka::producer::future_producer::DeliveryFuture;
use rdkafka::producer::{FutureProducer, FutureRecord};
use rdkafka::{ClientConfig, Message};
use tokio::task::JoinHandle;

use super::{Arrivals, GROUP, Headers, Party, Shipped, WINDOW, attributes};

/// As many partitions as the backend makes.
const PARTITIONS: i32 = 8;

/// rdkafka without `comms`. Its offsets are stored once a message was handled, and committed by librdkafka now and then.
pub struct RawKafka {
    client: ClientConfig,
    headers: Headers,
    topic: String,
    producer: FutureProducer,
    event: Shipped,
    arrivals: Arrivals,
    consuming: Option<JoinHandle<()>>,
}

impl RawKafka {
    /// Makes its topic.
    pub async fn join(url: String, name: String, headers: Headers, bytes: usize) -> Self {
        let mut client = ClientConfig::new();
        let server = url.trim_start_matches("kafka://").trim_end_matches('/');
        client.set("bootstrap.servers", server).set("socket.nagle.disable", "true");
        let topic = format!("raw-{name}");
        let admin: AdminClient<DefaultClientContext> = client.create().expect("a client");
        let new = [NewTopic::new(&topic, PARTITIONS, TopicReplication::Fixed(1))];
        for made in admin.create_topics(&new, &AdminOptions::new()).await.expect("answered") {
            made.expect("a topic");
        }
        let producer = producing(&client).create().expect("a producer");
        Self { client, headers, topic, producer, event: Shipped::of(bytes), arrivals: Arrivals::default(), consuming: None }
    }
}

/// The settings of the backend, where they matter for speed.
fn producing(client: &ClientConfig) -> ClientConfig {
    let mut client = client.clone();
    client.set("enable.idempotence", "true").set("acks", "all").set("linger.ms", "0").set("partitioner", "murmur2_random");
    client
}

fn consuming(client: &ClientConfig) -> ClientConfig {
    let mut client = client.clone();
    client.set("group.id", GROUP).set("auto.offset.reset", "earliest").set("isolation.level", "read_committed");
    client.set("partition.assignment.strategy", "cooperative-sticky").set("enable.auto.offset.store", "false");
    client
}

async fn confirmed(confirm: Option<DeliveryFuture>) {
    if let Some(confirm) = confirm {
        confirm.await.expect("answered").expect("confirmed");
    }
}

async fn consume(consumer: Arc<StreamConsumer>, headers: Headers, arrivals: Arrivals) {
    loop {
        let message = consumer.recv().await.expect("a message");
        if headers == Headers::CloudEvents {
            std::hint::black_box(read(&message));
        }
        arrivals.add(&serde_json::from_slice(message.payload().expect("a payload")).expect("JSON"));
        consumer.store_offset_from_message(&message).expect("settled");
    }
}

fn written() -> OwnedHeaders {
    let mut headers = OwnedHeaders::new();
    cloudevents::write(&attributes(), |name, value| {
        let header = Header { key: &format!("ce_{name}"), value: Some(&*value) };
        headers = std::mem::take(&mut headers).insert(header);
    });
    headers
}

fn read(message: &impl Message) -> Metadata {
    let mut metadata = Metadata::foreign(Id::new());
    for header in message.headers().into_iter().flat_map(KafkaHeaders::iter) {
        if let (Some(name), Some(value)) = (header.key.strip_prefix("ce_"), header.value) {
            cloudevents::read(&mut metadata, name, &String::from_utf8_lossy(value));
        }
    }
    metadata
}

impl Party for RawKafka {
    fn publish(&self, messages: usize) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            let mut unconfirmed = VecDeque::with_capacity(WINDOW);
            for _ in 0..messages {
                if unconfirmed.len() == WINDOW {
                    confirmed(unconfirmed.pop_front()).await;
                }
                let payload = serde_json::to_vec(&self.event).expect("JSON");
                let mut record = FutureRecord::<(), _>::to(&self.topic).payload(&payload);
                if self.headers == Headers::CloudEvents {
                    record = record.headers(written());
                }
                let Ok(sent) = self.producer.send_result(record) else { panic!("the queue of librdkafka is full") };
                unconfirmed.push_back(sent);
            }
            while !unconfirmed.is_empty() {
                confirmed(unconfirmed.pop_front()).await;
            }
        })
    }

    fn attach(&mut self) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            let consumer: StreamConsumer = consuming(&self.client).create().expect("a consumer");
            consumer.subscribe(&[&self.topic]).expect("subscribed");
            self.consuming = Some(tokio::spawn(consume(Arc::new(consumer), self.headers, self.arrivals.clone())));
        })
    }

    fn arrivals(&self) -> &Arrivals {
        &self.arrivals
    }

    fn leave(self: Box<Self>) -> BoxFuture<'static, ()> {
        Box::pin(async move {
            if let Some(consuming) = self.consuming {
                consuming.abort();
                // Its consumer is closed once the task is gone.
                let _ = consuming.await;
            }
        })
    }
}

impl std::fmt::Debug for RawKafka {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("RawKafka").field(&self.topic).finish()
    }
}
