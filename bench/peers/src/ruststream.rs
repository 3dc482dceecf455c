//! ruststream on RabbitMQ, Kafka and Redis, each durable, each settled after the handler.

use std::sync::Arc;

use lapin::options::QueueDeclareOptions;
use lapin::types::{AMQPValue, FieldTable};
use lapin::{Connection, ConnectionProperties};
use rdkafka::ClientConfig;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use ruststream::prelude::*;
use ruststream_fred::{RedisBroker, RedisStream};
use ruststream_lapin::{LapinBroker, LapinPublish, RabbitQuorumQueue};
use ruststream_rdkafka::{Commit, KafkaBroker, KafkaPublish, KafkaTopic};

use crate::{CONCURRENCY, Failure, GROUP, Joined, PREFETCH, Shipped, arrivals};

#[subscriber(RabbitQuorumQueue::new("shipped"), workers(CONCURRENCY))]
async fn from_queue(event: &Shipped) -> HandlerOutcome {
    took(event)
}

#[subscriber(KafkaTopic::new("shipped"), workers(CONCURRENCY))]
async fn from_topic(event: &Shipped) -> HandlerOutcome {
    took(event)
}

#[subscriber(RedisStream::new("shipped"), workers(CONCURRENCY))]
async fn from_stream(event: &Shipped) -> HandlerOutcome {
    took(event)
}

fn took(event: &Shipped) -> HandlerOutcome {
    std::hint::black_box((event.id, &event.text));
    arrivals::handled();
    HandlerOutcome::ack()
}

fn info() -> AppInfo {
    AppInfo::new("bench", "0.0.0")
}

/// A durable quorum queue, persistent messages, confirms.
pub async fn on_rabbitmq(url: &str, name: &str) -> Result<Joined, Failure> {
    declare_queue(url, name).await?;
    let connected = LapinBroker::new(url).connect().await?;
    let publisher = Arc::new(connected.publisher(LapinPublish::default().persistent(true).confirms()));
    let (url, name) = (url.to_owned(), name.to_owned());
    let routing_key: Arc<str> = name.as_str().into();
    Ok(Joined {
        publish: Arc::new(move |event| {
            let (publisher, name) = (publisher.clone(), routing_key.clone());
            Box::pin(async move { Ok(publisher.message(event.as_ref()).to(&*name).publish().await.map(drop)?) })
        }),
        attach: Box::new(move || {
            Box::pin(async move {
                let prefetch = PREFETCH.try_into()?;
                let app = RustStream::new(info()).with_broker(LapinBroker::new(url), |broker| {
                    broker.include(from_queue.map_source(move |_| RabbitQuorumQueue::new(name).prefetch(prefetch)));
                });
                Ok(Box::new(app.start().await?) as _)
            })
        }),
    })
}

/// The queue that the raw client has.
pub async fn declare_queue(url: &str, name: &str) -> Result<(), Failure> {
    let connection = Connection::connect(url, ConnectionProperties::default()).await?;
    let channel = connection.create_channel().await?;
    let mut arguments = FieldTable::default();
    arguments.insert("x-queue-type".into(), AMQPValue::LongString("quorum".into()));
    channel.queue_declare(name.into(), QueueDeclareOptions { durable: true, ..Default::default() }, arguments).await?;
    Ok(connection.close(0, "declared".into()).await?)
}

/// Eight partitions, acknowledged by all replicas, offsets committed after the handler.
pub async fn on_kafka(url: &str, name: &str) -> Result<Joined, Failure> {
    let server = url.trim_start_matches("kafka://").trim_end_matches('/').to_owned();
    let admin: AdminClient<_> = ClientConfig::new().set("bootstrap.servers", &server).create()?;
    admin.create_topics([&NewTopic::new(name, 8, TopicReplication::Fixed(1))], &AdminOptions::new()).await?;
    let producing = KafkaBroker::new([&server]).producer_config("acks", "all").producer_config("enable.idempotence", "true");
    let connected = producing.connect().await?;
    let publisher = Arc::new(connected.publisher(KafkaPublish::default()));
    let name = name.to_owned();
    let topic: Arc<str> = name.as_str().into();
    Ok(Joined {
        publish: Arc::new(move |event| {
            let (publisher, name) = (publisher.clone(), topic.clone());
            Box::pin(async move { Ok(publisher.message(event.as_ref()).to(&*name).publish().await.map(drop)?) })
        }),
        attach: Box::new(move || {
            Box::pin(async move {
                let app = RustStream::new(info()).with_broker(KafkaBroker::new([&server]), |broker| {
                    let topic = KafkaTopic::new(name).group(GROUP).commit(Commit::Tracked).config("auto.offset.reset", "earliest");
                    broker.include(from_topic.map_source(move |_| topic));
                });
                Ok(Box::new(app.start().await?) as _)
            })
        }),
    })
}

/// A stream with a group.
pub async fn on_redis(url: &str, name: &str) -> Result<Joined, Failure> {
    let mut client = redis::Client::open(url)?.get_multiplexed_async_connection().await?;
    let _: String = redis::cmd("XGROUP").arg(&["CREATE", name, GROUP, "$", "MKSTREAM"]).query_async(&mut client).await?;
    let connected = RedisBroker::standalone(url).connect().await?;
    let publisher = Arc::new(connected.publisher());
    let (url, name) = (url.to_owned(), name.to_owned());
    let stream: Arc<str> = name.as_str().into();
    Ok(Joined {
        publish: Arc::new(move |event| {
            let (publisher, name) = (publisher.clone(), stream.clone());
            Box::pin(async move { Ok(publisher.message(event.as_ref()).to(&*name).publish().await.map(drop)?) })
        }),
        attach: Box::new(move || {
            Box::pin(async move {
                let app = RustStream::new(info()).with_broker(RedisBroker::standalone(url), |broker| {
                    broker.include(from_stream.map_source(move |_| RedisStream::new(name).group(GROUP)));
                });
                Ok(Box::new(app.start().await?) as _)
            })
        }),
    })
}
