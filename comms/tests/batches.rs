//! Handlers of batches: several messages in one call, an outcome for each.

mod support;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use comms::broker::DeadLetterFilter;
use comms::handler::{Incoming, Layer, Next, Outcome};
use comms::testing::TestApp;
use comms::{AppBuilder, Batch, BoxError, Classified, Context, Publisher, event, event_handler, service};
use futures_util::future::BoxFuture;
use support::Log;
use tokio::time::Instant;

/// A page was viewed.
#[event(name = "test.viewed", version = 1, topic = "views")]
#[derive(Clone, Debug, PartialEq)]
struct Viewed {
    page: String,
}

/// A page was left.
#[event(name = "test.left", version = 1, topic = "views")]
#[derive(Clone, Debug, PartialEq)]
struct Left {
    page: String,
}

/// A page was counted.
#[event(name = "test.counted", version = 1, topic = "counts")]
#[derive(Clone, Debug, PartialEq)]
struct Counted {
    page: String,
}

/// What a call comes to.
type Call = BoxFuture<'static, Result<(), BoxError>>;

type Play = dyn Fn(&Batch<Viewed>) -> Call + Send + Sync;

/// What the handler does with its batch.
#[derive(Clone)]
struct Script(Arc<Play>);

/// The pages of each call, in order.
#[derive(Clone, Default)]
struct Calls(Arc<Mutex<Vec<Vec<String>>>>);

impl Calls {
    fn all(&self) -> Vec<Vec<String>> {
        self.0.lock().unwrap().clone()
    }

    fn sizes(&self) -> Vec<usize> {
        self.all().iter().map(Vec::len).collect()
    }
}

#[service(name = "statistics", version = "1.0.0", subscribe("views", concurrency = 1, dedup = "10m"))]
struct Statistics {
    calls: Calls,
    script: Script,
    left: Log,
}

#[service]
impl Statistics {
    #[event_handler(batch(max = 10, wait = "50ms"), retry(max = 3, immediate = 1, backoff = "100ms..1s"), timeout = "2s")]
    async fn on_viewed(&self, batch: Batch<Viewed>) -> Result<(), BoxError> {
        self.calls.0.lock().unwrap().push(batch.events().map(|view| view.page.clone()).collect());
        let said = (self.script.0)(&batch);
        said.await
    }

    #[event_handler]
    async fn on_left(&self, event: Left) {
        self.left.add(event.page);
    }
}

struct Stage {
    app: TestApp,
    calls: Calls,
    left: Log,
}

fn app() -> AppBuilder {
    AppBuilder::new("test")
        .service::<Statistics>()
        .batch_handler::<__comms_Statistics_on_viewed>()
        .event_handler::<__comms_Statistics_on_left>()
}

async fn start(script: impl Fn(&Batch<Viewed>) -> Call + Send + Sync + 'static) -> Stage {
    let (calls, left) = (Calls::default(), Log::default());
    let app = app().provide(calls.clone()).provide(left.clone()).provide(Script(Arc::new(script)));
    Stage { app: TestApp::with(app).start().await.unwrap(), calls, left }
}

fn at_once(result: Result<(), BoxError>) -> Call {
    Box::pin(std::future::ready(result))
}

impl Stage {
    async fn view(&self, pages: impl IntoIterator<Item = usize>) {
        let publisher: Publisher<Viewed> = self.app.app().inject().unwrap();
        for page in pages {
            publisher.publish(&Viewed { page: page.to_string() }).await.unwrap();
        }
    }

    async fn leave(&self, page: &str) {
        self.app.app().inject::<Publisher<Left>>().unwrap().publish(&Left { page: page.to_owned() }).await.unwrap();
    }

    async fn letters(&self) -> Vec<(String, u32)> {
        let subscription = comms::broker::Subscription::new("views".parse().unwrap(), "statistics");
        let broker = self.app.app().brokers().get("default").unwrap();
        let letters = broker.admin().dead_letters(&subscription, &DeadLetterFilter::default()).await.unwrap();
        let told = |letter: &comms::broker::DeadLetter| (letter.provenance.errors.join("; "), letter.provenance.attempts);
        letters.iter().map(told).collect()
    }
}

#[tokio::test(start_paused = true)]
async fn a_batch_is_handed_over_when_it_is_full_or_when_its_time_is_over() {
    let stage = start(|_| at_once(Ok(()))).await;
    stage.view(0..25).await;
    let begun = Instant::now();
    stage.app.settled().await;
    assert_eq!(stage.calls.sizes(), [10, 10, 5]);
    let pages: Vec<String> = stage.calls.all().concat();
    assert_eq!(pages, (0..25).map(|page| page.to_string()).collect::<Vec<_>>());
    assert!((Duration::from_millis(50)..Duration::from_millis(60)).contains(&begun.elapsed()), "{:?}", begun.elapsed());
    stage.app.assert_handled("on_viewed", 25);
}

#[tokio::test(start_paused = true)]
async fn each_message_has_an_outcome_of_its_own() {
    let stage = start(|batch| {
        for message in batch {
            match message.event().page.as_str() {
                "3" => message.fail(Classified::permanent("no such page")),
                "5" => message.fail("busy"),
                _ => {}
            }
        }
        at_once(Ok(()))
    })
    .await;
    stage.view(0..10).await;
    stage.app.settled().await;
    // The first attempt of all, then those of the one that may be tried again.
    assert_eq!(stage.calls.sizes(), [10, 1, 1, 1]);
    assert_eq!(stage.letters().await, [("no such page".to_owned(), 1), ("busy".to_owned(), 4)]);
    stage.app.assert_handled("on_viewed", 8);
    stage.app.assert_retried("on_viewed", 3);
}

#[tokio::test(start_paused = true)]
async fn an_error_of_the_call_is_that_of_every_message_of_which_nothing_was_said() {
    let calls = AtomicUsize::new(0);
    let stage = start(move |batch| {
        let fails = calls.fetch_add(1, Ordering::SeqCst) == 0;
        if fails {
            batch.iter().take(4).for_each(comms::Received::done);
        }
        at_once(if fails { Err("the database is away".into()) } else { Ok(()) })
    })
    .await;
    stage.view(0..10).await;
    stage.app.settled().await;
    // They are tried again together.
    assert_eq!(stage.calls.sizes(), [10, 6]);
    stage.app.assert_handled("on_viewed", 10);
    stage.app.assert_retried("on_viewed", 6);
}

#[tokio::test(start_paused = true)]
async fn a_permanent_error_of_the_call_ends_all_of_them() {
    let stage = start(|_| at_once(Err(Classified::permanent("never").into()))).await;
    stage.view(0..3).await;
    stage.app.settled().await;
    assert_eq!(stage.letters().await, vec![("never".to_owned(), 1); 3]);
    assert_eq!(stage.calls.sizes(), [3]);
}

#[tokio::test(start_paused = true)]
async fn a_call_that_takes_too_long_or_panics_leaves_what_was_said() {
    for panics in [false, true] {
        let calls = AtomicUsize::new(0);
        let stage = start(move |batch| {
            if calls.fetch_add(1, Ordering::SeqCst) > 0 {
                return at_once(Ok(()));
            }
            batch.iter().take(2).for_each(comms::Received::done);
            Box::pin(async move {
                assert!(!panics, "the statistics broke");
                std::future::pending().await
            })
        })
        .await;
        stage.view(0..5).await;
        stage.app.settled().await;
        assert_eq!(stage.calls.sizes(), [5, 3], "panics: {panics}");
        stage.app.assert_handled("on_viewed", 5);
    }
}

#[tokio::test(start_paused = true)]
async fn a_message_that_cannot_be_read_is_given_up_alone() {
    let stage = start(|_| at_once(Ok(()))).await;
    let broker = Arc::clone(stage.app.app().brokers().get("default").unwrap());
    stage.view(0..2).await;
    let metadata = comms::message::Metadata::new("test.viewed", "elsewhere".into());
    let broken = comms::message::Envelope::new("views".into(), metadata, "{}".into());
    broker.publish(Arc::new(broken)).await.await.unwrap();
    stage.view(2..4).await;
    stage.app.settled().await;
    assert_eq!(stage.calls.all(), [["0", "1", "2", "3"]]);
    let letters = stage.letters().await;
    assert!(letters.len() == 1 && letters[0].0.contains("missing field `page`"), "{letters:?}");
}

#[tokio::test(start_paused = true)]
async fn another_message_of_the_subscription_does_not_wait_for_the_batch() {
    let stage = start(|_| {
        Box::pin(async {
            tokio::time::sleep(Duration::from_secs(1)).await;
            Ok(())
        })
    })
    .await;
    let begun = Instant::now();
    stage.view(0..2).await;
    stage.leave("home").await;
    while stage.left.entries().is_empty() {
        tokio::task::yield_now().await;
    }
    assert!(begun.elapsed() < Duration::from_secs(1), "{:?}", begun.elapsed());
    stage.app.settled().await;
    assert_eq!((stage.calls.sizes(), stage.left.entries().len()), (vec![2], 1));
}

#[tokio::test(start_paused = true)]
async fn duplicates_are_no_part_of_a_batch() {
    let stage = start(|_| at_once(Ok(()))).await;
    let broker = Arc::clone(stage.app.app().brokers().get("default").unwrap());
    let mut metadata = comms::message::Metadata::new("test.viewed", "elsewhere".into());
    metadata.version = 1;
    let envelope = Arc::new(comms::message::Envelope::new("views".into(), metadata, r#"{"page": "twice"}"#.into()));
    broker.publish(Arc::clone(&envelope)).await.await.unwrap();
    stage.app.settled().await;
    broker.publish(envelope).await.await.unwrap();
    stage.view(0..2).await;
    stage.app.settled().await;
    assert_eq!(stage.calls.all(), [vec!["twice".to_owned()], vec!["0".to_owned(), "1".to_owned()]]);
}

#[tokio::test(start_paused = true)]
async fn stopping_gives_back_what_waits_for_its_next_attempt() {
    let stage = start(|_| at_once(Err("busy".into()))).await;
    stage.view(0..3).await;
    while stage.calls.all().is_empty() {
        // The clock of the test moves only while nothing runs.
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let begun = Instant::now();
    stage.app.shutdown().await;
    assert!(begun.elapsed() < Duration::from_millis(50), "{:?}", begun.elapsed());
}

#[service(name = "counter", version = "1.0.0")]
struct Counter {
    counted: Publisher<Counted>,
}

#[service]
impl Counter {
    #[event_handler]
    async fn on_viewed(&self, batch: Batch<Viewed>) -> Result<(), BoxError> {
        for message in batch {
            let counted = Counted { page: message.event().page.clone() };
            message.context().clone().scope(self.counted.publish(&counted)).await?;
        }
        Ok(())
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_published_in_the_context_of_a_message_follows_from_it() {
    let app = AppBuilder::new("test").service::<Counter>().batch_handler::<__comms_Counter_on_viewed>();
    let app = TestApp::with(app).start().await.unwrap();
    let publisher: Publisher<Viewed> = app.app().inject().unwrap();
    let correlation = comms::message::Id::new();
    Context::current().with_correlation(correlation).scope(publisher.publish(&Viewed { page: "1".to_owned() })).await.unwrap();
    app.settled().await;
    let published = app.brokers()[0].published();
    let of_type = |name: &str| published.iter().map(|it| &it.envelope.metadata).find(|metadata| &*metadata.name == name).unwrap();
    let (counted, viewed) = (of_type("test.counted"), of_type("test.viewed"));
    assert_eq!(counted.correlation, viewed.correlation);
    assert_eq!(counted.causation.as_ref(), Some(&viewed.id));
}

struct Nothing;

impl Layer for Nothing {
    fn call<'a>(&'a self, incoming: Incoming, next: Next<'a>) -> BoxFuture<'a, Outcome> {
        Box::pin(next.run(incoming))
    }
}

#[derive(Clone)]
struct Around(Arc<Nothing>);

impl Layer for Around {
    fn call<'a>(&'a self, incoming: Incoming, next: Next<'a>) -> BoxFuture<'a, Outcome> {
        self.0.call(incoming, next)
    }
}

#[service(name = "strict", version = "1.0.0", layers(Around), subscribe("views", ordered))]
struct Strict;

#[service]
impl Strict {
    #[event_handler]
    async fn on_viewed(&self, batch: Batch<Viewed>) {
        drop(batch);
    }
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_around_a_batch_is_refused_at_start() {
    let app = AppBuilder::new("test").service::<Strict>().batch_handler::<__comms_Strict_on_viewed>().provide(Around(Arc::new(Nothing)));
    let error = TestApp::with(app).start().await.unwrap_err().to_string();
    assert!(error.contains("takes batches") && error.contains("is ordered") && error.contains("layers of `strict` (Around)"), "{error}");
}
