//! Three brokers, of which one is lost.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use comms::broker::{Broker, Order};
use comms::testing::servers::KafkaCluster;

use crate::support::*;

/// With replicas and `min.insync.replicas=2`: published and confirmed while a leader dies, and read in order by the same consumer.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_loss_of_a_broker_of_three_loses_nothing_that_was_confirmed_and_keeps_the_order() {
    const KEYS: usize = 8;
    const ROUNDS: usize = 60;
    let cluster = KafkaCluster::start().await.unwrap();
    let broker = Arc::new(connect(&cluster.url(), "").await.unwrap());
    let mut ordered = subscription("g", "orders");
    ordered.order = Some(Order { shards: 8.try_into().unwrap() });
    let mut consumer = subscribe(&broker, &ordered).await;
    let publisher = tokio::spawn({
        let broker = Arc::clone(&broker);
        async move {
            for round in 0..ROUNDS {
                for key in 0..KEYS {
                    publish(&broker, "orders", Some(&format!("k{key}")), &format!("{round:03}")).await.unwrap();
                }
            }
        }
    });
    let mut seen = BTreeMap::<String, Vec<String>>::new();
    let complete = |seen: &BTreeMap<String, Vec<String>>| seen.len() == KEYS && seen.values().all(|rounds| rounds.len() == ROUNDS);
    let mut handled = 0;
    while !complete(&seen) {
        let delivery = next(&mut consumer).await;
        let key = delivery.envelope().metadata.key.as_deref().unwrap_or_default().to_owned();
        let rounds = seen.entry(key).or_default();
        // What was handled and not yet committed may come again; it comes in its order.
        if !rounds.contains(&body(&delivery)) {
            rounds.push(body(&delivery));
        }
        delivery.ack();
        handled += 1;
        if handled == KEYS * 10 {
            cluster.kill(0).await.unwrap();
        }
    }
    publisher.await.expect("everything was confirmed");
    let expected: Vec<String> = (0..ROUNDS).map(|round| format!("{round:03}")).collect();
    assert!(seen.values().all(|rounds| *rounds == expected), "{seen:?}");
    assert!(next_within(&mut consumer, Duration::from_millis(500)).await.is_none());
    broker.close().await;
}
