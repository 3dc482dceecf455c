//! Messages that are given up, and those that are nobody's.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use comms::broker::DeadLetter;
use comms::message::{Envelope, Id, Metadata};
use comms::{Classified, Stopped};
use tokio::time::Instant;

use crate::parts::{Script, Worker};
use crate::record::Seen;
use crate::world::{Member, World, envelope};

fn succeeding() -> Script {
    Script::now(|_| Ok(()))
}

async fn only_letter(member: &Member) -> DeadLetter {
    let mut letters = member.dead_letters::<Worker>().await;
    assert_eq!(letters.len(), 1, "{letters:?}. What happened: {:?}", member.lines());
    letters.remove(0)
}

/// With everything that is known of it.
pub async fn retries_are_bounded_and_then_the_message_is_a_dead_letter(world: &World) {
    let member = world.run::<Worker>(Script::now(|_| Err(Classified::retryable("no luck")))).await;
    member.publish("a", 1).await;
    member.lines().until("given up", |lines| lines.iter().any(|line| line.ends_with("given up: failed"))).await;
    assert_eq!(member.lines().len(), 5, "four retries, then the end: {:?}", member.lines());
    let DeadLetter { envelope, provenance, .. } = only_letter(&member).await;
    assert_eq!((provenance.reason.as_str(), provenance.attempts, provenance.handler.as_str()), ("failed", 5, "on_job"));
    assert_eq!((provenance.service.as_str(), provenance.group.as_str(), provenance.topic.as_str()), ("worker", "worker", "jobs"));
    assert_eq!(provenance.errors, ["no luck"]);
    assert_eq!(&envelope.payload[..], br#"{"key":"a","number":1}"#);
}

/// No attempt follows.
pub async fn a_permanent_error_is_not_retried(world: &World) {
    let member = world.run::<Worker>(Script::now(|_| Err(Classified::permanent("never")))).await;
    member.publish("a", 1).await;
    member.lines().until_there_are(1).await;
    assert_eq!(member.lines().entries(), ["worker.on_job a1 given up: permanent"]);
    assert_eq!(only_letter(&member).await.provenance.reason, "permanent");
}

/// Byte for byte.
pub async fn what_cannot_be_decoded_is_a_dead_letter_at_once(world: &World) {
    let member = world.run::<Worker>(succeeding()).await;
    member.publish_envelope(envelope(|_| (), b"{not json")).await;
    member.lines().until_there_are(1).await;
    let letter = only_letter(&member).await;
    assert_eq!(letter.provenance.reason, "undecodable");
    assert_eq!(&letter.envelope.payload[..], b"{not json");
}

/// For whoever is deployed next.
pub async fn a_newer_version_is_kept(world: &World) {
    let member = world.run::<Worker>(succeeding()).await;
    member.publish_envelope(envelope(|metadata| metadata.version = 3, br#"{"key":"a","number":1}"#)).await;
    member.lines().until_there_are(1).await;
    assert_eq!(only_letter(&member).await.provenance.reason, "newer-version");
}

/// And is off the queue: the next one is handled.
pub async fn a_type_that_was_never_named_is_skipped_and_counted(world: &World) {
    let member = world.run::<Worker>(succeeding()).await;
    member.publish_envelope(envelope(|metadata| metadata.name = "faults.other".into(), b"{}")).await;
    member.publish("a", 1).await;
    member.lines().until_there_are(2).await;
    let lines = member.lines();
    lines.until_all(&["worker. {} skipped".to_owned(), "worker.on_job a1 handled".to_owned()]).await;
    assert_eq!(member.app.counters()["worker.jobs"].skipped.load(Ordering::Relaxed), 1);
    assert!(member.dead_letters::<Worker>().await.is_empty());
}

/// A stranger's message that says its type and nothing else.
pub async fn a_foreign_message_needs_no_more_than_its_type(world: &World) {
    let member = world.run::<Worker>(succeeding()).await;
    let mut metadata = Metadata::foreign(Id::parse("anything"));
    metadata.name = "faults.job".into();
    metadata.version = 2;
    member.publish_envelope(Envelope::new("jobs".into(), metadata, br#"{"key":"a","number":1}"#.as_slice().into())).await;
    member.lines().until_there_are(1).await;
    assert_eq!(member.lines().entries(), ["worker.on_job a1 handled"]);
}

/// It waited too long for a member: nobody needs the result any more.
pub async fn a_message_whose_deadline_is_over_is_kept_unhandled(world: &World) {
    let seen = Seen::default();
    let log = seen.clone();
    let script = Script::now(move |job| {
        log.add(job.label());
        Ok(())
    });
    // Declares the queue.
    assert_eq!(world.run::<Worker>(script.clone()).await.stop().await, Stopped::Drained);
    let stranger = world.stranger().await;
    let time = Duration::from_secs(2);
    let deadline = Instant::now() + time;
    let mut letter = envelope(|_| (), br#"{"key":"a","number":1}"#);
    letter.metadata.deadline = letter.metadata.time.and_then(|now| now.checked_add(time).ok());
    stranger.publish_envelope(letter).await;
    tokio::time::sleep_until(deadline).await;
    let member = world.run::<Worker>(script).await;
    member.lines().until_there_are(1).await;
    assert_eq!(only_letter(&member).await.provenance.reason, "expired");
    assert!(seen.is_empty());
}

/// From attempt one, past deduplication.
pub async fn a_replayed_dead_letter_is_handled_as_if_new(world: &World) {
    let broken = Arc::new(AtomicBool::new(true));
    let is_broken = Arc::clone(&broken);
    let script = Script::now(move |_| if is_broken.load(Ordering::SeqCst) { Err(Classified::permanent("broken")) } else { Ok(()) });
    let member = world.run::<Worker>(script).await;
    member.publish("a", 1).await;
    member.publish("a", 2).await;
    member.lines().until_there_are(2).await;
    broken.store(false, Ordering::SeqCst);
    assert_eq!(member.replay::<Worker>().await, 2);
    member.lines().until_there_are(4).await;
    let handled = ["worker.on_job a1 handled", "worker.on_job a2 handled"].map(str::to_owned);
    member.lines().until_all(&handled).await;
    assert!(member.dead_letters::<Worker>().await.is_empty());
}
