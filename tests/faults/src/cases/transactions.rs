//! What a transactional handler publishes, as others see it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use comms::Classified;
use tokio::sync::Semaphore;

use crate::parts::{Forwarder, Job, Outcome, Script, collector};
use crate::record::Seen;
use crate::world::World;

/// Fails so many times, after its shipment was published, then succeeds.
fn failing(times: u32) -> Script {
    let failures = AtomicU32::new(0);
    Script::now(move |job: Job| match job.key.as_str() {
        "sentinel" => Ok(()),
        _ if failures.fetch_add(1, Ordering::SeqCst) < times => unlucky(),
        _ => Ok(()),
    })
}

fn unlucky() -> Outcome {
    Err(Classified::retryable("no luck"))
}

/// In the slot and through the broker: only what succeeds in the end has published.
pub async fn a_failed_attempt_publishes_nothing(world: &World) {
    let shipped = Seen::default();
    let _collector = world.start(collector(shipped.clone())).await;
    let member = world.run::<Forwarder>(failing(4)).await;
    member.publish("a", 1).await;
    shipped.until_all(&["a1".to_owned()]).await;
    let expected = ["retried 1", "retried 2", "retried 3", "retried 4", "handled"].map(|line| format!("forwarder.on_job a1 {line}"));
    assert_eq!(member.lines().entries(), expected);
    sentinels(&member, &shipped).await;
    assert_eq!(shipped.of("a"), ["a1"], "once");
}

/// Its message is among the dead letters instead.
pub async fn what_is_given_up_publishes_nothing(world: &World) {
    let shipped = Seen::default();
    let _collector = world.start(collector(shipped.clone())).await;
    let script = Script::now(|job| if job.key == "sentinel" { Ok(()) } else { Err(Classified::permanent("never")) });
    let member = world.run::<Forwarder>(script).await;
    member.publish("a", 1).await;
    member.lines().until_all(&["forwarder.on_job a1 given up: permanent".to_owned()]).await;
    sentinels(&member, &shipped).await;
    assert!(shipped.of("a").is_empty(), "{shipped:?}");
    assert_eq!(member.dead_letters::<Forwarder>().await.len(), 1);
}

/// One comes, and one leaves while others have work in hand.
pub async fn members_that_come_and_go_during_work_repeat_nothing(world: &World) {
    const JOBS: u32 = 300;
    let shipped = Seen::default();
    let _collector = world.start(collector(shipped.clone())).await;
    let gate = Arc::new(Semaphore::new(0));
    let begun = Seen::default();
    let script = || {
        let (gate, begun) = (Arc::clone(&gate), begun.clone());
        Script::new(move |job| {
            let (gate, begun) = (Arc::clone(&gate), begun.clone());
            async move {
                begun.add(job.label());
                if let Ok(pass) = gate.acquire().await {
                    pass.forget();
                }
                Ok(())
            }
        })
    };
    let first = world.run::<Forwarder>(script()).await;
    let jobs: Vec<Job> = (0..JOBS).map(|number| Job::new(&format!("k{}-", number % 16), number)).collect();
    first.publish_all(&jobs).await;
    begun.until_there_are(8).await;
    let second = world.run::<Forwarder>(script()).await;
    gate.add_permits(60);
    shipped.until_there_are(40).await;
    let third = world.run::<Forwarder>(script()).await;
    gate.add_permits(1_000_000);
    first.stop().await;
    let expected: BTreeMap<String, usize> = jobs.iter().map(|job| (job.label(), 1)).collect();
    shipped.until_all(&expected.keys().cloned().collect::<Vec<_>>()).await;
    sentinels(&second, &shipped).await;
    third.stop().await;
    let mut tally = shipped.tally();
    tally.retain(|label, _| !label.starts_with("sentinel"));
    assert_eq!(tally, expected);
}

/// What would have come by now has come, once these have.
async fn sentinels(member: &crate::world::Member, shipped: &Seen) {
    let jobs: Vec<Job> = (0..20).map(|number| Job::new("sentinel", number)).collect();
    member.publish_all(&jobs).await;
    shipped.until_all(&jobs.iter().map(Job::label).collect::<Vec<_>>()).await;
}
