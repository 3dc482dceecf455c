//! Members, partitions and what is remembered between them.

use std::sync::Arc;
use std::time::{Duration, Instant};

use comms::broker::{Broker, BrokerErrorKind, StartPosition};
use comms::testing::servers;

use crate::support::*;

/// Kafka commits one offset; what is settled behind it is remembered beside it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_what_was_not_settled_comes_again_though_it_was_settled_out_of_order() {
    let url = servers::Kafka::shared().await.url();
    let (first, second) = (connect(&url, "").await.unwrap(), connect(&url, "").await.unwrap());
    let listening = subscription("out-of-order", "gaps");
    let mut consumer = subscribe(&first, &listening).await;
    // Of one key, and so of one partition.
    for number in 0..20 {
        publish(&first, "gaps", Some("k"), &number.to_string()).await.unwrap();
    }
    let mut held = Vec::new();
    for number in 0..20 {
        let delivery = next(&mut consumer).await;
        if [3, 4, 11].contains(&number) { held.push(delivery) } else { delivery.ack() }
    }
    first.close().await;
    let mut consumer = subscribe(&second, &listening).await;
    for (number, attempt) in [("3", 2), ("4", 2), ("11", 2)] {
        let delivery = next(&mut consumer).await;
        assert_eq!((body(&delivery).as_str(), delivery.attempt()), (number, attempt));
        delivery.ack();
    }
    assert!(next_within(&mut consumer, Duration::from_millis(500)).await.is_none());
    drop(held);
    second.close().await;
}

/// A handler that takes too long keeps a partition no longer than was said; what it settles afterwards does nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_partition_that_moves_waits_for_what_is_in_hand_but_not_for_ever() {
    let url = servers::Kafka::shared().await.url();
    let options = "partitions=2&drain_timeout=7s";
    let (first, second) = (connect(&url, options).await.unwrap(), connect(&url, options).await.unwrap());
    let listening = subscription("slow", "moving");
    let mut one = subscribe(&first, &listening).await;
    for number in 0..2 {
        publish(&first, "moving", None, &number.to_string()).await.unwrap();
    }
    let held = [next(&mut one).await, next(&mut one).await];
    let began = Instant::now();
    let mut two = subscribe(&second, &listening).await;
    let moved = next(&mut two).await;
    assert!(began.elapsed() >= Duration::from_secs(6), "it moved after {:?}, in somebody's hands", began.elapsed());
    let (text, [first_held, second_held]) = (body(&moved), held);
    let (old, kept) = if body(&first_held) == text { (first_held, second_held) } else { (second_held, first_held) };
    assert_eq!(body(&old), text);
    old.ack();
    kept.ack();
    moved.ack();
    assert!(next_within(&mut one, Duration::from_millis(500)).await.is_none());
    first.close().await;
    second.close().await;
}

/// Whatever librdkafka still waits for, it does so without us; what was confirmed is there afterwards.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn closing_is_bounded_while_the_broker_is_frozen() {
    let server = servers::Kafka::start().await.unwrap();
    let broker = connect(&server.url(), "").await.unwrap();
    let mut consumer = subscribe(&broker, &subscription("g", "frozen")).await;
    publish(&broker, "frozen", None, "1").await.unwrap();
    let delivery = next(&mut consumer).await;
    server.pause().await.unwrap();
    delivery.ack();
    let unanswered = broker.publish(Arc::new(envelope("frozen", None, "2"))).await;
    let began = Instant::now();
    broker.close().await;
    assert!(began.elapsed() < Duration::from_secs(15), "closing took {:?}", began.elapsed());
    let error = unanswered.await.unwrap_err();
    assert!(matches!(error.kind(), BrokerErrorKind::Unknown | BrokerErrorKind::Closed), "{error:?}");
    server.resume().await.unwrap();
    // It was confirmed, and perhaps not settled.
    let again = connect(&server.url(), "").await.unwrap();
    let mut replay = subscription("replay", "frozen");
    replay.from = StartPosition::Earliest;
    let mut consumer = subscribe(&again, &replay).await;
    assert_eq!(body(&next(&mut consumer).await), "1");
    again.close().await;
}
