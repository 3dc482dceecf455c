//! The way to the server breaks.

use std::sync::Arc;

use comms_faults::letters::{labels, letters};
use comms_faults::parts::{Job, Script, Worker};
use comms_faults::record::Seen;
use comms_faults::world::World;
use tokio::sync::Semaphore;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn messages_in_hand_when_the_connection_is_cut_are_delivered_again_and_publishing_waits() {
    let (world, proxy) = World::redis_through_a_proxy("").await;
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
    during.await.unwrap().unwrap_or_else(|error| panic!("{error:?}"));
    seen.until("again, and the new one", |entries| {
        entries.iter().filter(|entry| entry.starts_with("before")).count() >= 4 && entries.contains(&"during1".to_owned())
    })
    .await;
    member.publish("after", 1).await;
    seen.until_all(&["after1".to_owned()]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_silent_connection_is_noticed_by_its_heartbeat_and_replaced() {
    let (world, proxy) = World::redis_through_a_proxy("heartbeat=1s&lease=4s").await;
    let (seen, begun, gate) = (Seen::default(), Seen::default(), Arc::new(Semaphore::new(0)));
    let member = world.run::<Worker>(Script::gated(&seen, &begun, &gate)).await;
    member.publish("held", 1).await;
    begun.until_there_are(1).await;
    proxy.half_open().await.unwrap();
    gate.add_permits(100);
    member.until_noticed().await;
    proxy.heal().await.unwrap();
    member.publish("after", 1).await;
    // What was done meanwhile is acknowledged by the new connection, or comes again.
    seen.until_all(&["held1", "after1"].map(str::to_owned)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_that_break_all_the_time_lose_no_message_retries_and_dead_letters_included() {
    let (world, proxy) = World::redis_through_a_proxy("").await;
    let (seen, tried) = (Seen::default(), Seen::default());
    let log = seen.clone();
    let script = Script::now(move |job| {
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
    });
    let member = world.run::<Worker>(script).await;
    let publisher = world.stranger().await.publisher::<Job>();
    let jobs: Vec<Job> = (0..500).map(|number| Job::new("k", number)).collect();
    let publishing = tokio::spawn({
        let jobs = jobs.clone();
        async move {
            for part in jobs.chunks(50) {
                publisher.publish_all(part).await.unwrap();
            }
        }
    });
    for turn in 1..=8 {
        member.lines().until_there_are(turn * 40).await;
        proxy.drop_connections().await;
    }
    publishing.await.unwrap();
    let (hopeless, sound): (Vec<&Job>, Vec<&Job>) = jobs.iter().partition(|job| job.number % 50 == 7);
    seen.until_all(&labels(&sound)).await;
    let given_up = letters(&member, hopeless.len()).await;
    assert_eq!(given_up, labels(&hopeless).into_iter().collect(), "those, and no other for the losses of its connection");
}
