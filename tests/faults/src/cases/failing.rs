//! Attempts that fail and are made again.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use comms::Classified;

use crate::parts::{Outcome, Script, Worker};
use crate::record::Seen;
use crate::world::World;

/// Fails so many times, then succeeds.
fn failing(times: u32) -> Script {
    let failures = AtomicU32::new(0);
    Script::now(move |_| if failures.fetch_add(1, Ordering::SeqCst) < times { unlucky() } else { Ok(()) })
}

fn unlucky() -> Outcome {
    Err(Classified::retryable("no luck"))
}

/// Once in the slot, then through the broker: the attempts count on.
pub async fn a_failure_is_retried_on_both_levels_with_one_count(world: &World) {
    let member = world.run::<Worker>(failing(4)).await;
    member.publish("a", 1).await;
    member.lines().until_there_are(5).await;
    let expected = ["retried 1", "retried 2", "retried 3", "retried 4", "handled"].map(|line| format!("worker.on_job a1 {line}"));
    assert_eq!(member.lines().entries(), expected);
    assert!(member.dead_letters::<Worker>().await.is_empty());
}

/// The worker lives on.
pub async fn a_panic_is_a_failure_like_any_other(world: &World) {
    let attempts = AtomicU32::new(0);
    let script = Script::now(move |_| {
        assert!(attempts.fetch_add(1, Ordering::SeqCst) >= 2, "unlucky twice");
        Ok(())
    });
    let member = world.run::<Worker>(script).await;
    member.publish("a", 1).await;
    member.publish("a", 2).await;
    let handled = ["worker.on_job a1 handled", "worker.on_job a2 handled"].map(str::to_owned);
    member.lines().until_all(&handled).await;
}

/// Its future is dropped, its message comes again.
pub async fn a_handler_that_hangs_is_stopped_and_tried_again(world: &World) {
    let attempts = Arc::new(AtomicU32::new(0));
    let script = Script::new(move |_| {
        let attempts = Arc::clone(&attempts);
        async move { if attempts.fetch_add(1, Ordering::SeqCst) == 0 { std::future::pending().await } else { Ok(()) } }
    });
    let member = world.run::<Worker>(script).await;
    member.publish("a", 1).await;
    member.lines().until_there_are(2).await;
    assert_eq!(member.lines().entries(), ["worker.on_job a1 retried 1", "worker.on_job a1 handled"]);
}

/// More sick messages than slots, and one that is well.
pub async fn what_waits_for_a_later_attempt_holds_no_slot(world: &World) {
    let seen = Seen::default();
    let (log, well) = (seen.clone(), Arc::new(tokio::sync::Notify::new()));
    let heal = Arc::clone(&well);
    let healed = Arc::new(std::sync::atomic::AtomicBool::new(false));
    let is_healed = Arc::clone(&healed);
    let script = Script::now(move |job| {
        log.add(job.key.clone());
        if job.key == "well" {
            healed.store(true, Ordering::SeqCst);
            heal.notify_one();
        }
        if is_healed.load(Ordering::SeqCst) { Ok(()) } else { unlucky() }
    });
    let member = world.run::<Worker>(script).await;
    for number in 0..12 {
        member.publish("sick", number).await;
    }
    // Each has failed in its slot and was sent on to wait.
    member.lines().until("twelve on the second level", |lines| lines.iter().filter(|line| line.ends_with("retried 2")).count() == 12).await;
    member.publish("well", 1).await;
    tokio::time::timeout(crate::PATIENCE, well.notified()).await.unwrap_or_else(|_| panic!("it found no slot: {:?}", member.lines()));
    member.lines().until("all handled", |lines| lines.iter().filter(|line| line.ends_with(" handled")).count() == 13).await;
}

/// Deduplication counts successes only.
pub async fn a_duplicate_is_skipped_only_after_success(world: &World) {
    let attempts = Seen::default();
    let log = attempts.clone();
    let script = Script::now(move |job| if log.add(job.label()) <= 2 { unlucky() } else { Ok(()) });
    let member = world.run::<crate::parts::Careful>(script).await;
    let envelope = crate::world::envelope(|_| (), br#"{"key":"a","number":1}"#);
    member.publish_envelope(envelope.clone()).await;
    // Its second failure sends it through the broker: it comes back as what looks like a duplicate.
    member.lines().until_there_are(3).await;
    member.publish_envelope(envelope).await;
    member.lines().until_there_are(4).await;
    let expected = ["retried 1", "retried 2", "handled", "duplicate"].map(|line| format!("careful.on_job a1 {line}"));
    assert_eq!(member.lines().entries(), expected);
    assert_eq!(attempts.len(), 3);
}
