//! Which slots there are keys in, and what happens when a slot moves.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use comms::broker::{Broker, BrokerErrorKind, Delivery};
use comms_conformance::World;
use comms_conformance::backends::redis::{Clustered, Streams};
use comms_conformance::world::{Member, assert_kind, publish, text};

use super::{QUICK, connect, master, tagged, until};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn topics_are_spread_over_the_nodes_by_their_first_words() {
    let (world, cluster) = (World::new::<Clustered>().await, Clustered::cluster().await);
    world.publish_texts("orders", &["1"]).await;
    let owner = master(cluster, &world).await.expect("a master");
    let key = format!("{}:topic:{}", tagged(&world), world.topic("orders"));
    assert_eq!(cluster.nodes()[owner].cli(&["XLEN", &key]).await.expect("an answer").trim(), "1");
    // Other worlds have other first words.
    let mut owners = vec![owner];
    for _ in 0..100 {
        let other = World::new::<Clustered>().await;
        owners.extend(master(cluster, &other).await);
        if owners.iter().any(|other| *other != owner) {
            other.publish_texts("orders", &["1"]).await;
            return;
        }
    }
    panic!("all on one node: {owners:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pattern_that_begins_with_a_placeholder_needs_all_topics_on_one_node() {
    let (world, url) = (World::new::<Clustered>().await, Clustered::cluster().await.url());
    let mut all = world.subscription("x", "audit");
    all.topic = "#".parse().expect("a pattern");
    let error = world.refused(&all).await;
    assert_kind(&error, BrokerErrorKind::Unsupported);
    assert!(error.to_string().contains("`hash_tag=prefix`"), "{error}");
    assert_kind(&world.broker.admin().lag(&all).await.unwrap_err(), BrokerErrorKind::Unsupported);

    let one = format!("{url}&prefix={}&hash_tag=prefix", world.topic("one"));
    let broker = connect(&one).await.expect("a connection");
    let mut member = world.join_by(&broker, &all).await;
    for topic in ["orders", "invoices"] {
        publish(&*broker, world.message(topic, topic)).await.expect("published");
    }
    let mut handled = member.handle(2).await;
    handled.sort();
    assert_eq!(handled, ["invoices", "orders"]);
    let other = connect(&one.replace("&hash_tag=prefix", "")).await.unwrap_err();
    assert_kind(&other, BrokerErrorKind::Topology);
    assert!(other.to_string().contains("used with `hash_tag=prefix`"), "{other}");
    broker.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_single_server_is_no_cluster_and_a_node_of_a_cluster_no_single_server() {
    let world = World::new::<Streams>().await;
    let single = world.backend.url().split_once('?').expect("options").0.replace("/0", "");
    let error = connect(&format!("{single}?cluster=true")).await.unwrap_err();
    assert_kind(&error, BrokerErrorKind::Config);
    assert!(error.to_string().contains("leave the option `cluster` out"), "{error}");

    let cluster = Clustered::cluster().await;
    let mut told = 0;
    for node in cluster.nodes() {
        let broker = connect(&node.url()).await.expect("it answers");
        if let Err(error) = publish(&*broker, world.message("orders", "1")).await {
            assert_kind(&error, BrokerErrorKind::Config);
            assert!(error.to_string().contains("cluster=true"), "{error}");
            told += 1;
        }
    }
    assert!(told >= 2, "one of them at most has both keys");
}

/// Publishes one after the other until told to stop; returns how many.
async fn publish_in_turn(broker: Arc<dyn Broker>, world: &World, stop: &AtomicBool, count: &AtomicUsize) -> usize {
    while !stop.load(Ordering::Relaxed) {
        let number = count.load(Ordering::Relaxed);
        publish(&*broker, world.keyed("orders", "k", &number.to_string())).await.expect("a move is waited out");
        count.store(number + 1, Ordering::Relaxed);
    }
    count.load(Ordering::Relaxed)
}

fn number(delivery: &Delivery) -> usize {
    text(delivery).parse().expect("a number")
}

/// Handles all up to the last one; what was not settled may come again, and nothing overtakes.
async fn handle_in_turn(member: &mut Member, stop: &AtomicBool, count: &AtomicUsize) {
    let mut next = 0;
    while !stop.load(Ordering::Relaxed) || next < count.load(Ordering::Relaxed) {
        let Ok(delivery) = tokio::time::timeout(std::time::Duration::from_millis(200), member.wait()).await else { continue };
        let delivery = delivery.expect("it goes on");
        assert!(number(&delivery) <= next, "{} came before {next}", number(&delivery));
        next = next.max(number(&delivery) + 1);
        delivery.ack();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slot_that_moves_under_load_takes_its_messages_along() {
    let (world, cluster) = (World::new::<Clustered>().await, Clustered::cluster().await);
    let broker = connect(&format!("{}&{QUICK}", cluster.url())).await.expect("a connection");
    let mut sorted = world.join_by(&broker, &world.ordered("orders", "sorted", 2)).await;
    let mut plain = world.join_by(&broker, &world.subscription("orders", "plain")).await;
    let (stop, count) = (AtomicBool::new(false), AtomicUsize::new(0));
    let from = master(cluster, &world).await.expect("a master");
    let moving = async {
        for to in [(from + 1) % 3, from] {
            let before = count.load(Ordering::Relaxed);
            until("messages flow", async || count.load(Ordering::Relaxed) >= before + 100).await;
            cluster.move_slot_of(&tagged(&world), to).await.expect("moved");
        }
        let before = count.load(Ordering::Relaxed);
        until("messages flow again", async || count.load(Ordering::Relaxed) >= before + 100).await;
        stop.store(true, Ordering::Relaxed);
    };
    let all = async {
        // An unordered group may get them in another order after a move.
        let mut seen = std::collections::BTreeSet::new();
        while !stop.load(Ordering::Relaxed) || seen.len() < count.load(Ordering::Relaxed) {
            let Ok(delivery) = tokio::time::timeout(std::time::Duration::from_millis(200), plain.wait()).await else { continue };
            let delivery = delivery.expect("it goes on");
            seen.insert(number(&delivery));
            delivery.ack();
        }
        seen.len()
    };
    let working = async {
        tokio::join!(moving, publish_in_turn(Arc::clone(&broker), &world, &stop, &count), handle_in_turn(&mut sorted, &stop, &count), all)
    };
    let ((), published, (), handled) = tokio::time::timeout(super::PATIENCE * 2, working).await.expect("work goes on");
    assert_eq!(handled, published);
    broker.close().await;
}
