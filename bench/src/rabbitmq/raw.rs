//! lapin alone, as somebody writes it who knows it.

use std::collections::VecDeque;
use std::sync::Arc;

use comms::broker::Broker;
use comms::message::{Id, Metadata, TraceParent, cloudevents};
use futures_util::{FutureExt, StreamExt};
use lapin::options::{BasicAckOptions, BasicConsumeOptions, BasicPublishOptions, BasicQosOptions, ConfirmSelectOptions};
use lapin::types::{AMQPValue, FieldTable, ShortString};
use lapin::{BasicProperties, Channel, Connection, ConnectionProperties};
use tokio::runtime::Runtime;

use super::{ACKS, Arrivals, CONCURRENCY, Shipped, WINDOW};
use crate::contest::Contestant;

/// What is written beside the payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Headers {
    /// The delivery mode.
    None,
    /// The CloudEvents attributes that the framework writes, and read again at the other end.
    CloudEvents,
}

/// lapin without `comms`.
#[derive(Debug)]
pub struct Raw {
    runtime: Arc<Runtime>,
    headers: Headers,
    exchange: &'static str,
    publishing: Channel,
    arrivals: Arrivals,
    _connections: [Connection; 2],
}

impl Raw {
    /// Connects, and begins to consume.
    #[must_use]
    pub fn start(runtime: Arc<Runtime>, url: &str, headers: Headers) -> Self {
        let exchange = if headers == Headers::None { "bench-raw" } else { "bench-raw-headers" };
        declare(&runtime, url, exchange);
        let arrivals = Arrivals::default();
        let (publishing, connections) = runtime.block_on(async {
            let connections = [open(url).await, open(url).await];
            let publishing = connections[0].create_channel().await.expect("a channel");
            publishing.confirm_select(ConfirmSelectOptions::default()).await.expect("confirms");
            let consuming = connections[1].create_channel().await.expect("a channel");
            let prefetch = u16::try_from(2 * CONCURRENCY).expect("a prefetch");
            consuming.basic_qos(prefetch, BasicQosOptions::default()).await.expect("a prefetch");
            let (queue, options) = (ShortString::from(format!("{exchange}.parcels")), BasicConsumeOptions::default());
            let consumer = consuming.basic_consume(queue, "".into(), options, FieldTable::default()).await.expect("a consumer");
            tokio::spawn(consume(consuming, consumer, headers, arrivals.clone()));
            (publishing, connections)
        });
        Self { runtime, headers, exchange, publishing, arrivals, _connections: connections }
    }

    async fn publish(&self, messages: usize) {
        let event = Shipped::new();
        let mut unconfirmed = VecDeque::with_capacity(WINDOW);
        for _ in 0..messages {
            if unconfirmed.len() == WINDOW {
                confirmed(unconfirmed.pop_front()).await;
            }
            let payload = serde_json::to_vec(&event).expect("JSON");
            let options = BasicPublishOptions { mandatory: true, ..BasicPublishOptions::default() };
            let publish = self.publishing.basic_publish(self.exchange.into(), "parcels".into(), options, &payload, self.properties());
            unconfirmed.push_back(publish.await.expect("published"));
        }
        while !unconfirmed.is_empty() {
            confirmed(unconfirmed.pop_front()).await;
        }
    }

    fn properties(&self) -> BasicProperties {
        let properties = BasicProperties::default().with_delivery_mode(2);
        match self.headers {
            Headers::None => properties,
            Headers::CloudEvents => with_attributes(properties),
        }
    }
}

/// The queue has the arguments that the backend gives it.
fn declare(runtime: &Runtime, url: &str, exchange: &'static str) {
    let broker = super::connect(runtime, url, exchange);
    drop(runtime.block_on(broker.subscribe(super::subscription(exchange))).expect("declared"));
    runtime.block_on(broker.close());
}

async fn open(url: &str) -> Connection {
    Connection::connect(url, ConnectionProperties::default()).await.expect("a connection")
}

async fn confirmed(confirm: Option<impl Future<Output = lapin::Result<lapin::Confirmation>>>) {
    if let Some(confirm) = confirm {
        assert!(confirm.await.expect("confirmed").is_ack(), "the server refused a message");
    }
}

fn with_attributes(properties: BasicProperties) -> BasicProperties {
    let mut metadata = Metadata::new("bench.shipped", "bench".into());
    metadata.correlation = Some(Id::new());
    metadata.trace = Some(TraceParent::root());
    let mut headers = FieldTable::default();
    cloudevents::write(&metadata, |name, value| {
        headers.insert(format!("cloudEvents:{name}").into(), AMQPValue::LongString(value.as_bytes().into()));
    });
    properties
        .with_message_id(metadata.id.to_string().into())
        .with_type("bench.shipped".into())
        .with_content_type("application/json".into())
        .with_headers(headers)
}

/// Takes what is there, then acknowledges; at the latest after so many.
async fn consume(channel: Channel, mut consumer: lapin::Consumer, headers: Headers, arrivals: Arrivals) {
    let mut open = None;
    let mut count = 0;
    loop {
        let next = match consumer.next().now_or_never() {
            Some(next) => next,
            None => {
                acknowledge(&channel, open.take()).await;
                count = 0;
                consumer.next().await
            }
        };
        let Some(Ok(delivery)) = next else { return };
        if headers == Headers::CloudEvents {
            std::hint::black_box(attributes(&delivery));
        }
        arrivals.add(&serde_json::from_slice(&delivery.data).expect("JSON"));
        open = Some(delivery.delivery_tag);
        count += 1;
        if count == ACKS {
            acknowledge(&channel, open.take()).await;
            count = 0;
        }
    }
}

async fn acknowledge(channel: &Channel, tag: Option<u64>) {
    if let Some(tag) = tag {
        channel.basic_ack(tag, BasicAckOptions { multiple: true }).await.expect("acknowledged");
    }
}

fn attributes(delivery: &lapin::message::Delivery) -> Metadata {
    let mut metadata = Metadata::foreign(Id::new());
    for (name, value) in delivery.properties.headers().iter().flat_map(|headers| headers.inner()) {
        if let (Some(attribute), AMQPValue::LongString(text)) = (name.as_str().strip_prefix("cloudEvents:"), value) {
            cloudevents::read(&mut metadata, attribute, &String::from_utf8_lossy(text.as_bytes()));
        }
    }
    metadata
}

impl Contestant for Raw {
    fn name(&self) -> String {
        match self.headers {
            Headers::None => "lapin".to_owned(),
            Headers::CloudEvents => "lapin, with the same headers".to_owned(),
        }
    }

    fn run(&mut self, messages: usize) {
        self.arrivals.expect(messages);
        self.runtime.block_on(async { tokio::join!(self.publish(messages), self.arrivals.all()) });
    }
}
