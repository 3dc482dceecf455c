//! A message is confirmed only once replicas have it, where the URL says so.

use std::sync::Arc;
use std::time::{Duration, Instant};

use comms::broker::{Broker, BrokerErrorKind};
use comms::testing::servers;
use comms_conformance::World;
use comms_conformance::backends::redis::Streams;
use comms_conformance::world::{assert_kind, publish};

use super::{connect, until};

struct Pair {
    world: World,
    master: servers::Redis,
    replica: servers::Redis,
}

impl Pair {
    async fn start() -> Self {
        let master = servers::Redis::start().await.expect("a server");
        let replica = servers::Redis::builder().replica_of(&master).start().await.expect("a replica");
        let pair = Self { world: World::new::<Streams>().await, master, replica };
        pair.until_in_step().await;
        pair
    }

    async fn connect(&self, options: &str) -> Arc<dyn Broker> {
        connect(&format!("{}?{options}", self.master.url())).await.expect("a connection")
    }

    async fn until_in_step(&self) {
        until("the replica is in step", async || {
            self.master.cli(&["INFO", "replication"]).await.expect("an answer").contains("state=online")
        })
        .await;
    }

    async fn replicated(&self) -> String {
        self.replica.cli(&["XLEN", &super::stream(&self.world, "orders")]).await.expect("an answer").trim().to_owned()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_is_confirmed_once_the_replica_has_it_and_unknown_while_that_one_is_away() {
    let pair = Pair::start().await;
    let broker = pair.connect("wait=1&wait_timeout=2s").await;
    let mut member = pair.world.join_by(&broker, &pair.world.subscription("orders", "billing")).await;
    let confirms: Vec<_> =
        futures_util::future::join_all((0..300).map(|n| broker.publish(Arc::new(pair.world.message("orders", &n.to_string()))))).await;
    for confirm in confirms {
        confirm.await.expect("confirmed");
    }
    assert_eq!(pair.replicated().await, "300", "what is confirmed is there");
    assert_eq!(member.handle(300).await.len(), 300);

    pair.replica.pause().await.expect("paused");
    let began = Instant::now();
    let publishing = publish(&*broker, pair.world.message("orders", "alone"));
    let consuming = async {
        let handled = member.handle(1).await;
        (handled, began.elapsed())
    };
    let (outcome, (handled, after)) = tokio::join!(publishing, consuming);
    let error = outcome.unwrap_err();
    assert_kind(&error, BrokerErrorKind::Unknown);
    assert!(error.to_string().contains("0 of 1 replicas"), "{error}");
    assert!(began.elapsed() >= Duration::from_secs(2), "it waited as long as the URL says");
    assert_eq!(handled, ["alone"], "the server itself has it");
    assert!(after < Duration::from_secs(1), "consuming does not wait for replicas: {after:?}");

    pair.replica.resume().await.expect("resumed");
    until("confirmed again", async || publish(&*broker, pair.world.message("orders", "again")).await.is_ok()).await;
    pair.replica.stop().await.expect("stopped");
    let error = publish(&*broker, pair.world.message("orders", "stopped")).await.unwrap_err();
    assert_kind(&error, BrokerErrorKind::Unknown);
    pair.replica.restart().await.expect("restarted");
    pair.until_in_step().await;
    publish(&*broker, pair.world.message("orders", "restarted")).await.expect("confirmed");
    broker.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn more_replicas_than_there_are_confirm_nothing() {
    let pair = Pair::start().await;
    let broker = pair.connect("wait=2&wait_timeout=1s").await;
    let error = publish(&*broker, pair.world.message("orders", "1")).await.unwrap_err();
    assert_kind(&error, BrokerErrorKind::Unknown);
    assert!(error.to_string().contains("1 of 2 replicas"), "{error}");
}
