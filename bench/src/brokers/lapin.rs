//! lapin alone, as somebody writes it who knows it.

use std::collections::VecDeque;

use comms::message::{Id, Metadata, cloudevents};
use futures_util::future::BoxFuture;
use futures_util::{FutureExt, StreamExt};
use lapin::options::{BasicAckOptions, BasicConsumeOptions, BasicPublishOptions, BasicQosOptions, ConfirmSelectOptions};
use lapin::types::{AMQPValue, FieldTable, ShortString};
use lapin::{BasicProperties, Channel, Connection, ConnectionProperties};

use super::{Arrivals, CONCURRENCY, GROUP, Headers, Party, Shipped, TOPIC, WINDOW, attributes};

/// After so many settled messages the acknowledgement is written: what the backend does with this prefetch.
const ACKS: u64 = 64;

/// lapin without `comms`.
#[derive(Debug)]
pub struct RawRabbitMq {
    headers: Headers,
    exchange: String,
    publishing: Channel,
    consuming: Channel,
    connections: [Connection; 2],
    event: Shipped,
    arrivals: Arrivals,
}

impl RawRabbitMq {
    /// Declares its group: the queue has the arguments that the backend gives it.
    pub async fn join(url: String, name: String, headers: Headers, bytes: usize) -> Self {
        let broker = super::connect(&url, &name).await;
        super::declare(broker.as_ref()).await;
        broker.close().await;
        let connections = [open(&url).await, open(&url).await];
        let publishing = connections[0].create_channel().await.expect("a channel");
        publishing.confirm_select(ConfirmSelectOptions::default()).await.expect("confirms");
        let consuming = connections[1].create_channel().await.expect("a channel");
        Self { headers, exchange: name, publishing, consuming, connections, event: Shipped::of(bytes), arrivals: Arrivals::default() }
    }

    fn properties(&self) -> BasicProperties {
        let properties = BasicProperties::default().with_delivery_mode(2);
        match self.headers {
            Headers::None => properties,
            Headers::CloudEvents => with_attributes(properties),
        }
    }
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
    let metadata = attributes();
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
            std::hint::black_box(read(&delivery));
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

fn read(delivery: &lapin::message::Delivery) -> Metadata {
    let mut metadata = Metadata::foreign(Id::new());
    for (name, value) in delivery.properties.headers().iter().flat_map(|headers| headers.inner()) {
        if let (Some(attribute), AMQPValue::LongString(text)) = (name.as_str().strip_prefix("cloudEvents:"), value) {
            cloudevents::read(&mut metadata, attribute, &String::from_utf8_lossy(text.as_bytes()));
        }
    }
    metadata
}

impl Party for RawRabbitMq {
    fn publish(&self, messages: usize) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            let mut unconfirmed = VecDeque::with_capacity(WINDOW);
            for _ in 0..messages {
                if unconfirmed.len() == WINDOW {
                    confirmed(unconfirmed.pop_front()).await;
                }
                let payload = serde_json::to_vec(&self.event).expect("JSON");
                let options = BasicPublishOptions { mandatory: true, ..BasicPublishOptions::default() };
                let publish =
                    self.publishing.basic_publish(self.exchange.as_str().into(), TOPIC.into(), options, &payload, self.properties());
                unconfirmed.push_back(publish.await.expect("published"));
            }
            while !unconfirmed.is_empty() {
                confirmed(unconfirmed.pop_front()).await;
            }
        })
    }

    fn attach(&mut self) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            let prefetch = u16::try_from(2 * CONCURRENCY).expect("a prefetch");
            self.consuming.basic_qos(prefetch, BasicQosOptions::default()).await.expect("a prefetch");
            let (queue, options) = (ShortString::from(format!("{GROUP}.{TOPIC}")), BasicConsumeOptions::default());
            let consumer = self.consuming.basic_consume(queue, "".into(), options, FieldTable::default()).await.expect("a consumer");
            tokio::spawn(consume(self.consuming.clone(), consumer, self.headers, self.arrivals.clone()));
        })
    }

    fn arrivals(&self) -> &Arrivals {
        &self.arrivals
    }

    fn leave(self: Box<Self>) -> BoxFuture<'static, ()> {
        Box::pin(async move {
            for connection in self.connections {
                connection.close(200, "done".into()).await.expect("closed");
            }
        })
    }
}
