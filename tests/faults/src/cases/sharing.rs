//! Groups, members, patterns, and how many messages are in hand.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::Semaphore;

use crate::parts::{Auditor, Job, Paid, Script, Shipped, Worker, watcher};
use crate::record::Seen;
use crate::world::{World, subscription};

fn jobs(count: u32) -> Vec<Job> {
    (0..count).map(|number| Job::new("k", number)).collect()
}

fn labels(count: u32) -> Vec<String> {
    jobs(count).iter().map(Job::label).collect()
}

fn logging(seen: &Seen) -> Script {
    let log = seen.clone();
    Script::now(move |job| {
        log.add(job.label());
        Ok(())
    })
}

/// Each gets everything.
pub async fn two_groups_get_every_message_each(world: &World) {
    let (working, auditing) = (Seen::default(), Seen::default());
    let worker = world.run::<Worker>(logging(&working)).await;
    let auditor = world.run::<Auditor>(logging(&auditing)).await;
    worker.publish_all(&jobs(50)).await;
    for (seen, member) in [(&working, &worker), (&auditing, &auditor)] {
        seen.until_there_are(50).await;
        member.lines().until_there_are(50).await;
        let once: BTreeSet<String> = seen.entries().into_iter().collect();
        assert_eq!((seen.len(), once.len()), (50, 50), "each once: {seen:?}");
    }
}

/// Each message goes to one of them.
pub async fn two_members_of_a_group_share_the_messages(world: &World) {
    let seen = Seen::default();
    let both = Arc::new(tokio::sync::Barrier::new(8));
    let log = seen.clone();
    let script = Script::new(move |job| {
        let (log, both) = (log.clone(), Arc::clone(&both));
        async move {
            // Eight at once are four in each member: neither can do it alone.
            both.wait().await;
            log.add(job.label());
            Ok(())
        }
    });
    let first = world.run::<Worker>(script.clone()).await;
    let second = world.run::<Worker>(script).await;
    first.publish_all(&jobs(8)).await;
    seen.until_there_are(8).await;
    first.lines().until_there_are(4).await;
    second.lines().until_there_are(4).await;
    assert_eq!(seen.tally().len(), 8, "{seen:?}");
}

/// `shop.#`.
pub async fn a_pattern_gets_what_it_matches_and_nothing_else(world: &World) {
    let seen = Seen::default();
    let member = world.start(watcher(seen.clone())).await;
    member.publish("not below the shop", 1).await;
    member.publisher().publish(&Shipped { number: 1 }).await.expect("published");
    member.publisher().publish(&Paid { number: 2 }).await.expect("published");
    seen.until_there_are(2).await;
    let both: BTreeSet<String> = seen.entries().into_iter().collect();
    assert_eq!(both, BTreeSet::from(["paid 2".to_owned(), "shipped 1".to_owned()]));
}

/// One number: never more, and all of it is used.
pub async fn concurrency_is_how_many_are_in_hand_and_is_used(world: &World) {
    let (now, most, seen) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)), Seen::default());
    let (in_hand, highest, log) = (Arc::clone(&now), Arc::clone(&most), seen.clone());
    let script = Script::new(move |job| {
        let (in_hand, highest, log) = (Arc::clone(&in_hand), Arc::clone(&highest), log.clone());
        async move {
            highest.fetch_max(in_hand.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            tokio::time::sleep(Duration::from_millis(10)).await;
            in_hand.fetch_sub(1, Ordering::SeqCst);
            log.add(job.label());
            Ok(())
        }
    });
    let member = world.run::<Worker>(script).await;
    member.publish_all(&jobs(60)).await;
    seen.until_there_are(60).await;
    assert_eq!(most.load(Ordering::SeqCst), 4);
}

/// However much waits, the member holds no more than its prefetch; then everything is handled once.
pub async fn a_slow_consumer_holds_no_more_than_its_prefetch(world: &World) {
    let (gate, seen, begun) = (Arc::new(Semaphore::new(0)), Seen::default(), Seen::default());
    let (wait, log, begin) = (Arc::clone(&gate), seen.clone(), begun.clone());
    let script = Script::new(move |job| {
        let (wait, log, begin) = (Arc::clone(&wait), log.clone(), begin.clone());
        async move {
            begin.add(job.label());
            let _open = wait.acquire().await;
            log.add(job.label());
            Ok(())
        }
    });
    // The handler waits longer than its time when the machine is busy: that is a retry, not a loss.
    let member = world.run::<Worker>(script).await;
    let publisher = world.stranger().await;
    publisher.publish_all(&jobs(300)).await;
    begun.until_there_are(4).await;
    let (held, prefetch) = (world.held().await, subscription::<Worker>().prefetch());
    assert!(held <= prefetch, "the member holds {held} messages, its prefetch is {prefetch}");
    assert!(member.app.counters()["worker.jobs"].in_flight.load(Ordering::Relaxed) <= 4);
    gate.add_permits(Semaphore::MAX_PERMITS / 2);
    seen.until_all(&labels(300)).await;
}
