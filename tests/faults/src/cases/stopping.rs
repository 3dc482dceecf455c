//! Shutdown.

use std::sync::Arc;
use std::time::{Duration, Instant};

use comms::{Classified, Stopped};

use crate::parts::{Job, Script, Worker, scripted};
use crate::record::Seen;
use crate::world::World;

/// What one member did not do the next one does: every message once, none lost.
pub async fn a_drained_member_loses_and_repeats_nothing(world: &World) {
    let seen = Seen::default();
    let log = seen.clone();
    let script = Script::new(move |job| {
        let log = log.clone();
        async move {
            // What is begun and not finished is begun again elsewhere.
            log.add(job.label());
            tokio::time::sleep(Duration::from_millis(2)).await;
            Ok(())
        }
    });
    let publisher = world.stranger().await;
    let mut member = world.run::<Worker>(script.clone()).await;
    let jobs: Vec<Job> = (0..400).map(|number| Job::new("k", number)).collect();
    publisher.publish_all(&jobs).await;
    for turn in 1..=3 {
        seen.until_there_are(turn * 80).await;
        assert_eq!(member.stop().await, Stopped::Drained);
        member = world.run::<Worker>(script.clone()).await;
    }
    let all: Vec<String> = jobs.iter().map(Job::label).collect();
    seen.until_all(&all).await;
    assert_eq!(member.stop().await, Stopped::Drained);
    let repeated: Vec<_> = seen.tally().into_iter().filter(|(_, times)| *times != 1).collect();
    assert!(repeated.is_empty(), "handled more than once: {repeated:?}");
}

/// It is finished and settled, also when shutdown begins in the middle of it.
pub async fn what_is_in_hand_is_finished(world: &World) {
    let (seen, begun) = (Seen::default(), Arc::new(tokio::sync::Notify::new()));
    let (log, begin) = (seen.clone(), Arc::clone(&begun));
    let script = Script::new(move |job| {
        let (log, begin) = (log.clone(), Arc::clone(&begin));
        async move {
            begin.notify_one();
            tokio::time::sleep(Duration::from_millis(200)).await;
            log.add(job.label());
            Ok(())
        }
    });
    let member = world.run::<Worker>(script.clone()).await;
    member.publish("a", 1).await;
    begun.notified().await;
    assert_eq!(member.stop().await, Stopped::Drained);
    assert_eq!(seen.entries(), ["a1"]);
    // The next member gets what is new, and not a1 again.
    let member = world.run::<Worker>(script).await;
    member.publish("a", 2).await;
    seen.until_there_are(2).await;
    assert_eq!(seen.entries(), ["a1", "a2"]);
    assert_eq!(member.stop().await, Stopped::Drained);
}

/// Nobody waits for a backoff at shutdown: the message is another member's.
pub async fn what_waits_between_two_attempts_goes_back(world: &World) {
    let app = scripted::<Worker>(Script::now(|_| Err(Classified::retryable("not here"))));
    let first = world.start(app).await;
    first.publish("a", 1).await;
    first.lines().until_there_are(1).await;
    assert_eq!(first.stop().await, Stopped::Drained);
    let second = world.run::<Worker>(Script::now(|_| Ok(()))).await;
    second.lines().until("handled here", |lines| lines == ["worker.on_job a1 handled"]).await;
}

/// There is nothing to wait for.
pub async fn an_idle_application_stops_at_once(world: &World) {
    let member = world.run::<Worker>(Script::now(|_| Ok(()))).await;
    member.publish("a", 1).await;
    member.lines().until_there_are(1).await;
    let begun = Instant::now();
    assert_eq!(member.stop().await, Stopped::Drained);
    assert!(begun.elapsed() < Duration::from_secs(2), "it took {:?}", begun.elapsed());
}
