//! The process of a member is killed, on Kafka.

use comms_faults::parts::{Job, Worker};
use comms_faults::process::Process;
use comms_faults::record::Seen;
use comms_faults::world::World;

const MEMBER: &str = env!("CARGO_BIN_EXE_member");

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn messages_in_the_hands_of_a_killed_process_are_delivered_to_another_one() {
    let world = World::kafka().await;
    let (first, second) = (Seen::default(), Seen::default());
    let process = Process::start(MEMBER, world.url(), &first).await;
    let publisher = world.stranger().await;
    publisher.publish_all(&[Job::new("hold", 1), Job::new("hold", 2)]).await;
    first.until_all(&["begin hold1", "begin hold2"].map(str::to_owned)).await;
    process.kill().await;
    assert!(first.of("done").is_empty(), "they were in hand: {first:?}");
    let _process = Process::start(MEMBER, world.url(), &second).await;
    second.until_all(&["done hold1", "done hold2"].map(str::to_owned)).await;
}

/// What a member may have had when it went without a word counts as delivered; what stood beside the message is handled, or kept.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_that_kills_its_process_ends_among_the_dead_letters() {
    let world = World::kafka().await;
    let seen = Seen::default();
    let mut process = Process::start(MEMBER, world.url(), &seen).await;
    let publisher = world.stranger().await;
    publisher.publish("well", 1).await;
    publisher.publish("poison", 1).await;
    publisher.publish("well", 2).await;
    let mut killed = 0;
    let letter = loop {
        let letters = publisher.dead_letters::<Worker>().await;
        if let Some(letter) = letters.into_iter().find(|letter| Job::label_of(&letter.envelope.payload) == "poison1") {
            break letter;
        }
        if !process.runs() {
            killed += 1;
            assert!(killed <= 5, "it kills for ever: {seen:?}");
            process = Process::start(MEMBER, world.url(), &seen).await;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    };
    assert!((1..=5).contains(&seen.of("begin poison1").len()), "{seen:?}");
    assert_eq!((letter.provenance.reason.as_str(), letter.provenance.attempts), ("crashed", 5));
    publisher.publish("well", 6).await;
    seen.until_all(&["done well6".to_owned()]).await;
    for label in ["well1", "well2"] {
        let done = seen.entries().contains(&format!("done {label}"));
        let kept = publisher.dead_letters::<Worker>().await.iter().any(|letter| Job::label_of(&letter.envelope.payload) == label);
        assert!(done || kept, "{label} is lost: {seen:?}");
    }
}
