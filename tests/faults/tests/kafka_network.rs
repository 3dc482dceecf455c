//! The way to the Kafka broker breaks. Its clients go where it says that it is: that leads through the proxy, too.

#![allow(clippy::print_stdout, reason = "the figures of a run, shown with --nocapture")]

use std::sync::Arc;
use std::time::{Duration, Instant};

use comms::testing::proxy::Proxy;
use comms::testing::servers::Kafka;
use comms_faults::letters::{labels, letters};
use comms_faults::parts::{Job, Script, Sorted, Worker};
use comms_faults::record::Seen;
use comms_faults::world::{Member, World};
use tokio::sync::Semaphore;

async fn server() -> Kafka {
    Kafka::builder().proxied().start().await.unwrap()
}

fn behind<'a>(server: &'a Kafka, options: &str) -> (World, &'a Proxy) {
    (World::kafka_at(&server.proxy_url().unwrap(), options), server.proxy().unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn messages_in_hand_when_the_connection_is_cut_are_delivered_again_and_publishing_waits() {
    let server = server().await;
    let (world, proxy) = behind(&server, "");
    let (seen, begun, gate) = (Seen::default(), Seen::default(), Arc::new(Semaphore::new(0)));
    let member = world.run::<Worker>(Script::gated(&seen, &begun, &gate)).await;
    member.publish_all(&[Job::new("before", 1), Job::new("before", 2)]).await;
    begun.until_there_are(2).await;
    proxy.cut().await;
    member.until_noticed().await;
    // Handled meanwhile, but nobody could be told: they come again.
    gate.add_permits(100);
    let publisher = member.publisher::<Job>();
    let during = tokio::spawn(async move { publisher.publish(&Job::new("during", 1)).await.map(drop) });
    seen.until_there_are(2).await;
    proxy.heal().await.unwrap();
    let healed = Instant::now();
    during.await.unwrap().unwrap_or_else(|error| panic!("{error:?}"));
    seen.until("again, and the new one", |entries| {
        entries.iter().filter(|entry| entry.starts_with("before")).count() >= 4 && entries.contains(&"during1".to_owned())
    })
    .await;
    println!("cut: all is handled {:?} after the network came back", healed.elapsed());
    member.publish("after", 1).await;
    seen.until_all(&["after1".to_owned()]).await;
    member.until_connected().await;
}

/// Nothing is refused and nothing answered: the requests under way run into their time.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_silent_connection_is_noticed_and_replaced() {
    let server = server().await;
    let (world, proxy) = behind(&server, "silence=2s");
    let (seen, begun, gate) = (Seen::default(), Seen::default(), Arc::new(Semaphore::new(0)));
    let member = world.run::<Worker>(Script::gated(&seen, &begun, &gate)).await;
    member.publish("held", 1).await;
    begun.until_there_are(1).await;
    proxy.half_open().await.unwrap();
    let (silent, publisher) = (Instant::now(), member.publisher::<Job>());
    let during = tokio::spawn(async move { publisher.publish(&Job::new("during", 1)).await.map(drop) });
    gate.add_permits(100);
    member.until_noticed().await;
    println!("half-open: noticed after {:?}", silent.elapsed());
    assert!(silent.elapsed() < Duration::from_secs(10), "noticed after {:?}", silent.elapsed());
    proxy.heal().await.unwrap();
    let healed = Instant::now();
    during.await.unwrap().unwrap_or_else(|error| panic!("{error:?}"));
    member.publish("after", 1).await;
    // What was done meanwhile is committed by the new connection, or comes again.
    seen.until_all(&["held1", "during1", "after1"].map(str::to_owned)).await;
    println!("half-open: all is handled {:?} after the network came back", healed.elapsed());
    member.until_connected().await;
}

const KEYS: [&str; 4] = ["ant", "bee", "cat", "dog"];

/// A service that retries and gives up, and an ordered one, over the same breaking connections.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_that_break_all_the_time_lose_no_message_and_keep_the_order_of_each_key() {
    let server = server().await;
    let ((world, proxy), (ordered, _)) = (behind(&server, "prefix=w."), behind(&server, "prefix=o."));
    let (seen, tried, sorted) = (Seen::default(), Seen::default(), Seen::default());
    let member = world.run::<Worker>(failing(&seen, &tried)).await;
    let log = sorted.clone();
    let in_order = ordered
        .run::<Sorted>(Script::now(move |job| {
            log.add(job.label());
            Ok(())
        }))
        .await;
    let jobs: Vec<Job> = (0..400).map(|number| Job::new("k", number)).collect();
    let lines: Vec<Job> = (0..100).flat_map(|number| KEYS.map(|key| Job::new(key, number))).collect();
    let publishing = [publish(&member, &jobs), publish(&in_order, &lines)];
    for turn in 1..=6 {
        tokio::join!(member.lines().until_there_are(turn * 40), sorted.until_there_are(turn * 40));
        proxy.drop_connections().await;
    }
    for publishing in publishing {
        publishing.await.unwrap();
    }
    let (hopeless, sound): (Vec<&Job>, Vec<&Job>) = jobs.iter().partition(|job| job.number % 50 == 7);
    seen.until_all(&labels(&sound)).await;
    sorted.until_all(&labels(&lines.iter().collect::<Vec<_>>())).await;
    let given_up = letters(&member, hopeless.len()).await;
    assert_eq!(given_up, labels(&hopeless).into_iter().collect(), "those, and no other for the losses of its connection");
    for key in KEYS {
        let mut next = 0;
        for number in sorted.of(key).iter().map(|label| label[key.len()..].parse::<u32>().unwrap()) {
            assert!(number <= next, "{key}{number} came before {key}{next}: {:?}", sorted.of(key));
            next = next.max(number + 1);
        }
    }
    println!("drops: {} and {} published, {} and {} handled", sound.len(), lines.len(), seen.len(), sorted.len());
}

/// Each tenth message fails at first, each fiftieth always.
fn failing(seen: &Seen, tried: &Seen) -> Script {
    let (log, tried) = (seen.clone(), tried.clone());
    Script::now(move |job| {
        let is_first = !tried.entries().contains(&job.label());
        tried.add(job.label());
        if job.number % 50 == 7 {
            return Err(comms::Classified::permanent("never"));
        }
        if job.number % 10 == 3 && is_first {
            return Err(comms::Classified::retryable("at first"));
        }
        log.add(job.label());
        Ok(())
    })
}

fn publish(member: &Member, jobs: &[Job]) -> tokio::task::JoinHandle<()> {
    let (publisher, jobs) = (member.publisher::<Job>(), jobs.to_vec());
    tokio::spawn(async move {
        for part in jobs.chunks(40) {
            publisher.publish_all(part).await.expect("everything is confirmed");
        }
    })
}
