//! Throttles: a subscription takes no more than its rate, a publisher sends no more; both change while they work.

mod support;

use std::time::Duration;

use comms::config::Config;
use comms::limit::{Rate, Throttles};
use comms::testing::TestApp;
use comms::{AppBuilder, Class, Classify, Context, Publisher, event, event_handler, service};
use support::Log;
use tokio::time::Instant;

/// Something to do.
#[event(name = "test.chore", version = 1, topic = "chores", key = room)]
#[derive(Clone, Debug, PartialEq)]
struct Chore {
    room: String,
}

impl Chore {
    fn of(room: &str) -> Self {
        Self { room: room.to_owned() }
    }
}

#[service(name = "maid", version = "1.0.0", subscribe("chores", throttle = "10/s burst 1"))]
struct Maid {
    done: Log,
}

#[service]
impl Maid {
    #[event_handler]
    async fn on_chore(&self, chore: Chore) {
        self.done.add(chore.room);
    }
}

#[service(name = "butler", version = "1.0.0", subscribe("chores", ordered(shards = 2), throttle = "10/s burst 1"))]
struct Butler {
    done: Log,
}

#[service]
impl Butler {
    #[event_handler]
    async fn on_chore(&self, chore: Chore) {
        // Long enough that others of the room come while it works, and wait in its lane.
        tokio::time::sleep(Duration::from_millis(150)).await;
        self.done.add(chore.room);
    }
}

fn maid() -> AppBuilder {
    AppBuilder::new("test").service::<Maid>().event_handler::<__comms_Maid_on_chore>()
}

async fn start(app: AppBuilder, log: &Log) -> TestApp {
    TestApp::with(app.provide(log.clone())).start().await.unwrap()
}

async fn publish(app: &TestApp, rooms: impl IntoIterator<Item = &str>) {
    let publisher: Publisher<Chore> = app.app().inject().unwrap();
    for room in rooms {
        publisher.publish(&Chore::of(room)).await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn a_subscription_takes_no_more_than_its_rate() {
    let log = Log::default();
    let app = start(maid(), &log).await;
    publish(&app, ["hall"; 31]).await;
    let begun = Instant::now();
    tokio::time::sleep(Duration::from_millis(1050)).await;
    assert_eq!(log.entries().len(), 11);
    app.settled().await;
    assert_eq!(log.entries().len(), 31);
    let took = begun.elapsed();
    assert!((Duration::from_secs(3)..Duration::from_millis(3300)).contains(&took), "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn messages_that_waited_for_their_key_keep_the_rate_too() {
    let log = Log::default();
    let app = AppBuilder::new("test").service::<Butler>().event_handler::<__comms_Butler_on_chore>();
    let app = start(app, &log).await;
    publish(&app, ["hall", "hall", "hall", "attic", "attic"]).await;
    let begun = Instant::now();
    app.settled().await;
    assert_eq!(log.entries().len(), 5);
    // The fifth is taken after 400 ms at the earliest.
    assert!(begun.elapsed() >= Duration::from_millis(550), "{:?}", begun.elapsed());
}

#[tokio::test(start_paused = true)]
async fn another_rate_holds_while_messages_wait() {
    let log = Log::default();
    let app = start(maid(), &log).await;
    let throttle = app.get::<Throttles>().unwrap().subscription("maid", "chores").unwrap();
    throttle.set(Some("1/h".parse().unwrap()));
    publish(&app, ["hall"; 500]).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(log.entries().len(), 1);
    throttle.set(None);
    let begun = Instant::now();
    app.settled().await;
    assert_eq!((log.entries().len(), begun.elapsed()), (500, Duration::ZERO));
}

#[tokio::test(start_paused = true)]
async fn a_throttled_subscription_stops_at_once() {
    let log = Log::default();
    let app = start(maid(), &log).await;
    app.get::<Throttles>().unwrap().subscription("maid", "chores").unwrap().set(Some("1/h".parse().unwrap()));
    publish(&app, ["hall", "attic"]).await;
    while log.entries().is_empty() {
        tokio::task::yield_now().await;
    }
    let begun = Instant::now();
    app.shutdown().await;
    assert_eq!((log.entries().len(), begun.elapsed()), (1, Duration::ZERO));
}

#[tokio::test(start_paused = true)]
async fn the_configuration_lifts_or_changes_the_rate() {
    for (text, took) in [("off", Duration::ZERO), ("1/s burst 1", Duration::from_secs(4))] {
        let log = Log::default();
        let config = Config::from_toml(&format!("[service.maid.subscription.chores]\nthrottle = \"{text}\"")).unwrap();
        let app = start(maid().config(config), &log).await;
        publish(&app, ["hall"; 5]).await;
        let begun = Instant::now();
        app.settled().await;
        assert!((took..took + Duration::from_millis(200)).contains(&begun.elapsed()), "{text}: {:?}", begun.elapsed());
    }
}

#[test]
fn what_is_no_rate_is_refused_at_its_place() {
    let error = Config::from_toml("[service.maid.subscription.chores]\nthrottle = \"fast\"").unwrap_err().to_string();
    assert!(error.contains("comms.toml:2:12") && error.contains("`fast` is not a rate") && error.contains("or `off`"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn publishers_of_one_event_share_a_throttle() {
    let log = Log::default();
    let app = start(maid(), &log).await;
    let (one, other): (Publisher<Chore>, Publisher<Chore>) = (app.app().inject().unwrap(), app.app().inject().unwrap());
    one.throttle().set(Some(Rate::per_second(10).burst(1)));
    let begun = Instant::now();
    for _ in 0..5 {
        one.publish(&Chore::of("hall")).await.unwrap();
        other.publish(&Chore::of("attic")).await.unwrap();
    }
    assert!(begun.elapsed() >= Duration::from_millis(900), "{:?}", begun.elapsed());
    let throttles: Throttles = app.get().unwrap();
    throttles.publisher("test.chore").unwrap().set(None);
    let begun = Instant::now();
    one.publish_all(&vec![Chore::of("hall"); 100]).await.unwrap();
    assert_eq!(begun.elapsed(), Duration::ZERO);
    assert!(throttles.publisher("test.other").is_none() && throttles.subscription("maid", "other").is_none());
}

#[tokio::test(start_paused = true)]
async fn a_throttled_publish_waits_no_longer_than_its_deadline_and_publishes_nothing_then() {
    let log = Log::default();
    let app = start(maid(), &log).await;
    let publisher: Publisher<Chore> = app.app().inject().unwrap();
    publisher.throttle().set(Some("1/h".parse().unwrap()));
    publisher.publish(&Chore::of("hall")).await.unwrap();
    let soon = Context::current().with_deadline(jiff::Timestamp::now() + Duration::from_millis(300));
    let refused = soon.scope(publisher.publish(&Chore::of("attic"))).await.unwrap_err();
    assert_eq!(refused.class(), Class::Retryable);
    assert!(refused.to_string().contains("throttled to 1/h"), "{refused}");
    app.settled().await;
    assert_eq!(log.entries(), ["hall"]);
}
