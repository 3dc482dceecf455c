//! The inbound pipeline on the memory broker: what becomes of a message, whatever its handler does.

mod support;

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use comms::handler::{Happening, Outcome};
use comms::message::{Envelope, Id, Metadata, TraceParent};
use comms::testing::TestApp;
use comms::{Class, Context, Fault};
use support::{Job, Log, scripted};
use tokio::time::Instant;

fn fail(class: Class) -> Outcome {
    Err(Fault::new(class, "no luck"))
}

/// Fails so many times, then succeeds.
fn failing(times: u32) -> impl Fn(Job) -> std::future::Ready<Outcome> {
    let failures = AtomicU32::new(0);
    move |_| std::future::ready(if failures.fetch_add(1, Ordering::SeqCst) < times { fail(Class::Retryable) } else { Ok(()) })
}

#[tokio::test(start_paused = true)]
async fn a_failure_is_retried_until_it_succeeds() {
    let app = TestApp::with(scripted::<8, _>(failing(5))).start().await.unwrap();
    app.publish(&Job::new("a", 1)).await.unwrap();
    app.assert_retried("on_job", 5);
    app.assert_handled("on_job", 1);
    app.assert_dead_lettered("on_job", 0);
}

#[tokio::test(start_paused = true)]
async fn retries_are_bounded_and_then_the_message_is_a_dead_letter() {
    let app = TestApp::with(scripted::<3, _>(|_| std::future::ready(fail(Class::Retryable)))).start().await.unwrap();
    app.publish(&Job::new("a", 1)).await.unwrap();
    app.assert_retried("on_job", 3);
    app.assert_dead_lettered("on_job", 1);
    let letters = dead_letters(&app).await;
    assert_eq!(letters.len(), 1);
    let provenance = &letters[0].provenance;
    assert_eq!((provenance.reason.as_str(), provenance.attempts, provenance.handler.as_str()), ("failed", 4, "on_job"));
    assert_eq!((provenance.service.as_str(), provenance.group.as_str(), provenance.topic.as_str()), ("worker", "worker", "jobs"));
    assert_eq!(provenance.errors, ["no luck"]);
    assert_eq!(&letters[0].envelope.payload[..], br#"{"key":"a","number":1}"#);
}

#[tokio::test(start_paused = true)]
async fn the_attempts_in_the_slot_and_those_through_the_broker_count_together() {
    let app = TestApp::with(scripted::<8, _>(failing(4))).start().await.unwrap();
    app.publish(&Job::new("a", 1)).await.unwrap();
    let attempts: Vec<u32> = app
        .happenings("on_job")
        .iter()
        .filter_map(|observed| match observed.happening {
            Happening::Retried { attempt, .. } => Some(attempt),
            _ => None,
        })
        .collect();
    assert_eq!(attempts, [1, 2, 3, 4]);
}

#[tokio::test(start_paused = true)]
async fn every_attempt_comes_after_its_backoff_in_the_slot_and_through_the_broker() {
    let times = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&times);
    let app = scripted::<8, _>(move |_| {
        seen.lock().unwrap().push(Instant::now());
        std::future::ready(fail(Class::Retryable))
    });
    let app = TestApp::with(app).start().await.unwrap();
    app.publish(&Job::new("a", 1)).await.unwrap();
    app.settled().await;
    let times = times.lock().unwrap();
    assert_eq!(times.len(), 9);
    for (n, pair) in times.windows(2).enumerate() {
        // 50 ms doubled, give or take a fifth; the clock of the runtime counts milliseconds.
        let (expected, waited) = (Duration::from_millis(50) * 2_u32.pow(u32::try_from(n).unwrap()), pair[1] - pair[0]);
        assert!(waited >= expected.mul_f64(0.8) && waited <= expected.mul_f64(1.2) + Duration::from_millis(2), "{n}: {waited:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_message_that_waits_for_its_second_level_holds_no_slot() {
    let log = Log::default();
    let seen = log.clone();
    let app = scripted::<8, _>(move |job| {
        seen.add(job.key.clone());
        std::future::ready(if job.key == "sick" { fail(Class::Retryable) } else { Ok(()) })
    });
    let app = TestApp::with(app).start().await.unwrap();
    let started = Instant::now();
    let publisher = app.app().inject::<comms::Publisher<Job>>().unwrap();
    for sick in 0..16 {
        publisher.publish(&Job::new("sick", sick)).await.unwrap();
    }
    tokio::time::sleep(Duration::from_secs(2)).await;
    publisher.publish(&Job::new("well", 1)).await.unwrap();
    while !log.entries().contains(&"well".to_owned()) {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert!(started.elapsed() < Duration::from_secs(3), "it waited {:?} for the slots", started.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_permanent_error_is_not_retried() {
    let app = TestApp::with(scripted::<8, _>(|_| std::future::ready(fail(Class::Permanent)))).start().await.unwrap();
    app.publish(&Job::new("a", 1)).await.unwrap();
    app.assert_retried("on_job", 0);
    app.assert_dead_lettered("on_job", 1);
    assert_eq!(dead_letters(&app).await[0].provenance.reason, "permanent");
}

#[tokio::test(start_paused = true)]
async fn an_unknown_outcome_is_tried_again_under_the_same_id() {
    let app = scripted::<8, _>({
        let first = AtomicU32::new(0);
        move |_| std::future::ready(if first.fetch_add(1, Ordering::SeqCst) == 0 { fail(Class::Unknown) } else { Ok(()) })
    });
    let app = TestApp::with(app).start().await.unwrap();
    app.publish(&Job::new("a", 1)).await.unwrap();
    let ids: Vec<Id> = app.happenings("on_job").iter().map(|observed| observed.envelope.metadata.id.clone()).collect();
    assert_eq!(ids.len(), 2);
    assert_eq!(ids[0], ids[1]);
}

#[tokio::test(start_paused = true)]
async fn a_panic_is_a_failure_like_any_other_and_the_worker_lives_on() {
    let app = scripted::<8, _>({
        let first = Arc::new(AtomicU32::new(0));
        move |_| {
            let first = Arc::clone(&first);
            async move {
                assert!(first.fetch_add(1, Ordering::SeqCst) > 0, "first time unlucky");
                Ok(())
            }
        }
    });
    let app = TestApp::with(app).start().await.unwrap();
    app.publish(&Job::new("a", 1)).await.unwrap();
    app.assert_retried("on_job", 1);
    app.assert_handled("on_job", 1);
}

#[tokio::test(start_paused = true)]
async fn a_panic_while_decoding_takes_no_worker_with_it() {
    let app = TestApp::with(scripted::<2, _>(|_| std::future::ready(Ok(())))).start().await.unwrap();
    // More attempts than the subscription has workers.
    for _ in 0..20 {
        app.publish(&Job::new("a", Job::PANICS)).await.unwrap();
    }
    app.assert_dead_lettered("on_job", 20);
    assert!(dead_letters(&app).await[0].provenance.errors[0].contains("no job is read"));
    app.publish(&Job::new("a", 1)).await.unwrap();
    app.assert_handled("on_job", 1);
    assert!(app.app().counters().values().all(|counters| counters.in_flight.load(Ordering::SeqCst) == 0));
}

#[tokio::test(start_paused = true)]
async fn a_handler_that_hangs_is_stopped_and_tried_again() {
    let app = scripted::<1, _>(|_| std::future::pending());
    let app = TestApp::with(app).start().await.unwrap();
    app.publish(&Job::new("a", 1)).await.unwrap();
    app.assert_retried("on_job", 1);
    app.assert_dead_lettered("on_job", 1);
    assert!(dead_letters(&app).await[0].provenance.errors[0].contains("within 5s"));
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_decoded_is_a_dead_letter_at_once_with_its_bytes() {
    let app = TestApp::with(scripted::<8, _>(|_| std::future::ready(Ok(())))).start().await.unwrap();
    app.publish_envelope("default", job_envelope(|_| (), b"{not json")).await.unwrap();
    app.assert_dead_lettered("on_job", 1);
    let letters = dead_letters(&app).await;
    assert_eq!(letters[0].provenance.reason, "undecodable");
    assert_eq!(&letters[0].envelope.payload[..], b"{not json");
}

#[tokio::test(start_paused = true)]
async fn a_newer_version_is_kept_and_not_acknowledged_as_if_handled() {
    let app = TestApp::with(scripted::<8, _>(|_| std::future::ready(Ok(())))).start().await.unwrap();
    app.publish_envelope("default", job_envelope(|metadata| metadata.version = 3, br#"{"key":"a","number":1}"#)).await.unwrap();
    assert_eq!(dead_letters(&app).await[0].provenance.reason, "newer-version");
}

#[tokio::test(start_paused = true)]
async fn a_type_that_the_subscription_never_named_is_skipped_and_counted() {
    let app = TestApp::with(scripted::<8, _>(|_| std::future::ready(Ok(())))).start().await.unwrap();
    app.publish_envelope("default", job_envelope(|metadata| metadata.name = "test.other".into(), b"{}")).await.unwrap();
    let counters = &app.app().counters()["worker.jobs"];
    assert_eq!(counters.skipped.load(Ordering::Relaxed), 1);
    assert!(dead_letters(&app).await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_message_that_has_killed_its_handlers_is_not_tried_for_ever() {
    let app = TestApp::with(scripted::<3, _>(|_| std::future::ready(Ok(())))).start().await.unwrap();
    app.publish_envelope("default", job_envelope(|metadata| metadata.attempt = 4, br#"{"key":"a","number":1}"#)).await.unwrap();
    app.assert_handled("on_job", 0);
    assert_eq!(dead_letters(&app).await[0].provenance.reason, "crashed");
}

#[tokio::test(start_paused = true)]
async fn nobody_works_on_a_message_whose_deadline_is_over() {
    let app = TestApp::with(scripted::<3, _>(|_| std::future::ready(Ok(())))).start().await.unwrap();
    let past = jiff::Timestamp::now() - jiff::SignedDuration::from_secs(1);
    app.publish_envelope("default", job_envelope(|metadata| metadata.deadline = Some(past), br#"{"key":"a","number":1}"#)).await.unwrap();
    app.assert_handled("on_job", 0);
    assert_eq!(dead_letters(&app).await[0].provenance.reason, "expired");
}

#[tokio::test(start_paused = true)]
async fn a_replayed_dead_letter_is_handled_as_if_new() {
    let app = TestApp::with(scripted::<0, _>(failing(1))).start().await.unwrap();
    app.publish(&Job::new("a", 1)).await.unwrap();
    let broker = app.app().brokers().get("default").unwrap();
    let subscription = comms::broker::Subscription::new("jobs".parse().unwrap(), "worker");
    assert_eq!(broker.admin().replay(&subscription, &Default::default()).await.unwrap(), 1);
    app.settled().await;
    app.assert_handled("on_job", 1);
    assert!(dead_letters(&app).await.is_empty());
}

#[tokio::test]
async fn what_is_in_hand_at_shutdown_is_finished() {
    let log = Log::default();
    let (seen, begun) = (log.clone(), Arc::new(tokio::sync::Notify::new()));
    let begin = Arc::clone(&begun);
    let app = scripted::<0, _>(move |_| {
        let (seen, begin) = (seen.clone(), Arc::clone(&begin));
        async move {
            begin.notify_one();
            tokio::task::yield_now().await;
            tokio::time::sleep(Duration::from_millis(50)).await;
            seen.add("finished");
            Ok(())
        }
    });
    let app = TestApp::with(app).start().await.unwrap();
    app.app().inject::<comms::Publisher<Job>>().unwrap().publish(&Job::new("a", 1)).await.unwrap();
    begun.notified().await;
    let memory = app.brokers()[0].connect();
    assert_eq!(app.shutdown().await, comms::Stopped::Drained);
    assert_eq!(log.entries(), ["finished"]);
    assert_eq!(memory.in_flight().total(), 0, "it was settled");
}

#[tokio::test(start_paused = true)]
async fn a_background_task_that_does_not_end_is_dropped_when_the_time_is_over() {
    let app = scripted::<1, _>(|_| std::future::ready(Ok(()))).shutdown_timeout(Duration::from_secs(3)).start().await.unwrap();
    let (held, begun) = (Arc::new(()), Arc::new(tokio::sync::Notify::new()));
    let (inside, tell) = (Arc::clone(&held), Arc::clone(&begun));
    app.inject::<comms::Tasks>().unwrap().spawn(|_| async move {
        let _inside = inside;
        tell.notify_one();
        std::future::pending().await
    });
    begun.notified().await;
    let asked = Instant::now();
    assert_eq!(app.shutdown().await, comms::Stopped::TimedOut);
    assert!(asked.elapsed() >= Duration::from_secs(3), "{:?}", asked.elapsed());
    assert_eq!(Arc::strong_count(&held), 1, "nothing of it runs on");
}

#[tokio::test]
async fn an_idle_application_stops_at_once() {
    let app = TestApp::with(scripted::<0, _>(|_| std::future::ready(Ok(())))).start().await.unwrap();
    let begun = std::time::Instant::now();
    assert_eq!(app.shutdown().await, comms::Stopped::Drained);
    assert!(begun.elapsed() < Duration::from_millis(500), "it took {:?}", begun.elapsed());
}

#[tokio::test(start_paused = true)]
async fn what_waits_between_two_attempts_goes_back_at_shutdown() {
    let app = TestApp::with(scripted::<8, _>(|_| std::future::ready(fail(Class::Retryable))).shutdown_timeout(Duration::from_secs(1)))
        .start()
        .await
        .unwrap();
    app.app().inject::<comms::Publisher<Job>>().unwrap().publish(&Job::new("a", 1)).await.unwrap();
    while app.happenings("on_job").is_empty() {
        tokio::task::yield_now().await;
    }
    let memory = app.brokers()[0].connect();
    assert_eq!(app.shutdown().await, comms::Stopped::Drained);
    assert_eq!(memory.in_flight().total(), 1, "the message is still there for another member");
}

#[tokio::test(start_paused = true)]
async fn the_trace_and_the_conversation_cross_the_broker() {
    let seen = Arc::new(std::sync::Mutex::new(None));
    let inside = Arc::clone(&seen);
    let app = scripted::<0, _>(move |_| {
        let inside = Arc::clone(&inside);
        async move {
            *inside.lock().unwrap() = Some(Context::current());
            Ok(())
        }
    });
    let app = TestApp::with(app).start().await.unwrap();
    let (trace, correlation) = (TraceParent::root(), Id::new());
    let caller = Context::default().with_trace(trace).with_correlation(correlation.clone());
    caller.scope(app.publish(&Job::new("a", 1))).await.unwrap();
    let context = seen.lock().unwrap().take().unwrap();
    assert_eq!(context.correlation(), Some(&correlation));
    assert_eq!(context.trace().map(TraceParent::trace_id), Some(trace.trace_id()));
    assert_ne!(context.trace().map(TraceParent::span_id), Some(trace.span_id()));
}

fn job_envelope(change: impl FnOnce(&mut Metadata), payload: &'static [u8]) -> Envelope {
    let mut metadata = Metadata::new("test.job", "stranger".into());
    metadata.version = 2;
    change(&mut metadata);
    Envelope::new("jobs".into(), metadata, payload.into())
}

async fn dead_letters(app: &TestApp) -> Vec<comms::broker::DeadLetter> {
    let broker = app.app().brokers().get("default").unwrap();
    let subscription = comms::broker::Subscription::new("jobs".parse().unwrap(), "worker");
    broker.admin().dead_letters(&subscription, &Default::default()).await.unwrap()
}
