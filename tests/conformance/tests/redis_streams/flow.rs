//! A stream of messages over a failover, and what became of it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use comms::broker::Broker;
use comms_conformance::World;
use comms_conformance::world::{Member, publish, text};

/// Publishes numbers until told to stop, and counts those that were confirmed; returns them, and when they were.
pub(super) async fn send(
    broker: Arc<dyn Broker>,
    world: &World,
    topic: &str,
    stop: &AtomicBool,
    count: &AtomicUsize,
) -> Vec<(usize, Instant)> {
    let mut confirmed = Vec::new();
    let mut number = 0;
    while !stop.load(Ordering::Relaxed) {
        let confirms = (number..number + 8).map(|number| {
            let publishing = publish(&*broker, world.message(topic, &number.to_string()));
            async move { publishing.await.ok().map(|_| (number, Instant::now())) }
        });
        confirmed.extend(futures_util::future::join_all(confirms).await.into_iter().flatten());
        count.store(confirmed.len(), Ordering::Relaxed);
        number += 8;
    }
    confirmed
}

/// How often each number came, until the last one did and nothing more.
pub(super) async fn receive(member: &mut Member, last: usize) -> BTreeMap<usize, usize> {
    let mut seen = BTreeMap::new();
    let mut patience = Duration::from_secs(60);
    while let Ok(Some(delivery)) = tokio::time::timeout(patience, member.wait()).await {
        *seen.entry(text(&delivery).parse().expect("a number")).or_default() += 1;
        delivery.ack();
        if seen.contains_key(&last) {
            patience = Duration::from_secs(1);
        }
    }
    seen
}

/// Prints what was lost over the failover, and asserts what must not be.
pub(super) fn judge(lane: &str, confirmed: &[(usize, Instant)], seen: &BTreeMap<usize, usize>, killed: Instant) {
    let lost: Vec<usize> = confirmed.iter().map(|(number, _)| *number).filter(|number| !seen.contains_key(number)).collect();
    let duplicates: usize = seen.values().map(|count| count - 1).sum();
    let recovery = confirmed.iter().map(|(_, at)| at).find(|at| **at > killed + Duration::from_millis(500)).map(|at| *at - killed);
    #[allow(clippy::print_stdout, reason = "the measured loss is a result of the test")]
    {
        println!(
            "failover, {lane}: published {}, delivered {}, lost {}, duplicates {duplicates}, recovery {recovery:?}",
            confirmed.len(),
            seen.len(),
            lost.len()
        );
    }
    assert!(!confirmed.is_empty());
    match lane {
        "plain" => assert!(recovery.is_some(), "publishing went on by itself"),
        _ => assert!(lost.is_empty(), "a replica had it: {lost:?}"),
    }
}
