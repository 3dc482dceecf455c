//! Exactly once from topic to topic, on Kafka, while processes and brokers are killed.

#![allow(clippy::print_stdout, reason = "the figures of a run, shown with --nocapture")]

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, resume_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use comms::testing::servers::Kafka;
use comms_faults::committed;
use comms_faults::parts::{Forwarder, Job, collector};
use comms_faults::process::Process;
use comms_faults::record::Seen;
use comms_faults::world::{Member, World, subscription};
use futures_util::FutureExt;
use tokio::time::timeout;

const MEMBER: &str = env!("CARGO_BIN_EXE_member");
/// How often a process is killed.
const KILLS: usize = 4;
/// How many shipments there are between two of them, at least.
const PROGRESS: usize = 150;

comms_faults::on_kafka! {
    transactions {
        a_failed_attempt_publishes_nothing,
        what_is_given_up_publishes_nothing,
        members_that_come_and_go_during_work_repeat_nothing,
    }
}

mod memory {
    use comms_faults::cases::transactions;
    use comms_faults::world::World;

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_failed_attempt_publishes_nothing() {
        transactions::a_failed_attempt_publishes_nothing(&World::memory()).await;
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn what_is_given_up_publishes_nothing() {
        transactions::what_is_given_up_publishes_nothing(&World::memory()).await;
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn members_that_come_and_go_during_work_repeat_nothing() {
        transactions::members_that_come_and_go_during_work_repeat_nothing(&World::memory()).await;
    }
}

/// Publishes jobs with numbers from here on until it is told to stop; returns them.
async fn publish_until(publisher: Arc<Member>, from: u32, stop: Arc<AtomicBool>) -> Vec<Job> {
    let mut jobs = Vec::new();
    while !stop.load(Ordering::Acquire) {
        let number = from + u32::try_from(jobs.len()).unwrap_or(u32::MAX);
        let some: Vec<Job> = (number..number + 10).map(|number| Job::new(&format!("work{}-", number % 16), number)).collect();
        publisher.publish_all(&some).await;
        jobs.extend(some);
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    jobs
}

/// `{"label":"work3-19"}`.
fn labels(payloads: Vec<String>) -> BTreeMap<String, usize> {
    let mut labels = BTreeMap::new();
    for payload in payloads {
        let label = payload.trim_start_matches("{\"label\":\"").trim_end_matches("\"}").to_owned();
        *labels.entry(label).or_default() += 1;
    }
    labels
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_job_has_one_shipment_over_kills_of_the_service_and_of_the_broker() {
    // What a killed process leaves open is aborted soon.
    let server = Kafka::builder().config("transaction.abort.timed.out.transaction.cleanup.interval.ms=200").start().await;
    let server = server.unwrap_or_else(|error| panic!("{error}"));
    let world = World::kafka_at(&server.url(), "partitions=4&transaction_timeout=2s&session_timeout=2s");
    let shipped = Seen::default();
    let _collector = world.start(collector(shipped.clone())).await;
    let seen = Seen::default();
    let mut processes = vec![start(&world, &seen).await, start(&world, &seen).await];
    let publisher = Arc::new(world.stranger().await);
    let mut jobs: Vec<Job> = Vec::new();
    for half in 0..2 {
        if half == 1 {
            // While nothing is being committed: a single broker that is killed in the middle of that may forget to end the transaction.
            quiet(&server, &publisher).await;
            server.kill().await.unwrap_or_else(|error| panic!("{error}"));
            server.restart().await.unwrap_or_else(|error| panic!("{error}"));
        }
        let stop = Arc::new(AtomicBool::new(false));
        let from = u32::try_from(jobs.len()).unwrap_or(u32::MAX);
        let publishing = tokio::spawn(publish_until(Arc::clone(&publisher), from, Arc::clone(&stop)));
        for _ in 0..KILLS / 2 {
            shipped.until_there_are(shipped.len() + PROGRESS).await;
            processes.remove(0).kill().await;
            processes.push(start(&world, &seen).await);
        }
        shipped.until_there_are(shipped.len() + PROGRESS).await;
        stop.store(true, Ordering::Release);
        jobs.extend(publishing.await.unwrap_or_else(|error| panic!("{error}")));
        all_shipped(&shipped, &jobs, &server, &publisher).await;
    }
    // What was to be repeated comes before these.
    let last: Vec<Job> = (0..64).map(|number| Job::new(&format!("last{}-", number % 16), number)).collect();
    publisher.publish_all(&last).await;
    jobs.extend(last);
    all_shipped(&shipped, &jobs, &server, &publisher).await;
    for process in processes {
        process.kill().await;
    }
    let brokers = server.address().to_string();
    let (committed, written) = tokio::task::spawn_blocking(move || {
        let read = |committed_only| labels(committed::payloads(&brokers, "shipments", committed_only));
        (read(true), read(false))
    })
    .await
    .unwrap_or_else(|error| panic!("{error}"));
    let sum = |tally: &BTreeMap<String, usize>| tally.values().sum::<usize>();
    println!(
        "{} jobs, {} attempts begun, {} kills of a process and 1 of the broker: {} shipments committed, {} written",
        jobs.len(),
        seen.of("begin").len(),
        KILLS,
        sum(&committed),
        sum(&written)
    );
    let expected: BTreeMap<String, usize> = jobs.iter().map(|job| (job.label(), 1)).collect();
    let wrong = |tally: &BTreeMap<String, usize>| -> Vec<String> {
        let other = expected.keys().filter(|label| tally.get(*label) != Some(&1));
        other.map(|label| format!("{label}: {}", tally.get(label).copied().unwrap_or(0))).collect()
    };
    assert!(wrong(&committed).is_empty() && committed.len() == expected.len(), "not once each: {:?}", wrong(&committed));
}

/// Waits for every shipment; when some do not come, says what stands still: transactions that nobody ended, or the group.
async fn all_shipped(shipped: &Seen, jobs: &[Job], server: &Kafka, publisher: &Member) {
    let labels: Vec<String> = jobs.iter().map(Job::label).collect();
    if let Err(missing) = AssertUnwindSafe(shipped.until_all(&labels)).catch_unwind().await {
        let brokers = server.address().to_string();
        let ends = tokio::task::spawn_blocking(move || committed::ends(&brokers, "shipments")).await;
        println!("`shipments` ends, by partition, for who reads what was committed and for everybody: {ends:?}");
        // It waits for transactions that are open.
        let forwarder = subscription::<Forwarder>();
        println!("the group: {:?}", timeout(comms_faults::PATIENCE, publisher.broker().admin().lag(&forwarder)).await);
        resume_unwind(missing);
    }
}

/// Waits until no transaction is open, on the topic of the shipments and among the offsets of the group.
async fn quiet(server: &Kafka, publisher: &Member) {
    let waiting = async {
        loop {
            let brokers = server.address().to_string();
            let is_open = tokio::task::spawn_blocking(move || committed::is_open(&brokers, "shipments"));
            let is_known = publisher.broker().admin().lag(&subscription::<Forwarder>()).await.is_ok();
            if is_known && !is_open.await.unwrap_or(true) {
                return;
            }
        }
    };
    timeout(comms_faults::PATIENCE, waiting).await.unwrap_or_else(|_| panic!("a transaction was never ended"));
}

async fn start(world: &World, seen: &Seen) -> Process {
    Process::start_transactional(MEMBER, world.url(), seen).await
}
