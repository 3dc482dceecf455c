//! Publishing, groups, patterns, receipts.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use comms::broker::{Broker, BrokerErrorKind, Reach, StartPosition, Subscription};
use comms::message::{Id, Metadata};
use comms::testing::servers;
use lapin::options::{BasicPublishOptions, QueueDeclareOptions};
use lapin::types::{AMQPValue, FieldTable};
use lapin::{BasicProperties, ConnectionProperties};
use serde_json::json;

use crate::support::*;

#[tokio::test]
async fn every_attribute_and_byte_arrives() {
    let world = World::new("").await;
    let mut consumer = world.subscribe(&world.subscription("g", "orders")).await;
    let mut sent = envelope("orders", "{\"n\":1}");
    let metadata = &mut sent.metadata;
    metadata.version = 3;
    metadata.correlation = Some(Id::new());
    metadata.causation = Some(Id::parse("foreign"));
    metadata.key = Some("k-ü".into());
    metadata.trace_state = Some("vendor=1".into());
    metadata.attempt = 2;
    metadata.extensions.insert("tenant".into(), "blue".into());
    world.send(sent.clone()).await.unwrap();
    let delivery = next(&mut consumer).await;
    assert_eq!(**delivery.envelope(), sent);
    assert_eq!((delivery.attempt(), delivery.shard().index), (3, 0));
    delivery.ack();
}

#[tokio::test]
async fn each_group_gets_every_message_and_its_members_share_them() {
    let world = World::new("").await;
    let mut one = world.subscription("one", "orders");
    one.concurrency = 1;
    let (mut first, mut second) = (world.subscribe(&one).await, world.subscribe(&one).await);
    let mut other = world.subscribe(&world.subscription("other", "orders")).await;
    for n in 0..6 {
        assert_eq!(world.publish("orders", &n.to_string()).await, Reach::Subscribed);
    }
    assert_eq!(take(&mut other, 6).await, ["0", "1", "2", "3", "4", "5"]);
    let mut shared = take(&mut first, 2).await;
    shared.extend(take(&mut second, 2).await);
    while shared.len() < 6 {
        let (a, b) = (&mut first, &mut second);
        tokio::select! {
            more = take(a, 1) => shared.extend(more),
            more = take(b, 1) => shared.extend(more),
        }
    }
    shared.sort();
    assert_eq!(shared, ["0", "1", "2", "3", "4", "5"]);
}

#[tokio::test]
async fn patterns_select_topics_also_when_messages_have_keys() {
    let world = World::new("").await;
    let mut consumers = Vec::new();
    for pattern in ["shop.*", "shop.#", "#", "*", "*.orders", "*.*"] {
        consumers.push((pattern, world.subscribe(&world.subscription("g", pattern)).await));
    }
    let topics = ["shop", "shop.orders", "shop.orders.eu", "orders"];
    for topic in topics {
        world.publish_keyed(topic, "key", topic).await;
    }
    for (pattern, consumer) in &mut consumers {
        let parsed: comms::broker::TopicPattern = pattern.parse().unwrap();
        let expected: Vec<&str> = topics.into_iter().filter(|topic| parsed.matches(topic)).collect();
        assert_eq!(take(consumer, expected.len()).await, expected, "{pattern}");
        nothing(consumer).await;
    }
}

#[tokio::test]
async fn the_receipt_tells_whether_any_subscription_gets_the_message() {
    let world = World::new("").await;
    let _consumer = world.subscribe(&world.subscription("g", "known")).await;
    let mut confirms = Vec::new();
    for n in 0..500 {
        let topic = if n % 3 == 0 { "unknown" } else { "known" };
        confirms.push((topic, world.broker.publish(Arc::new(envelope(topic, ""))).await));
    }
    for (topic, confirm) in confirms {
        let expected = if topic == "known" { Reach::Subscribed } else { Reach::Unrouted };
        assert_eq!(confirm.await.unwrap().reach, expected);
    }
}

#[tokio::test]
async fn many_published_ahead_keep_their_order() {
    let world = World::new("window=100").await;
    let mut consumer = world.subscribe(&world.subscription("g", "orders")).await;
    let mut confirms = Vec::new();
    for n in 0..2000 {
        confirms.push(world.broker.publish(Arc::new(envelope("orders", &n.to_string()))).await);
    }
    for confirm in confirms {
        confirm.await.unwrap();
    }
    let expected: Vec<String> = (0..2000).map(|n| n.to_string()).collect();
    assert_eq!(take(&mut consumer, 2000).await, expected);
}

#[tokio::test]
async fn what_is_too_large_or_misaddressed_is_refused_at_once() {
    let world = World::new("max_message=1KiB").await;
    let error = world.send(envelope("orders", &"x".repeat(1025))).await.unwrap_err();
    assert_eq!(error.kind(), BrokerErrorKind::TooLarge);
    let mut wide = envelope("orders", "");
    wide.metadata.extensions.insert("wide".into(), "x".repeat(200_000));
    assert_eq!(world.send(wide).await.unwrap_err().kind(), BrokerErrorKind::TooLarge);
    let error = world.send(envelope("Orders!", "")).await.unwrap_err();
    assert_eq!(error.kind(), BrokerErrorKind::Config);
    assert_eq!(world.publish("orders", &"x".repeat(1024)).await, Reach::Unrouted);
}

#[tokio::test]
async fn a_message_of_a_foreign_producer_is_read_by_what_it_has() {
    let world = World::new("").await;
    let mut consumer = world.subscribe(&world.subscription("g", "orders")).await;
    let url = servers::RabbitMq::shared().await.url();
    let connection = lapin::Connection::connect(&url, ConnectionProperties::default()).await.unwrap();
    let channel = connection.create_channel().await.unwrap();
    let mut headers = FieldTable::default();
    headers.insert("x-tenant".into(), AMQPValue::LongString("blue".into()));
    headers.insert("cloudEvents_subject".into(), AMQPValue::LongString("s".into()));
    let properties = BasicProperties::default()
        .with_message_id("m-1".into())
        .with_type("their.event".into())
        .with_content_type("application/json".into())
        .with_headers(headers);
    for properties in [properties, BasicProperties::default()] {
        let options = BasicPublishOptions::default();
        channel.basic_publish(world.id.as_str().into(), "orders".into(), options, b"raw", properties).await.unwrap();
    }
    let delivery = next(&mut consumer).await;
    let metadata = &delivery.envelope().metadata;
    assert_eq!((metadata.id.to_string().as_str(), &*metadata.name), ("m-1", "their.event"));
    assert_eq!((metadata.extensions["subject"].as_str(), body(&delivery).as_str()), ("s", "raw"));
    delivery.ack();
    let bare = next(&mut consumer).await;
    let expected = Metadata::foreign(bare.envelope().metadata.id.clone());
    assert_eq!((&bare.envelope().metadata, &*bare.envelope().topic), (&expected, "orders"));
    bare.ack();
}

#[tokio::test]
async fn a_reply_queue_lives_as_long_as_its_connection() {
    let server = servers::RabbitMq::shared().await;
    let world = World::new("").await;
    let mut subscription = world.subscription("g", "replies.one");
    subscription.ephemeral = true;
    let mut consumer = world.subscribe(&subscription).await;
    assert_eq!(world.publish("replies.one", "r").await, Reach::Subscribed);
    assert_eq!(take(&mut consumer, 1).await, ["r"]);
    let name = subscription.name();
    let names = async || server.queues().await.unwrap().into_iter().map(|queue| queue.name).collect::<Vec<_>>();
    assert!(names().await.contains(&name));
    assert!(!names().await.contains(&format!("{name}.dlq")));
    world.broker.close().await;
    until("the queue is gone", async || !names().await.contains(&name)).await;
}

#[tokio::test]
async fn what_rabbitmq_cannot_do_is_said_when_subscribing() {
    let world = World::new("").await;
    let mut earliest = world.subscription("g", "orders");
    earliest.from = StartPosition::Earliest;
    let too_many = world.ordered("g", "orders", 65);
    for subscription in [earliest, too_many] {
        let error = world.broker.subscribe(Arc::new(subscription)).await.err().unwrap();
        assert_eq!(error.kind(), BrokerErrorKind::Unsupported, "{error}");
    }
    let long = Subscription::new("a".parse().unwrap(), "g".repeat(250));
    assert_eq!(world.broker.subscribe(Arc::new(long)).await.err().unwrap().kind(), BrokerErrorKind::Topology);
}

#[tokio::test]
async fn a_queue_with_other_arguments_is_an_error_that_names_them() {
    let world = World::new("").await;
    let subscription = world.subscription("g", "orders");
    let url = servers::RabbitMq::shared().await.url();
    let connection = lapin::Connection::connect(&url, ConnectionProperties::default()).await.unwrap();
    let channel = connection.create_channel().await.unwrap();
    channel.queue_declare(subscription.name().into(), QueueDeclareOptions::durable(), FieldTable::default()).await.unwrap();
    let error = world.broker.subscribe(Arc::new(subscription.clone())).await.err().unwrap();
    assert_eq!(error.kind(), BrokerErrorKind::Topology);
    let text = error.to_string();
    for part in [subscription.name().as_str(), "inequivalent arg 'x-", "current is none", "delete"] {
        assert!(text.contains(part), "{part} in {text}");
    }
}

#[tokio::test]
async fn classic_queues_work_as_well() {
    let world = World::new("queue=classic&ladder=100ms").await;
    let mut consumer = world.subscribe(&world.subscription("g", "orders")).await;
    world.publish("orders", "a").await;
    let delivery = next(&mut consumer).await;
    let again = Arc::clone(delivery.envelope());
    delivery.retry(again, std::time::Duration::from_millis(50)).await.unwrap();
    assert_eq!(take(&mut consumer, 1).await, ["a"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_full_queue_refuses_is_published_again_until_it_is_taken() {
    let world = Arc::new(World::new("").await);
    let subscription = world.subscription("g", "full");
    // Declared, and nobody consumes.
    drop(world.subscribe(&subscription).await);
    let policy = json!({ "max-length": 1, "overflow": "reject-publish" });
    let pattern = format!("^{}$", subscription.name());
    servers::RabbitMq::shared().await.declare_policy("/", &world.id, &pattern, &policy).await.unwrap();
    // The policy takes effect when it does: until a message is not taken.
    let (mut published, mut refused) = (0, None);
    while refused.is_none() {
        let mut confirm = world.broker.publish(Arc::new(envelope("full", &published.to_string()))).await;
        published += 1;
        refused = tokio::time::timeout(Duration::from_millis(500), &mut confirm).await.is_err().then_some(confirm);
    }
    // Traffic that never pauses doesn't keep them from their turn.
    let traffic = Arc::clone(&world);
    let traffic = tokio::spawn(async move {
        loop {
            traffic.publish("other", "x").await;
        }
    });
    let mut consumer = world.subscribe(&subscription).await;
    let mut seen = BTreeSet::new();
    while seen.len() < published {
        let delivery = next(&mut consumer).await;
        seen.insert(body(&delivery));
        delivery.ack();
    }
    refused.unwrap().await.unwrap();
    traffic.abort();
}
