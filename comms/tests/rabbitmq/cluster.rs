//! A cluster whose leader dies.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use comms::broker::{Broker, Consumer, Subscription};
use comms::testing::servers::RabbitMqCluster;
use tokio::sync::watch;

use crate::support::*;

const KEYS: u32 = 8;
/// Of each key: how many are acknowledged before the kill, and how many after it.
const EACH: u32 = 25;

/// What a group got, by key, in the order in which it first came.
#[derive(Debug, Default)]
struct Got {
    first: BTreeMap<String, Vec<u32>>,
    deliveries: u32,
}

impl Got {
    fn take(&mut self, key: &str, number: u32) {
        self.deliveries += 1;
        let numbers = self.first.entry(key.to_owned()).or_default();
        if !numbers.contains(&number) {
            numbers.push(number);
        }
    }

    fn distinct(&self) -> u32 {
        self.first.values().map(|numbers| numbers.len() as u32).sum()
    }
}

/// Takes until everything that was published is there.
async fn collect(mut consumer: Box<dyn Consumer>, taken: Arc<AtomicU32>) -> Got {
    let mut got = Got::default();
    while got.distinct() < KEYS * EACH * 2 {
        let delivery = next(&mut consumer).await;
        let key = delivery.envelope().metadata.key.as_deref().unwrap_or_default().to_owned();
        got.take(&key, body(&delivery).parse().unwrap());
        delivery.ack();
        taken.store(got.distinct(), Ordering::Relaxed);
    }
    got
}

/// One after the other, each once the one before is acknowledged. The kill comes somewhere in the first half; whoever is through with it
/// before waits for it, so that there is always something to publish after it.
async fn publish_key(world: &World, key: u32, done: &AtomicU32, mut killed: watch::Receiver<bool>) -> Option<Instant> {
    let mut first_after = None;
    for number in 0..EACH * 2 {
        if number == EACH + 1 {
            killed.wait_for(|killed| *killed).await.unwrap();
        }
        world.publish_keyed("orders", &format!("k{key}"), &number.to_string()).await;
        done.fetch_add(1, Ordering::Relaxed);
        if *killed.borrow() {
            first_after.get_or_insert_with(Instant::now);
        }
    }
    first_after
}

#[allow(clippy::print_stdout, reason = "the figures that docs/brokers.md states")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_leader_of_a_quorum_queue_is_killed_and_nothing_acknowledged_is_lost() {
    let cluster = RabbitMqCluster::start().await.unwrap();
    // Who consumes is connected to the server that leads, and loses its connection with it; who publishes is not.
    let reading = World::at(&cluster.url_from(0), "").await;
    let mut writing = World::at(&cluster.url_from(1), &format!("exchange={}", reading.id)).await;
    writing.id.clone_from(&reading.id);
    let (sorted, plain) = (reading.ordered("sorted", "orders", 2), reading.subscription("plain", "orders"));
    let members = [subscribe(&reading, &sorted).await, subscribe(&reading, &plain).await];
    cluster.sync_declarations().await.unwrap();
    let leads = async |queue: String| cluster.leader_of(&queue).await.unwrap();
    until("the queues are led where they were declared", async || leads(format!("{}.shard-0", sorted.name())).await == Some(0)).await;

    let taken = [Arc::new(AtomicU32::new(0)), Arc::new(AtomicU32::new(0))];
    let collecting: Vec<_> =
        members.into_iter().zip(&taken).map(|(member, taken)| tokio::spawn(collect(member, Arc::clone(taken)))).collect();
    let (tell, killed) = watch::channel(false);
    let done = AtomicU32::new(0);
    let publishing = futures_util::future::join_all((0..KEYS).map(|key| publish_key(&writing, key, &done, killed.clone())));
    let killing = async {
        until("messages flow", async || {
            done.load(Ordering::Relaxed) >= KEYS * (EACH - 5) && taken.iter().all(|taken| taken.load(Ordering::Relaxed) > 0)
        })
        .await;
        cluster.kill(0).await.unwrap();
        let at = Instant::now();
        tell.send_replace(true);
        at
    };
    let (first_after, at) = tokio::join!(publishing, killing);
    let published = first_after.into_iter().flatten().max().unwrap() - at;

    for (collected, ordered) in collecting.into_iter().zip([true, false]) {
        let got = tokio::time::timeout(Duration::from_secs(120), collected).await.expect("all in time").unwrap();
        println!(
            "published and acknowledged {}, delivered {}, of them duplicates {}; every key published again {published:?} after the kill, all delivered after {:?}",
            KEYS * EACH * 2,
            got.deliveries,
            got.deliveries - got.distinct(),
            at.elapsed()
        );
        assert_eq!(got.first.len() as u32, KEYS);
        // Whatever came a second time came in order the first time.
        assert!(!ordered || got.first.values().all(|numbers| numbers.is_sorted()), "not in publish order: {:?}", got.first);
    }
    assert!(matches!(leads(format!("{}.shard-0", sorted.name())).await, Some(1 | 2)));
    // The service goes on; the one that was killed is a member again.
    cluster.restart(0).await.unwrap();
    writing.publish_keyed("orders", "k0", "after").await;
}

async fn subscribe(world: &World, subscription: &Subscription) -> Box<dyn Consumer> {
    world.broker.subscribe(Arc::new(subscription.clone())).await.unwrap()
}
