//! Order by key.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use comms::{Classified, Stopped};

use crate::parts::{Job, Parking, Script, Sorted};
use crate::record::Seen;
use crate::world::World;

const KEYS: [&str; 5] = ["ant", "bee", "cow", "dog", "elk"];

/// The first `count` jobs of each key, interleaved.
fn interleaved(count: u32) -> Vec<Job> {
    (0..count).flat_map(|number| KEYS.map(|key| Job::new(key, number))).collect()
}

/// What was handled of the key, in order.
fn numbers(seen: &Seen, key: &str) -> Vec<u32> {
    seen.of(key).iter().filter_map(|entry| entry[key.len()..].parse().ok()).collect()
}

/// Every fifth message fails once or twice.
pub async fn messages_of_one_key_keep_their_order_under_retries(world: &World) {
    let (seen, attempts) = (Seen::default(), Seen::default());
    let log = seen.clone();
    let script = Script::now(move |job| {
        attempts.add(job.label());
        let failures = if job.number % 5 == 2 { 1 + job.number as usize % 2 } else { 0 };
        if attempts.tally()[&job.label()] <= failures {
            return Err(Classified::retryable("later"));
        }
        log.add(job.label());
        Ok(())
    });
    let member = world.run::<Sorted>(script).await;
    member.publish_all(&interleaved(20)).await;
    seen.until_there_are(KEYS.len() * 20).await;
    for key in KEYS {
        assert_eq!(numbers(&seen, key), (0..20).collect::<Vec<_>>(), "{key}. What happened: {:?}", member.lines());
    }
    assert!(member.dead_letters::<Sorted>().await.is_empty());
}

/// A key that fails does not hold up the others.
pub async fn others_run_on_while_a_key_is_retried(world: &World) {
    let seen = Seen::default();
    let log = seen.clone();
    let free = Arc::new(AtomicBool::new(false));
    let is_free = Arc::clone(&free);
    let script = Script::new(move |job| {
        let (log, is_free) = (log.clone(), Arc::clone(&is_free));
        async move {
            // Longer than all others together take, in several attempts.
            while job.key == "ant" && job.number == 0 && !is_free.load(Ordering::SeqCst) {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            log.add(job.label());
            Ok(())
        }
    });
    let member = world.run::<Sorted>(script).await;
    member.publish_all(&interleaved(3)).await;
    seen.until("the others", |entries| entries.iter().filter(|entry| !entry.starts_with("ant")).count() == 12).await;
    assert_eq!(seen.of("ant").len(), 0, "ant1 overtook ant0: {seen:?}");
    free.store(true, Ordering::SeqCst);
    seen.until_there_are(15).await;
    assert_eq!(numbers(&seen, "ant"), [0, 1, 2]);
}

/// The one that leaves finishes what it has; the other one goes on after it, without gap or repetition.
pub async fn order_holds_over_two_members_of_which_one_leaves(world: &World) {
    let seen = Seen::default();
    let script = slowly(&seen);
    let first = world.run::<Sorted>(script.clone()).await;
    let second = world.run::<Sorted>(script).await;
    first.publish_all(&interleaved(30)).await;
    seen.until_there_are(KEYS.len() * 10).await;
    assert_eq!(first.stop().await, Stopped::Drained);
    second.publish_all(&KEYS.map(|key| Job::new(key, 30))).await;
    seen.until_there_are(KEYS.len() * 31).await;
    for key in KEYS {
        assert_eq!(numbers(&seen, key), (0..31).collect::<Vec<_>>(), "{key}. Second: {:?}", second.lines());
    }
}

/// The one that crashes repeats what it had not settled; nothing overtakes.
pub async fn order_holds_over_two_members_of_which_one_crashes(world: &World) {
    let seen = Seen::default();
    let script = slowly(&seen);
    let first = world.run::<Sorted>(script.clone()).await;
    let second = world.run::<Sorted>(script).await;
    let publisher = world.stranger().await;
    publisher.publish_all(&interleaved(30)).await;
    seen.until_there_are(KEYS.len() * 10).await;
    drop(first);
    let all: Vec<String> = interleaved(30).iter().map(Job::label).collect();
    seen.until_all(&all).await;
    for key in KEYS {
        let numbers = numbers(&seen, key);
        let mut next = 0;
        for number in &numbers {
            assert!(*number <= next, "{key}{number} came before {key}{next}: {numbers:?}. Second: {:?}", second.lines());
            next = next.max(number + 1);
        }
    }
}

fn slowly(seen: &Seen) -> Script {
    let log = seen.clone();
    Script::new(move |job| {
        let log = log.clone();
        async move {
            tokio::time::sleep(Duration::from_millis(2)).await;
            log.add(job.label());
            Ok(())
        }
    })
}

/// `after = "continue"`.
pub async fn after_a_dead_letter_an_ordered_subscription_may_continue(world: &World) {
    let script = Script::now(|job| if job.number == 0 { Err(Classified::permanent("never")) } else { Ok(()) });
    let member = world.run::<Sorted>(script).await;
    member.publish_all(&[Job::new("ant", 0), Job::new("ant", 1)]).await;
    member.lines().until_there_are(2).await;
    assert_eq!(member.lines().entries(), ["sorted.on_job ant0 given up: permanent", "sorted.on_job ant1 handled"]);
}

/// `after = "park-key"`, over a restart of the service, until an operator replays.
pub async fn a_parked_key_waits_for_its_replay_and_keeps_its_order(world: &World) {
    let broken = Arc::new(AtomicBool::new(true));
    let (is_broken, seen) = (Arc::clone(&broken), Seen::default());
    let log = seen.clone();
    let script = Script::now(move |job| {
        if job.key == "ant" && is_broken.load(Ordering::SeqCst) {
            return Err(Classified::permanent("broken"));
        }
        log.add(job.label());
        Ok(())
    });
    let member = world.run::<Parking>(script.clone()).await;
    member.publish_all(&[Job::new("ant", 0), Job::new("ant", 1), Job::new("bee", 0)]).await;
    member.lines().until_there_are(3).await;
    let expected = ["ant0 given up: permanent", "ant1 given up: parked", "bee0 handled"].map(|line| format!("parking.on_job {line}"));
    member.lines().until_all(&expected).await;
    assert_eq!(member.stop().await, Stopped::Drained);

    let member = world.run::<Parking>(script).await;
    member.publish("ant", 2).await;
    member.lines().until_there_are(1).await;
    assert_eq!(member.lines().entries(), ["parking.on_job ant2 given up: parked"], "a restart must not free the key");
    broken.store(false, Ordering::SeqCst);
    assert_eq!(member.replay::<Parking>().await, 3);
    seen.until_there_are(4).await;
    // The last replayed one frees the key when it is settled; it was seen a moment before that.
    member.lines().until_there_are(4).await;
    assert!(member.dead_letters::<Parking>().await.is_empty());
    assert_eq!(numbers(&seen, "ant"), [0, 1, 2]);
}
