//! The process of a member is killed.

use comms::testing::servers::RabbitMq;
use comms_faults::gate::Gate;
use comms_faults::parts::{Job, Script, Worker};
use comms_faults::process::Process;
use comms_faults::record::Seen;
use comms_faults::world::{World, subscription, vhost};

const MEMBER: &str = env!("CARGO_BIN_EXE_member");

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn messages_in_the_hands_of_a_killed_process_are_delivered_to_another_one() {
    let world = World::rabbitmq().await;
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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_that_kills_its_process_ends_among_the_dead_letters() {
    let world = World::rabbitmq().await;
    let seen = Seen::default();
    let mut process = Process::start(MEMBER, world.url(), &seen).await;
    let publisher = world.stranger().await;
    publisher.publish("poison", 1).await;
    let given_up = subscription::<Worker>();
    let mut killed = 0;
    let letter = loop {
        let filter = comms::broker::DeadLetterFilter::default();
        if let Some(letter) = publisher.broker().admin().dead_letters(&given_up, &filter).await.unwrap().pop() {
            break letter;
        }
        if !process.runs() {
            killed += 1;
            assert!(killed <= 5, "it kills for ever: {seen:?}");
            process = Process::start(MEMBER, world.url(), &seen).await;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    };
    // One attempt and four retries, as declared.
    assert_eq!((killed, seen.of("begin poison1").len()), (5, 5), "{seen:?}");
    assert_eq!((letter.provenance.reason.as_str(), letter.provenance.attempts), ("crashed", 5));
    publisher.publish("well", 1).await;
    seen.until_all(&["done well1".to_owned()]).await;
}

/// The copy for the retry is confirmed, the acknowledgement of the original never arrives: the moment between the
/// two, whichever way they are written.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_kill_between_the_copy_and_the_acknowledgement_loses_nothing() {
    for key in ["flaky", "doomed"] {
        let server = RabbitMq::shared().await;
        let vhost = vhost(server).await;
        let gate = Gate::start(server.address()).await.unwrap();
        let direct = World::at(&server.url_for(&vhost));
        let gated = World::at(&server.url_for(&vhost).replace(&server.address().to_string(), &gate.addr().to_string()));
        let (first, second) = (Seen::default(), Seen::default());
        let process = Process::start(MEMBER, gated.url(), &first).await;
        gate.hold_back_acknowledgements();
        let publisher = direct.stranger().await;
        publisher.publish(key, 1).await;
        until_copied(server, &vhost).await;
        process.kill().await;
        // The original is there once more, and the copy.
        let _process = Process::start(MEMBER, direct.url(), &second).await;
        if key == "flaky" {
            second.until("both handled", |lines| lines.iter().filter(|line| *line == "done flaky1").count() == 2).await;
        } else {
            second.until_all(&["begin doomed1".to_owned()]).await;
            let letters = publisher.dead_letters::<Worker>().await;
            assert!(!letters.is_empty(), "{second:?}");
        }
    }
}

/// Waits until a second copy of the only message is on the server, the first being unacknowledged.
async fn until_copied(server: &RabbitMq, vhost: &str) {
    let copied = async {
        loop {
            let queues = server.queues_in(vhost).await.unwrap();
            let unacknowledged: u64 = queues.iter().map(|queue| queue.unacknowledged).sum();
            let ready: u64 = queues.iter().filter(|queue| queue.name != "worker.jobs").map(|queue| queue.ready).sum();
            let back: u64 = queues.iter().map(|queue| queue.messages).sum();
            if unacknowledged >= 1 && (ready >= 1 || back >= 2) {
                return;
            }
        }
    };
    if tokio::time::timeout(comms_faults::PATIENCE, copied).await.is_err() {
        panic!("no copy beside the unacknowledged original: {:?}", server.queues_in(vhost).await);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn members_that_are_killed_again_and_again_lose_no_message_in_the_middle_of_retries() {
    const JOBS: u32 = 300;
    let world = World::rabbitmq().await;
    let seen = Seen::default();
    let mut process = Process::start(MEMBER, world.url(), &seen).await;
    let publisher = world.stranger().await;
    let jobs: Vec<Job> = (0..JOBS).map(|number| Job::new(if number % 3 == 0 { "flaky" } else { "plain" }, number)).collect();
    publisher.publish_all(&jobs).await;
    for turn in 1..=3 {
        seen.until_there_are(turn * 120).await;
        process.kill().await;
        process = Process::start(MEMBER, world.url(), &seen).await;
    }
    let last = world.run::<Worker>(Script::now(|_| Ok(()))).await;
    let handled = async {
        loop {
            let letters = last.dead_letters::<Worker>().await;
            let missing: Vec<String> = jobs
                .iter()
                .map(Job::label)
                .filter(|label| {
                    !seen.entries().contains(&format!("done {label}"))
                        && !last.lines().entries().contains(&format!("worker.on_job {label} handled"))
                        && !letters.iter().any(|letter| Job::label_of(&letter.envelope.payload) == *label)
                })
                .collect();
            if missing.is_empty() {
                return;
            }
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
    };
    // Handled or kept: kills count as attempts, and a message may run out of them.
    tokio::time::timeout(comms_faults::PATIENCE, handled).await.unwrap_or_else(|_| panic!("lost; there was: {seen:?}"));
}
