//! The server is killed.

use std::collections::HashSet;
use std::io::Write as _;
use std::ops::Deref;
use std::sync::{Arc, Mutex};

use comms::testing::servers::Redis;
use comms_faults::parts::{Job, Script, Worker};
use comms_faults::record::Seen;
use comms_faults::world::World;
use tokio::sync::Semaphore;

/// A server of the test's own, whose log is shown when the test fails.
struct Server(Redis);

impl Server {
    async fn start() -> Self {
        Self(Redis::start().await.unwrap())
    }
}

impl Deref for Server {
    type Target = Redis;

    fn deref(&self) -> &Redis {
        &self.0
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let _ = writeln!(std::io::stderr(), "The server's log ends:\n{}", self.0.log());
        }
    }
}

const MESSAGES: u32 = 10_000;

/// A handler that takes a moment and fails for each tenth message at first, and its log.
fn worker(seen: &Seen) -> Script {
    let (log, failed) = (seen.clone(), Arc::new(Mutex::new(HashSet::new())));
    Script::new(move |job| {
        let (log, failed) = (log.clone(), Arc::clone(&failed));
        async move {
            tokio::task::yield_now().await;
            if job.number % 10 == 3 && failed.lock().unwrap().insert(job.number) {
                return Err(comms::Classified::retryable("at first"));
            }
            log.add(job.label());
            Ok(())
        }
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_messages_survive_two_kills_of_the_server_without_a_restart_of_the_application() {
    let server = Server::start().await;
    let world = World::at(&server.url());
    let seen = Seen::default();
    let member = world.run::<Worker>(worker(&seen)).await;
    let publishing = tokio::spawn(publish_many(member.publisher()));
    for turn in 1..=2 {
        seen.until_there_are(turn * 2_000).await;
        server.kill().await.unwrap();
        server.restart().await.unwrap();
    }
    let confirmed = publishing.await.unwrap();
    assert_eq!(confirmed.len(), MESSAGES as usize, "a restart is waited out");
    seen.until_all(&confirmed).await;
    assert!(member.dead_letters::<Worker>().await.is_empty(), "a crash of the server is nobody's fault");
}

/// With up to 256 in flight; returns those that were confirmed.
async fn publish_many(publisher: comms::Publisher<Job>) -> Vec<String> {
    let window = Arc::new(Semaphore::new(256));
    let mut tasks = tokio::task::JoinSet::new();
    for number in 0..MESSAGES {
        let slot = Arc::clone(&window).acquire_owned().await.unwrap();
        let publisher = publisher.clone();
        tasks.spawn(async move {
            let job = Job::new("k", number);
            let confirmed = publisher.publish(&job).await.is_ok();
            drop(slot);
            confirmed.then(|| job.label())
        });
    }
    tasks.join_all().await.into_iter().flatten().collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_in_hand_waiting_or_dead_when_the_server_was_killed_is_still_there() {
    let server = Server::start().await;
    let world = World::at(&server.url());
    let (seen, attempts, gate) = (Seen::default(), Seen::default(), Arc::new(Semaphore::new(0)));
    let (log, count, hold) = (seen.clone(), attempts.clone(), Arc::clone(&gate));
    let script = Script::new(move |job| {
        let (log, count, hold) = (log.clone(), count.clone(), Arc::clone(&hold));
        async move {
            count.add(job.label());
            let attempt = count.tally()[&job.label()];
            match job.key.as_str() {
                "dead" => return Err(comms::Classified::permanent("never")),
                // Twice in the slot; the third attempt comes back later.
                "late" if attempt < 3 => return Err(comms::Classified::retryable("later")),
                "held" if attempt == 1 => drop(hold.acquire().await),
                _ => {}
            }
            log.add(job.label());
            Ok(())
        }
    });
    let member = world.run::<Worker>(script).await;
    member.publish("dead", 1).await;
    member.publish("late", 0).await;
    seen.until_there_are(1).await;
    member.publish("held", 1).await;
    member.publish("late", 1).await;
    attempts
        .until("both are at work", |entries| {
            entries.contains(&"held1".to_owned()) && entries.iter().filter(|entry| *entry == "late1").count() == 2
        })
        .await;
    member.lines().until("sent to wait", |lines| lines.contains(&"worker.on_job late1 retried 2".to_owned())).await;
    server.kill().await.unwrap();
    gate.add_permits(100);
    server.restart().await.unwrap();
    member.publish("after", 1).await;
    seen.until_all(&["late0", "held1", "late1", "after1"].map(str::to_owned)).await;
    let letters = member.dead_letters::<Worker>().await;
    assert_eq!(letters.len(), 1, "{letters:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_idle_application_outlives_a_kill_and_a_restart() {
    let server = Server::start().await;
    let world = World::at(&server.url());
    let seen = Seen::default();
    let member = world.run::<Worker>(worker(&seen)).await;
    for turn in 1..=2 {
        if turn == 1 {
            server.kill().await.unwrap()
        } else {
            server.stop().await.unwrap()
        }
        server.restart().await.unwrap();
        member.publish("k", turn).await;
        seen.until_all(&[format!("k{turn}")]).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_frozen_and_thaws_loses_nothing_and_repeats_at_most_what_was_in_hand() {
    let server = Server::start().await;
    let world = World::at(&server.url());
    let seen = Seen::default();
    let member = world.run::<Worker>(worker(&seen)).await;
    member.publish("before", 1).await;
    seen.until_all(&["before1".to_owned()]).await;
    server.pause().await.unwrap();
    let publisher = member.publisher::<Job>();
    let during = tokio::spawn(async move { publisher.publish(&Job::new("during", 1)).await.map(drop) });
    let noticed = async {
        while !matches!(member.broker().state(), comms::broker::ConnectionState::Reconnecting { .. }) {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(comms_faults::PATIENCE, noticed).await.expect("the silence is noticed");
    server.resume().await.unwrap();
    during.await.unwrap().unwrap_or_else(|error| panic!("{error:?}"));
    member.publish("after", 1).await;
    seen.until_all(&["during1", "after1"].map(str::to_owned)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_without_memory_makes_publishing_wait_until_there_is_some() {
    let server = Server::start().await;
    let world = World::at(&server.url());
    let seen = Seen::default();
    let member = world.run::<Worker>(worker(&seen)).await;
    server.cli(&["CONFIG", "SET", "maxmemory", "1"]).await.unwrap();
    let publisher = member.publisher::<Job>();
    let mut during = tokio::spawn(async move { publisher.publish(&Job::new("during", 1)).await.map(drop) });
    let early = tokio::time::timeout(std::time::Duration::from_millis(500), &mut during).await;
    assert!(early.is_err(), "there is no memory: {early:?}");
    server.cli(&["CONFIG", "SET", "maxmemory", "0"]).await.unwrap();
    during.await.unwrap().unwrap_or_else(|error| panic!("{error:?}"));
    seen.until_all(&["during1".to_owned()]).await;
}
