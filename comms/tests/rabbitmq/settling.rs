//! Acknowledging, giving back, retrying, giving up.

use std::sync::Arc;
use std::time::{Duration, Instant};

use comms::broker::{Broker, DeadLetterFilter};
use comms::testing::servers;

use crate::support::*;

#[tokio::test]
async fn what_is_acknowledged_is_gone_and_the_rest_comes_again() {
    let server = servers::RabbitMq::shared().await;
    let world = World::new("").await;
    let subscription = world.subscription("g", "orders");
    let mut consumer = world.subscribe(&subscription).await;
    for n in 0..5 {
        world.publish("orders", &n.to_string()).await;
    }
    let mut held = Vec::new();
    for _ in 0..5 {
        held.push(next(&mut consumer).await);
    }
    // Out of order, and one in the middle is kept.
    for place in [4, 0, 2, 1] {
        held.remove(place.min(held.len() - 1)).ack();
    }
    until("four are gone", async || depth(server, &subscription.name()).await == 1).await;
    let left = body(&held[0]);
    drop(held);
    let delivery = next(&mut consumer).await;
    assert_eq!((body(&delivery), delivery.attempt()), (left, 2));
    delivery.ack();
    until("all are gone", async || depth(server, &subscription.name()).await == 0).await;
}

#[tokio::test]
async fn a_slow_message_does_not_hold_up_the_others() {
    let world = World::new("").await;
    let mut subscription = world.subscription("g", "orders");
    subscription.concurrency = 2;
    let mut consumer = world.subscribe(&subscription).await;
    for n in 0..50 {
        world.publish("orders", &n.to_string()).await;
    }
    let slow = next(&mut consumer).await;
    assert_eq!(take(&mut consumer, 49).await.len(), 49);
    assert_eq!(body(&slow), "0");
    slow.ack();
}

#[tokio::test]
async fn no_more_than_prefetch_is_handed_out() {
    let world = World::new("").await;
    let mut subscription = world.subscription("g", "orders");
    subscription.concurrency = 2;
    let mut consumer = world.subscribe(&subscription).await;
    for n in 0..10 {
        world.publish("orders", &n.to_string()).await;
    }
    let mut held = Vec::new();
    for _ in 0..4 {
        held.push(next(&mut consumer).await);
    }
    nothing(&mut consumer).await;
    held.pop().unwrap().ack();
    assert_eq!(body(&next(&mut consumer).await), "4");
}

#[tokio::test]
async fn a_retry_comes_back_after_its_delay_with_its_attempts() {
    let world = World::new("ladder=200ms,1s").await;
    let mut consumer = world.subscribe(&world.subscription("g", "orders")).await;
    for (delay, at_least) in [(50, 200), (200, 200), (300, 1000)] {
        world.publish_keyed("orders", "k", "again").await;
        let delivery = next(&mut consumer).await;
        let mut again = (**delivery.envelope()).clone();
        again.metadata.attempt = 1;
        let began = Instant::now();
        delivery.retry(Arc::new(again.clone()), Duration::from_millis(delay)).await.unwrap();
        let delivery = next(&mut consumer).await;
        assert!(began.elapsed() >= Duration::from_millis(at_least), "{:?}", began.elapsed());
        assert_eq!((&**delivery.envelope(), delivery.attempt()), (&again, 2));
        delivery.ack();
    }
}

#[tokio::test]
async fn a_delay_longer_than_the_ladder_is_kept_all_the_same() {
    let world = World::new("ladder=100ms,200ms").await;
    let mut consumer = world.subscribe(&world.subscription("g", "orders")).await;
    world.publish("orders", "later").await;
    let delivery = next(&mut consumer).await;
    let began = Instant::now();
    let again = Arc::clone(delivery.envelope());
    delivery.retry(again, Duration::from_millis(700)).await.unwrap();
    assert_eq!(take(&mut consumer, 1).await, ["later"]);
    assert!(began.elapsed() >= Duration::from_millis(700), "{:?}", began.elapsed());
}

#[tokio::test]
async fn a_retry_is_safe_before_the_original_is_acknowledged() {
    let server = servers::RabbitMq::shared().await;
    let world = World::new("ladder=1h").await;
    let subscription = world.subscription("g", "orders");
    let mut consumer = world.subscribe(&subscription).await;
    world.publish("orders", "a").await;
    let delivery = next(&mut consumer).await;
    let again = Arc::clone(delivery.envelope());
    delivery.retry(again, Duration::from_secs(1)).await.unwrap();
    until("the original is gone", async || depth(server, &subscription.name()).await == 0).await;
    let rung = format!("{}.retry-1h", subscription.name());
    // The server counts what is in a quorum queue a moment later.
    until("the copy waits", async || depth(server, &rung).await == 1).await;

    // A ladder that takes nothing: the message stays where it is, and comes again.
    server.ctl(&["set_policy", &world.id, &format!("^{rung}$"), "{\"max-length\":1}", "--apply-to", "queues"]).await.unwrap();
    world.publish("orders", "b").await;
    let delivery = next(&mut consumer).await;
    let again = Arc::clone(delivery.envelope());
    let mut refused = delivery.retry(again, Duration::from_secs(1)).await;
    while refused.is_ok() {
        // A quorum queue lets a few in beyond its limit.
        world.publish("orders", "b").await;
        let delivery = next(&mut consumer).await;
        let again = Arc::clone(delivery.envelope());
        refused = delivery.retry(again, Duration::from_secs(1)).await;
    }
    assert_eq!(take(&mut consumer, 1).await, ["b"]);
}

#[tokio::test]
async fn a_dead_letter_keeps_the_message_and_says_why() {
    let server = servers::RabbitMq::shared().await;
    let world = World::new("").await;
    let subscription = world.subscription("g", "orders");
    let mut consumer = world.subscribe(&subscription).await;
    world.publish_keyed("orders", "k", "bad").await;
    let delivery = next(&mut consumer).await;
    let letter = letter(&delivery, &"e".repeat(500_000));
    delivery.dead_letter(letter.clone()).await.unwrap();
    until("the original is gone", async || depth(server, &subscription.name()).await == 0).await;
    let letters = world.broker.admin().dead_letters(&subscription, &DeadLetterFilter::default()).await.unwrap();
    assert_eq!(letters.len(), 1);
    assert_eq!(letters[0].envelope, letter.envelope);
    assert_eq!((letters[0].provenance.handler.as_str(), letters[0].provenance.attempts), ("h", 3));
}

#[tokio::test]
async fn closing_writes_out_what_was_acknowledged() {
    let server = servers::RabbitMq::shared().await;
    let world = World::new("").await;
    let subscription = world.subscription("g", "orders");
    let mut consumer = world.subscribe(&subscription).await;
    for n in 0..3 {
        world.publish("orders", &n.to_string()).await;
    }
    take(&mut consumer, 3).await;
    world.broker.close().await;
    world.broker.close().await;
    assert_eq!(depth(server, &subscription.name()).await, 0);
    let ended = std::future::poll_fn(|context| consumer.poll_next(context)).await;
    assert!(ended.is_none());
    assert!(world.send(envelope("orders", "")).await.is_err());
}

#[tokio::test]
async fn a_dropped_consumer_lets_what_is_in_hand_be_settled_and_gives_the_rest_back() {
    let server = servers::RabbitMq::shared().await;
    let world = World::new("").await;
    let subscription = world.subscription("g", "orders");
    let mut consumer = world.subscribe(&subscription).await;
    for n in 0..5 {
        world.publish("orders", &n.to_string()).await;
    }
    let in_hand = next(&mut consumer).await;
    drop(consumer);
    let mut other = world.subscribe(&subscription).await;
    assert_eq!(take(&mut other, 4).await, ["1", "2", "3", "4"]);
    in_hand.ack();
    until("all are gone", async || depth(server, &subscription.name()).await == 0).await;
}

#[tokio::test]
async fn a_rung_that_was_deleted_is_made_again() {
    let world = World::new("ladder=300ms").await;
    let subscription = world.subscription("g", "orders");
    let mut consumer = world.subscribe(&subscription).await;
    for n in 0..2 {
        world.publish("orders", &n.to_string()).await;
        let delivery = next(&mut consumer).await;
        let again = Arc::clone(delivery.envelope());
        delivery.retry(again, Duration::from_millis(1)).await.unwrap();
        assert_eq!(take(&mut consumer, 1).await, [n.to_string()]);
        let rung = format!("{}.retry-300ms", subscription.name());
        servers::RabbitMq::shared().await.ctl(&["delete_queue", &rung]).await.unwrap();
    }
}
