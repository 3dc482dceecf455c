//! Ordered subscriptions.

use std::collections::HashMap;
use std::time::Duration;

use comms::broker::{Broker, BrokerErrorKind, Shard};
use comms::testing::servers;
use lapin::ConnectionProperties;

use crate::support::*;

#[tokio::test]
async fn messages_of_a_key_stay_in_one_shard_and_in_order_for_every_number_of_shards() {
    let world = World::new("").await;
    let mut consumers = Vec::new();
    for shards in [1, 3, 16] {
        consumers.push(world.subscribe(&world.ordered(&format!("g{shards}"), "orders", shards)).await);
    }
    let mut shared = world.subscribe(&world.subscription("plain", "orders")).await;
    for n in 0..120 {
        world.publish_keyed("orders", &format!("k{}", n % 12), &n.to_string()).await;
    }
    assert_eq!(take(&mut shared, 120).await.len(), 120);
    for consumer in &mut consumers {
        let mut seen: HashMap<String, (Shard, i32)> = HashMap::new();
        for _ in 0..120 {
            let delivery = next(consumer).await;
            let key = delivery.envelope().metadata.key.as_deref().unwrap().to_owned();
            let n: i32 = body(&delivery).parse().unwrap();
            let (shard, last) = seen.entry(key).or_insert((delivery.shard(), -1));
            assert_eq!(*shard, delivery.shard());
            assert!(*last < n, "{n} after {last}");
            *last = n;
            delivery.ack();
        }
        nothing(consumer).await;
    }
}

#[tokio::test]
async fn a_subscription_that_comes_later_gets_what_is_published_then() {
    let world = World::new("").await;
    world.publish_keyed("orders.eu", "k", "early").await;
    let mut late = world.subscribe(&world.ordered("late", "orders.*", 4)).await;
    world.publish_keyed("orders.eu", "k", "on time").await;
    assert_eq!(take(&mut late, 1).await, ["on time"]);
}

#[tokio::test]
async fn messages_without_a_key_and_foreign_ones_stay_in_order() {
    let world = World::new("").await;
    let mut consumer = world.subscribe(&world.ordered("g", "orders", 4)).await;
    let url = servers::RabbitMq::shared().await.url();
    let connection = lapin::Connection::connect(&url, ConnectionProperties::default()).await.unwrap();
    let channel = connection.create_channel().await.unwrap();
    for n in 0..10 {
        let (exchange, body) = (world.id.as_str().into(), n.to_string());
        channel.basic_publish(exchange, "orders".into(), Default::default(), body.as_bytes(), Default::default()).await.unwrap();
    }
    for n in 0..10 {
        let delivery = next(&mut consumer).await;
        assert_eq!((body(&delivery), delivery.shard().index), (n.to_string(), 0));
        delivery.ack();
    }
}

#[tokio::test]
async fn a_shard_has_one_reader_and_another_member_takes_over_in_order() {
    let world = World::new("").await;
    let subscription = world.ordered("g", "orders", 2);
    let mut first = world.subscribe(&subscription).await;
    let mut second = world.subscribe(&subscription).await;
    for n in 0..10 {
        world.publish_keyed("orders", "k", &n.to_string()).await;
    }
    assert_eq!(take(&mut first, 3).await, ["0", "1", "2"]);
    let in_hand = next(&mut first).await;
    drop(first);
    // Not before what is in hand is settled: the next of the same key would overtake it.
    world.publish_keyed("orders", "k", "10").await;
    nothing(&mut second).await;
    in_hand.ack();
    assert_eq!(take(&mut second, 7).await, ["4", "5", "6", "7", "8", "9", "10"]);
}

/// Whatever the shards are in which it holds messages, a member gets more until it holds its prefetch: a server that lets it have only
/// its part of the prefetch of each shard would wait for the one that is in hand, and the member for the server.
#[tokio::test]
async fn a_member_may_hold_its_whole_prefetch_of_one_shard() {
    let world = World::new("").await;
    let mut subscription = world.ordered("g", "orders", 8);
    subscription.concurrency = 2;
    let mut consumer = world.subscribe(&subscription).await;
    for n in 0..6 {
        world.publish_keyed("orders", "k", &n.to_string()).await;
    }
    let mut held = Vec::new();
    for n in 0..4 {
        held.push(next_within(&mut consumer, Duration::from_secs(15)).await.unwrap_or_else(|| panic!("no more than {n} came")));
    }
    nothing(&mut consumer).await;
    // One that is settled out of turn makes room as well.
    held.remove(1).ack();
    held.push(next(&mut consumer).await);
    assert_eq!(held.iter().map(body).collect::<Vec<_>>(), ["0", "2", "3", "4"]);
}

#[tokio::test]
async fn a_released_message_comes_before_its_successors() {
    let world = World::new("").await;
    let mut consumer = world.subscribe(&world.ordered("g", "orders", 2)).await;
    for n in 0..4 {
        world.publish_keyed("orders", "k", &n.to_string()).await;
    }
    next(&mut consumer).await.release();
    assert_eq!(take(&mut consumer, 4).await, ["0", "1", "2", "3"]);
}

#[tokio::test]
async fn another_number_of_shards_is_refused() {
    let world = World::new("").await;
    let _first = world.subscribe(&world.ordered("g", "orders", 4)).await;
    let error = world.broker.subscribe(world.ordered("g", "orders", 8).into()).await.err().unwrap();
    assert_eq!(error.kind(), BrokerErrorKind::Topology);
    assert!(error.to_string().contains("8 shards"), "{error}");
}
