//! The notifications of the example shop, wired by hand: topology, decoding, deduplication, acknowledgement,
//! dead letters and an orderly end. What it lacks beside the real one: retries with delays, reconnecting, configuration,
//! health, traces, `wiring`, `dlq`, tests without a server.

use std::collections::{HashSet, VecDeque};
use std::error::Error;
use std::time::{Duration, Instant};

use futures_util::StreamExt;
use lapin::message::Delivery;
use lapin::options::{
    BasicAckOptions, BasicConsumeOptions, BasicNackOptions, BasicQosOptions, ExchangeDeclareOptions, QueueBindOptions, QueueDeclareOptions,
};
use lapin::types::{AMQPValue, FieldTable};
use lapin::{Channel, Connection, ConnectionProperties, ExchangeKind};
use serde::Deserialize;
use serde::de::DeserializeOwned;

#[derive(Deserialize)]
struct InvoiceIssued {
    invoice: u32,
    order_id: String,
    customer: String,
}

#[derive(Deserialize)]
struct PaymentFailed {
    order_id: String,
    customer: String,
    reason: String,
}

#[derive(Deserialize)]
struct OrderShipped {
    order_id: String,
    customer: String,
}

const QUEUE: &str = "notifications.shop.#";

#[derive(Default)]
struct Seen {
    ids: HashSet<String>,
    by_age: VecDeque<(Instant, String)>,
}

impl Seen {
    fn contains(&mut self, id: &str) -> bool {
        while self.by_age.front().is_some_and(|(at, _)| at.elapsed() > Duration::from_secs(600)) {
            if let Some((_, old)) = self.by_age.pop_front() {
                self.ids.remove(&old);
            }
        }
        self.ids.contains(id)
    }

    fn add(&mut self, id: String) {
        if self.ids.insert(id.clone()) {
            self.by_age.push_back((Instant::now(), id));
        }
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    tracing_subscriber::fmt().with_env_filter(tracing_subscriber::EnvFilter::from_default_env()).init();
    let url = std::env::var("AMQP_URL").unwrap_or_else(|_| "amqp://localhost".to_owned());
    let connection = Connection::connect(&url, ConnectionProperties::default()).await?;
    let channel = connection.create_channel().await?;
    declare(&channel).await?;
    channel.basic_qos(32, BasicQosOptions::default()).await?;
    let mut consumer = channel.basic_consume(QUEUE.into(), "".into(), BasicConsumeOptions::default(), FieldTable::default()).await?;
    let mut seen = Seen::default();
    loop {
        let delivery = tokio::select! {
            delivery = consumer.next() => delivery,
            _ = tokio::signal::ctrl_c() => break,
        };
        let Some(delivery) = delivery else { break };
        take(&channel, &mut seen, delivery?).await?;
    }
    connection.close(200, "bye".into()).await?;
    Ok(())
}

async fn declare(channel: &Channel) -> lapin::Result<()> {
    let durable = ExchangeDeclareOptions { durable: true, ..ExchangeDeclareOptions::default() };
    channel.exchange_declare("comms".into(), ExchangeKind::Topic, durable, FieldTable::default()).await?;
    let options = QueueDeclareOptions { durable: true, ..QueueDeclareOptions::default() };
    let mut arguments = FieldTable::default();
    arguments.insert("x-queue-type".into(), AMQPValue::LongString("quorum".into()));
    channel.queue_declare(format!("{QUEUE}.dlq").into(), options, arguments.clone()).await?;
    arguments.insert("x-dead-letter-exchange".into(), AMQPValue::LongString("".into()));
    arguments.insert("x-dead-letter-routing-key".into(), AMQPValue::LongString(format!("{QUEUE}.dlq").into()));
    channel.queue_declare(QUEUE.into(), options, arguments).await?;
    channel.queue_bind(QUEUE.into(), "comms".into(), "shop.#".into(), QueueBindOptions::default(), FieldTable::default()).await
}

async fn take(channel: &Channel, seen: &mut Seen, delivery: Delivery) -> lapin::Result<()> {
    let id = header(&delivery, "cloudEvents:id").unwrap_or_default();
    if seen.contains(&id) {
        return channel.basic_ack(delivery.delivery_tag, BasicAckOptions::default()).await;
    }
    match handle(&delivery) {
        Ok(()) => {
            seen.add(id);
            channel.basic_ack(delivery.delivery_tag, BasicAckOptions::default()).await
        }
        Err(error) => {
            tracing::error!(%error, "message given up");
            channel.basic_nack(delivery.delivery_tag, BasicNackOptions { multiple: false, requeue: false }).await
        }
    }
}

fn header(delivery: &Delivery, name: &str) -> Option<String> {
    match delivery.properties.headers().as_ref()?.inner().get(name)? {
        AMQPValue::LongString(text) => Some(String::from_utf8_lossy(text.as_bytes()).into_owned()),
        _ => None,
    }
}

fn handle(delivery: &Delivery) -> Result<(), serde_json::Error> {
    match header(delivery, "cloudEvents:type").as_deref() {
        Some("shop.invoice-issued") => {
            let event: InvoiceIssued = read(delivery)?;
            send(&event.customer, &format!("your invoice {} for the order {}", event.invoice, event.order_id));
        }
        Some("shop.payment-failed") => {
            let event: PaymentFailed = read(delivery)?;
            send(&event.customer, &format!("your order {} was cancelled: {}", event.order_id, event.reason));
        }
        Some("shop.order-shipped") => {
            let event: OrderShipped = read(delivery)?;
            send(&event.customer, &format!("your order {} is on its way", event.order_id));
        }
        _ => {}
    }
    Ok(())
}

fn read<T: DeserializeOwned>(delivery: &Delivery) -> Result<T, serde_json::Error> {
    serde_json::from_slice(&delivery.data)
}

fn send(to: &str, text: &str) {
    tracing::debug!(to, text, "mail sent");
}
