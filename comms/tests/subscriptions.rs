//! What a subscription declares: order, parked keys, deduplication, concurrency, layers.

mod support;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use comms::broker::{DeadLetterFilter, Order, Subscription};
use comms::handler::{
    AfterDeadLetter, EventHandler, HandlerDecl, Incoming, Layer, Location, NamedLayer, Next, Outcome, RetryDecl, ServiceDecl,
    SubscriptionDecl,
};
use comms::inject::{InjectError, Scope};
use comms::message::{Envelope, Metadata};
use comms::testing::TestApp;
use comms::{AppBuilder, Class, Fault, Publisher, Service};
use futures_util::future::BoxFuture;
use support::{Job, Log, Script};

/// A service with one subscription, chosen by number.
struct Worker<const MODE: u8> {
    script: Script,
}

const CONTINUE: u8 = 0;
const PARK: u8 = 1;
const DEDUP: u8 = 2;
const TWO_AT_ONCE: u8 = 3;
const LAYERED: u8 = 4;

const fn subscription(mode: u8) -> SubscriptionDecl {
    let jobs = SubscriptionDecl::new("jobs").concurrency(8);
    match mode {
        CONTINUE => jobs.ordered(4, AfterDeadLetter::Continue),
        PARK => jobs.ordered(4, AfterDeadLetter::ParkKey),
        DEDUP => jobs.dedup(Duration::from_secs(60)),
        TWO_AT_ONCE => jobs.concurrency(2),
        _ => jobs,
    }
}

impl<const MODE: u8> Service for Worker<MODE> {
    const DECL: ServiceDecl = ServiceDecl::new("worker", "1.0.0", Location::new(file!(), line!())).subscriptions(&[subscription(MODE)]);
    type Dependencies = (Script,);

    fn build(scope: &Scope) -> Result<Self, InjectError> {
        Ok(Self { script: scope.get()? })
    }

    fn layers(scope: &Scope) -> Result<Vec<NamedLayer>, InjectError> {
        if MODE != LAYERED {
            return Ok(Vec::new());
        }
        let log: Log = scope.get()?;
        Ok(vec![NamedLayer::new(Outer(log.clone())), NamedLayer::new(Inner(log))])
    }
}

struct OnJob<const MODE: u8>;

impl<const MODE: u8> EventHandler for OnJob<MODE> {
    type Service = Worker<MODE>;
    type Event = Job;
    type Args = ();
    const DECL: HandlerDecl = HandlerDecl::new("on_job", Location::new(file!(), line!())).retry(RetryDecl::DEFAULT.max(2));

    fn inject(_: &Scope) -> Result<(), InjectError> {
        Ok(())
    }

    async fn call(service: &Self::Service, event: Job, (): ()) -> Outcome {
        (service.script)(event).await
    }
}

fn worker<const MODE: u8, F>(script: impl Fn(Job) -> F + Send + Sync + 'static) -> AppBuilder
where
    F: Future<Output = Outcome> + Send + 'static,
{
    let script: Script = Arc::new(move |job| Box::pin(script(job)));
    AppBuilder::new("test").service::<Worker<MODE>>().event_handler::<OnJob<MODE>>().provide(script)
}

fn permanent() -> Outcome {
    Err(Fault::new(Class::Permanent, "never"))
}

async fn publish_all(app: &TestApp, jobs: &[(&str, u32)]) {
    let publisher: Publisher<Job> = app.app().inject().unwrap();
    for (key, number) in jobs {
        publisher.publish(&Job::new(key, *number)).await.unwrap();
    }
}

fn numbers_of(log: &Log, key: &str) -> Vec<String> {
    log.entries().into_iter().filter(|entry| entry.starts_with(key)).collect()
}

#[tokio::test(start_paused = true)]
async fn messages_of_one_key_keep_their_order_under_retries_and_others_run_on() {
    let log = Log::default();
    let seen = log.clone();
    let attempts = AtomicUsize::new(0);
    let app = worker::<CONTINUE, _>(move |job| {
        let fails = job.key == "a" && job.number == 1 && attempts.fetch_add(1, Ordering::SeqCst) < 2;
        if !fails {
            seen.add(format!("{}{}", job.key, job.number));
        }
        std::future::ready(if fails { Err(Fault::new(Class::Retryable, "later")) } else { Ok(()) })
    });
    let app = TestApp::with(app).start().await.unwrap();
    publish_all(&app, &[("a", 1), ("a", 2), ("b", 1), ("a", 3), ("b", 2)]).await;
    app.settled().await;
    assert_eq!(numbers_of(&log, "a"), ["a1", "a2", "a3"]);
    assert_eq!(numbers_of(&log, "b"), ["b1", "b2"]);
    assert!(
        log.entries().iter().position(|entry| entry == "b2") < log.entries().iter().position(|entry| entry == "a1"),
        "{:?}",
        log.entries()
    );
}

async fn others_run_on<const MODE: u8>() {
    let log = Log::default();
    let seen = log.clone();
    let app = worker::<MODE, _>(move |job| {
        seen.add(job.key.clone());
        let first = seen.entries().iter().filter(|key| **key == "sick").count() == 1;
        std::future::ready(if job.key == "sick" && first { Err(Fault::new(Class::Retryable, "once")) } else { Ok(()) })
    });
    let app = TestApp::with(app).start().await.unwrap();
    publish_all(&app, &[("sick", 1)]).await;
    while log.entries().is_empty() {
        tokio::task::yield_now().await;
    }
    publish_all(&app, &[("well", 1)]).await;
    app.settled().await;
    assert_eq!(log.entries(), ["sick", "well", "sick"], "the message that waits for its next attempt held up another");
}

#[tokio::test(start_paused = true)]
async fn a_message_that_waits_for_its_next_attempt_holds_up_no_other() {
    others_run_on::<TWO_AT_ONCE>().await;
    others_run_on::<CONTINUE>().await;
}

#[tokio::test(start_paused = true)]
async fn after_a_dead_letter_an_ordered_subscription_may_continue() {
    let log = Log::default();
    let seen = log.clone();
    let app = worker::<CONTINUE, _>(move |job| {
        seen.add(format!("{}{}", job.key, job.number));
        std::future::ready(if job.number == 1 { permanent() } else { Ok(()) })
    });
    let app = TestApp::with(app).start().await.unwrap();
    publish_all(&app, &[("a", 1), ("a", 2)]).await;
    app.settled().await;
    app.assert_dead_lettered("on_job", 1);
    app.assert_handled("on_job", 1);
}

#[tokio::test(start_paused = true)]
async fn or_park_the_key_until_an_operator_replays_it_in_order() {
    let log = Log::default();
    let seen = log.clone();
    let broken = Arc::new(std::sync::atomic::AtomicBool::new(true));
    let is_broken = Arc::clone(&broken);
    let app = worker::<PARK, _>(move |job| {
        seen.add(format!("{}{}", job.key, job.number));
        std::future::ready(if job.key == "a" && is_broken.load(Ordering::SeqCst) { permanent() } else { Ok(()) })
    });
    let app = TestApp::with(app).start().await.unwrap();
    // One key alone: nothing else makes the member look at the dead letters.
    publish_all(&app, &[("a", 1), ("a", 2)]).await;
    app.settled().await;
    assert_eq!(log.entries(), ["a1"]);
    publish_all(&app, &[("b", 1), ("a", 3)]).await;
    app.settled().await;
    assert_eq!(log.entries(), ["a1", "b1"]);
    app.assert_dead_lettered("on_job", 3);

    broken.store(false, Ordering::SeqCst);
    let broker = app.app().brokers().get("default").unwrap();
    let mut subscription = Subscription::new("jobs".parse().unwrap(), "worker");
    subscription.order = Some(Order { shards: 4.try_into().unwrap() });
    assert_eq!(broker.admin().replay(&subscription, &DeadLetterFilter::default()).await.unwrap(), 3);
    app.settled().await;
    publish_all(&app, &[("a", 4)]).await;
    app.settled().await;
    assert_eq!(numbers_of(&log, "a"), ["a1", "a1", "a2", "a3", "a4"]);
}

#[tokio::test(start_paused = true)]
async fn a_parked_key_is_free_once_its_letters_were_purged() {
    let log = Log::default();
    let seen = log.clone();
    let app = worker::<PARK, _>(move |job| {
        seen.add(format!("{}{}", job.key, job.number));
        std::future::ready(if job.number == 1 { permanent() } else { Ok(()) })
    });
    let app = TestApp::with(app).start().await.unwrap();
    publish_all(&app, &[("a", 1), ("a", 2)]).await;
    app.settled().await;
    let broker = app.app().brokers().get("default").unwrap();
    let subscription = Subscription::new("jobs".parse().unwrap(), "worker");
    assert_eq!(broker.admin().purge(&subscription, &DeadLetterFilter::default()).await.unwrap(), 2);
    // The member asks again a few seconds later.
    tokio::time::advance(Duration::from_secs(6)).await;
    publish_all(&app, &[("a", 3)]).await;
    app.settled().await;
    assert_eq!(log.entries(), ["a1", "a3"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn handlers_that_compute_without_waiting_use_the_threads_there_are() {
    let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let (in_hand, seen) = (Arc::clone(&now), Arc::clone(&most));
    let memory = comms::broker::memory::Memory::new();
    let app = worker::<TWO_AT_ONCE, _>(move |_| {
        seen.fetch_max(in_hand.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
        let begun = std::time::Instant::now();
        while begun.elapsed() < Duration::from_millis(2) {
            std::hint::spin_loop();
        }
        in_hand.fetch_sub(1, Ordering::SeqCst);
        std::future::ready(Ok(()))
    });
    let app = app.broker("default", Arc::new(memory.connect())).start().await.unwrap();
    let publisher: Publisher<Job> = app.inject().unwrap();
    // One thread may be busy elsewhere for a while.
    for turn in 0.. {
        let jobs: Vec<Job> = (0..20).map(|number| Job::new("a", number)).collect();
        publisher.publish_all(&jobs).await.unwrap();
        memory.settled().await;
        if most.load(Ordering::SeqCst) == 2 {
            break;
        }
        assert!(turn < 100, "two at once, and two threads, but one message after the other");
    }
}

#[tokio::test]
async fn a_queue_that_is_never_empty_leaves_the_thread_to_others() {
    const ENOUGH: u32 = 10_000;
    let (door, others) = (Arc::new(std::sync::OnceLock::<Publisher<Job>>::new()), Arc::new(tokio::sync::Notify::new()));
    let (publisher, ran, handled) = (Arc::clone(&door), Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let (had_their_turn, count) = (Arc::clone(&ran), Arc::clone(&handled));
    let memory = comms::broker::memory::Memory::new();
    let app = worker::<TWO_AT_ONCE, _>(move |job| {
        count.fetch_add(1, Ordering::SeqCst);
        let goes_on = had_their_turn.load(Ordering::SeqCst) == 0 && job.number < ENOUGH;
        let publisher = publisher.get().unwrap().clone();
        async move {
            if goes_on {
                publisher.publish(&Job::new("a", job.number + 1)).await.unwrap();
            }
            Ok(())
        }
    });
    let app = app.broker("default", Arc::new(memory.connect())).start().await.unwrap();
    door.set(app.inject().unwrap()).unwrap();
    let (turn, told) = (Arc::clone(&ran), Arc::clone(&others));
    tokio::spawn(async move {
        told.notified().await;
        turn.fetch_add(1, Ordering::SeqCst);
    });
    door.get().unwrap().publish(&Job::new("a", 0)).await.unwrap();
    others.notify_one();
    memory.settled().await;
    assert!(handled.load(Ordering::SeqCst) < ENOUGH as usize, "the other task had to wait for the queue to be empty");
}

/// Of two members the second takes over half of the shards, and gives them back when it leaves.
#[tokio::test]
async fn what_another_member_parked_is_learned_when_its_shard_comes_back() {
    let log = Log::default();
    let memory = comms::broker::memory::Memory::new();
    let member = |name: &'static str| {
        let seen = log.clone();
        let app = worker::<PARK, _>(move |job| {
            seen.add(format!("{name}:{}{}", job.key, job.number));
            std::future::ready(if job.number == 1 { permanent() } else { Ok(()) })
        });
        app.broker("default", Arc::new(memory.connect()))
    };
    let shards = 4.try_into().unwrap();
    let key = (0..).map(|n| format!("k{n}")).find(|key| comms::broker::shard_of(key, shards) % 2 == 1).unwrap();
    let first = member("first").start().await.unwrap();
    let publisher: Publisher<Job> = first.inject().unwrap();
    let publish = async |number| {
        publisher.publish(&Job::new(&key, number)).await.unwrap();
        memory.settled().await;
    };
    publish(0).await;
    let second = member("second").start().await.unwrap();
    publish(1).await;
    second.shutdown().await;
    publish(2).await;
    assert_eq!(log.entries(), [format!("first:{key}0"), format!("second:{key}1")], "the third is parked behind the second");
    first.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn a_parked_key_stays_parked_when_the_service_restarts() {
    let handled = Log::default();
    let memory = comms::broker::memory::Memory::new();
    for turn in 0..2 {
        let seen = handled.clone();
        let app = worker::<PARK, _>(move |job| {
            seen.add(format!("{turn}:{}{}", job.key, job.number));
            std::future::ready(if job.number == 1 { permanent() } else { Ok(()) })
        });
        let app = app.broker("default", Arc::new(memory.connect())).start().await.unwrap();
        let publisher: Publisher<Job> = app.inject().unwrap();
        publisher.publish(&Job::new("a", turn + 1)).await.unwrap();
        memory.settled().await;
        app.shutdown().await;
    }
    assert_eq!(handled.entries(), ["0:a1"], "a2 must be parked behind a1");
}

#[tokio::test(start_paused = true)]
async fn a_duplicate_is_skipped_only_after_success() {
    let log = Log::default();
    let seen = log.clone();
    let app = worker::<DEDUP, _>(move |job| {
        seen.add("attempt");
        std::future::ready(if job.number == 13 && seen.entries().len() < 2 { Err(Fault::new(Class::Retryable, "once")) } else { Ok(()) })
    });
    let app = TestApp::with(app).start().await.unwrap();
    let mut metadata = Metadata::new("test.job", "stranger".into());
    metadata.version = 2;
    let envelope = Envelope::new("jobs".into(), metadata, br#"{"key":"a","number":13}"#.as_slice().into());
    app.publish_envelope("default", envelope.clone()).await.unwrap();
    assert_eq!(log.entries().len(), 2, "the failed attempt must not count as handled");
    app.publish_envelope("default", envelope.clone()).await.unwrap();
    assert_eq!(log.entries().len(), 2, "the second copy is a duplicate");
    // As documented, duplicates are skipped before anything is refused.
    let mut newer = envelope;
    newer.metadata.version = 9;
    app.publish_envelope("default", newer).await.unwrap();
    assert_eq!(app.app().counters()["worker.jobs"].duplicates.load(Ordering::Relaxed), 2);
    app.assert_dead_lettered("on_job", 0);
}

#[tokio::test(start_paused = true)]
async fn concurrency_is_the_number_of_messages_in_hand_and_is_used() {
    let now = Arc::new(AtomicUsize::new(0));
    let most = Arc::new(AtomicUsize::new(0));
    let (in_hand, seen) = (Arc::clone(&now), Arc::clone(&most));
    let app = worker::<TWO_AT_ONCE, _>(move |_| {
        let (in_hand, seen) = (Arc::clone(&in_hand), Arc::clone(&seen));
        async move {
            seen.fetch_max(in_hand.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            tokio::time::sleep(Duration::from_millis(10)).await;
            in_hand.fetch_sub(1, Ordering::SeqCst);
            Ok(())
        }
    });
    let app = TestApp::with(app).start().await.unwrap();
    let jobs: Vec<(&str, u32)> = (0..20).map(|number| ("k", number)).collect();
    publish_all(&app, &jobs).await;
    app.settled().await;
    assert_eq!(most.load(Ordering::SeqCst), 2);
}

struct Outer(Log);
struct Inner(Log);

impl Layer for Outer {
    fn call<'a>(&'a self, incoming: Incoming, next: Next<'a>) -> BoxFuture<'a, Outcome> {
        Box::pin(async move {
            self.0.add(format!("outer {} {}", incoming.handler, incoming.attempt));
            next.run(incoming).await
        })
    }
}

impl Layer for Inner {
    fn call<'a>(&'a self, incoming: Incoming, next: Next<'a>) -> BoxFuture<'a, Outcome> {
        Box::pin(async move {
            self.0.add("inner");
            let outcome = next.run(incoming).await;
            self.0.add(format!("inner saw {}", outcome.is_ok()));
            outcome
        })
    }
}

#[tokio::test(start_paused = true)]
async fn layers_run_around_every_attempt_the_first_outermost() {
    let log = Log::default();
    let first = Mutex::new(true);
    let app = worker::<LAYERED, _>(move |_| {
        let fails = std::mem::take(&mut *first.lock().unwrap());
        std::future::ready(if fails { Err(Fault::new(Class::Retryable, "once")) } else { Ok(()) })
    });
    let app = TestApp::with(app.provide(log.clone())).start().await.unwrap();
    app.publish(&Job::new("a", 1)).await.unwrap();
    assert_eq!(log.entries(), ["outer on_job 1", "inner", "inner saw false", "outer on_job 2", "inner", "inner saw true"]);
}

#[tokio::test]
async fn everything_that_is_wrong_is_reported_at_once() {
    // No script and no layer's log, a subscription that no handler takes, and brokers that are missing or can't replay.
    let app = AppBuilder::new("test").service::<Worker<LAYERED>>().service::<Greedy>().event_handler::<OnJob<LAYERED>>();
    let error = app.start().await.unwrap_err();
    let problems = error.problems();
    for expected in [
        "service `greedy` subscribes to `old` with `from = \"earliest\"`, but the broker `default` (memory) keeps nothing to replay",
        "service `greedy` subscribes to `audits` on the broker `audit`, but there is only: default. Add `[brokers.audit]`",
        "none of its handlers takes a message of that topic",
        "service `worker`",
    ] {
        assert!(problems.iter().any(|problem| problem.contains(expected)), "{expected}: {error}");
    }
}

/// A service that wants what there is not.
struct Greedy;

impl Service for Greedy {
    const DECL: ServiceDecl = ServiceDecl::new("greedy", "1.0.0", Location::new(file!(), line!())).subscriptions(&[
        SubscriptionDecl::new("old").from(comms::broker::StartPosition::Earliest),
        SubscriptionDecl::new("audits").broker("audit"),
    ]);
    type Dependencies = ();

    fn build(_: &Scope) -> Result<Self, InjectError> {
        Ok(Self)
    }
}

/// A service that notes in whose name its publishers would send.
struct Named<const BILLING: bool>;

impl<const BILLING: bool> Service for Named<BILLING> {
    const DECL: ServiceDecl = ServiceDecl::new(if BILLING { "billing" } else { "orders" }, "1.0.0", Location::new(file!(), line!()));
    type Dependencies = (Log,);

    fn build(scope: &Scope) -> Result<Self, InjectError> {
        scope.get::<Log>()?.add(&*scope.get::<comms::Source>()?.0);
        Ok(Self)
    }
}

#[tokio::test]
async fn each_service_publishes_in_its_own_name_also_when_several_share_a_process() {
    let log = Log::default();
    let app = AppBuilder::new("shop").service::<Named<false>>().service::<Named<true>>().provide(log.clone());
    let _app = TestApp::with(app).start().await.unwrap();
    assert_eq!(log.entries(), ["orders", "billing"]);
}
