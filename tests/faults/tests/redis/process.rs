//! The process of a member is killed.

use std::collections::HashSet;
use std::time::Instant;

use comms_faults::parts::{Job, Script, Worker};
use comms_faults::process::Process;
use comms_faults::record::Seen;
use comms_faults::world::World;

const MEMBER: &str = env!("CARGO_BIN_EXE_member");

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn messages_in_the_hands_of_a_killed_process_are_delivered_to_another_one() {
    let world = World::redis().await;
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

/// Of each key the numbers as they were handled first, in one process and then in the other.
fn first_handled(lines: &[String], key: &str) -> Vec<u32> {
    let mut numbers: Vec<u32> = Vec::new();
    for line in lines {
        let number = line.strip_prefix("done ").and_then(|label| label.strip_prefix(key)).and_then(|number| number.parse().ok());
        numbers.extend(number.filter(|number| !numbers.contains(number)));
    }
    numbers
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_order_of_each_key_outlives_a_process_that_is_killed() {
    const KEYS: [&str; 6] = ["a", "b", "c", "d", "e", "f"];
    let world = World::redis().await;
    let (first, second) = (Seen::default(), Seen::default());
    let process = Process::start_ordered(MEMBER, world.url(), &first).await;
    let _successor = Process::start_ordered(MEMBER, world.url(), &second).await;
    let jobs: Vec<Job> = (0..50).flat_map(|number| KEYS.map(|key| Job::new(key, number))).collect();
    world.stranger().await.publish_all(&jobs).await;
    first.until("a part is handled", |lines| lines.iter().filter(|line| line.starts_with("done")).count() >= 60).await;
    process.kill().await;
    second.until_all(&KEYS.map(|key| format!("done {key}49"))).await;
    let lines = [first.entries(), second.entries()].concat();
    assert!(!second.of("done").is_empty() && first.of("done").len() < jobs.len(), "it was killed in the middle");
    for key in KEYS {
        assert_eq!(first_handled(&lines, key), (0..50).collect::<Vec<_>>(), "{key}: {lines:?}");
    }
}

/// What stood beside it in the killed process is handled, or kept: see docs/known-limits-redis.md.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_that_kills_its_process_ends_among_the_dead_letters() {
    let world = World::redis().await;
    let seen = Seen::default();
    let mut process = Process::start(MEMBER, world.url(), &seen).await;
    let publisher = world.stranger().await;
    let neighbours: Vec<Job> = (2..6).map(|number| Job::new("well", number)).collect();
    publisher.publish("well", 1).await;
    publisher.publish("poison", 1).await;
    publisher.publish_all(&neighbours).await;
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
    // One attempt and four retries, as declared; fewer when it was prefetched by a process that died of it before.
    assert!((1..=5).contains(&seen.of("begin poison1").len()), "{seen:?}");
    assert_eq!((letter.provenance.reason.as_str(), letter.provenance.attempts), ("crashed", 5));
    publisher.publish("well", 6).await;
    seen.until_all(&["done well6".to_owned()]).await;
    for job in neighbours {
        let done = seen.entries().contains(&format!("done {}", job.label()));
        let kept = publisher.dead_letters::<Worker>().await.iter().any(|letter| Job::label_of(&letter.envelope.payload) == job.label());
        assert!(done || kept, "{} is lost: {seen:?}", job.label());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn members_that_are_killed_again_and_again_lose_no_message_in_the_middle_of_retries() {
    const JOBS: u32 = 300;
    let world = World::redis().await;
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
    let (mut missing, begun) = (Vec::new(), Instant::now());
    // Handled or kept: kills count as attempts, and a message may run out of them.
    while begun.elapsed() < comms_faults::PATIENCE {
        let letters = last.dead_letters::<Worker>().await;
        let kept: HashSet<String> = letters.iter().map(|letter| Job::label_of(&letter.envelope.payload)).collect();
        let (there, here) = (seen.tally(), last.lines().tally());
        missing = jobs
            .iter()
            .map(Job::label)
            .filter(|label| {
                !there.contains_key(&format!("done {label}"))
                    && !here.contains_key(&format!("worker.on_job {label} handled"))
                    && !kept.contains(label)
            })
            .collect();
        if missing.is_empty() {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    panic!("lost: {missing:?}; there was: {seen:?}, and in this process {:?}", last.lines());
}
