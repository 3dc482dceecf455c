//! The window of what a group has handled lives in Redis: its members share it, and a restart forgets nothing.

use comms::broker::Position;
use comms::handler::Batch;
use comms::{AppBuilder, Classified, event_handler, service};
use comms_faults::parts::{Careful, Job, Script};
use comms_faults::world::{World, envelope, subscription};

const BODY: &[u8] = br#"{"key":"a","number":1}"#;

fn well() -> Script {
    Script::now(|_| Ok(()))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_one_member_handled_is_a_duplicate_to_another_and_after_a_restart() {
    let world = World::redis().await;
    let first = world.run::<Careful>(well()).await;
    let message = envelope(|_| (), BODY);
    first.publish_envelope(message.clone()).await;
    first.lines().until_all(&["careful.on_job a1 handled".to_owned()]).await;
    first.stop().await;
    for _ in 0..2 {
        let next = world.run::<Careful>(well()).await;
        next.publish_envelope(message.clone()).await;
        next.lines().until_there_are(1).await;
        assert_eq!(next.lines().entries(), ["careful.on_job a1 duplicate"]);
        next.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replayed_dead_letter_passes_though_a_duplicate_of_it_was_handled_meanwhile() {
    let world = World::redis().await;
    let attempts = comms_faults::record::Seen::default();
    let log = attempts.clone();
    let script = Script::now(move |job| if log.add(job.label()) == 1 { Err(Classified::permanent("not today")) } else { Ok(()) });
    let member = world.run::<Careful>(script).await;
    let message = envelope(|_| (), BODY);
    member.publish_envelope(message.clone()).await;
    member.lines().until_there_are(1).await;
    member.publish_envelope(message).await;
    member.lines().until_there_are(2).await;
    assert_eq!(member.replay::<Careful>().await, 1);
    member.lines().until_there_are(3).await;
    assert_eq!(member.lines().entries()[1..], ["careful.on_job a1 handled", "careful.on_job a1 handled"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_group_that_is_taken_back_handles_again_what_it_handled() {
    let world = World::redis().await;
    let member = world.run::<Careful>(well()).await;
    member.publish("a", 1).await;
    member.lines().until_there_are(1).await;
    member.stop().await;
    let stranger = world.stranger().await;
    stranger.broker().admin().seek(&subscription::<Careful>(), &Position::Beginning).await.expect("moved");
    let member = world.run::<Careful>(well()).await;
    member.lines().until_there_are(1).await;
    assert_eq!(member.lines().entries(), ["careful.on_job a1 handled"]);
}

/// Handles batches, and skips what was handled before.
#[service(name = "packer", version = "1.0.0", subscribe("jobs", dedup = "1m"))]
#[derive(Debug)]
struct Packer;

#[service]
impl Packer {
    #[event_handler(batch(max = 10, wait = "10ms"))]
    async fn on_jobs(&self, jobs: Batch<Job>) {
        assert!(!jobs.is_empty());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_batch_leaves_out_what_was_handled_before() {
    let world = World::redis().await;
    let member = world.start(AppBuilder::new("packer").service::<Packer>().batch_handler::<__comms_Packer_on_jobs>()).await;
    let message = envelope(|_| (), BODY);
    member.publish_envelope(message.clone()).await;
    member.lines().until_there_are(1).await;
    member.publish_envelope(message).await;
    member.publish("a", 2).await;
    member.lines().until_there_are(3).await;
    let mut lines = member.lines().entries();
    lines.sort();
    assert_eq!(lines, ["a1 duplicate", "a1 handled", "a2 handled"].map(|line| format!("packer.on_jobs {line}")));
}
