//! What only the memory broker promises, or what needs virtual time; the contract itself is proved by
//! the conformance suite.

use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use futures_util::FutureExt;

use super::{Memory, MemoryConfig};
use crate::broker::{Broker, BrokerErrorKind, Consumer, Delivery, Order, Reach, StartPosition, Subscription, shard_of};
use crate::message::{Envelope, Id, Metadata};

fn message(key: Option<&str>, text: &str) -> Arc<Envelope> {
    let mut metadata = Metadata::foreign(Id::new());
    metadata.key = key.map(Into::into);
    Arc::new(Envelope::new("orders".into(), metadata, text.to_owned().into()))
}

fn subscription(group: &str) -> Subscription {
    Subscription::new("orders".parse().unwrap(), group)
}

async fn consumer(memory: &Memory, subscription: Subscription) -> Box<dyn Consumer> {
    memory.subscribe(Arc::new(subscription)).await.unwrap()
}

async fn publish(memory: &Memory, envelope: Arc<Envelope>) -> Reach {
    memory.publish(envelope).await.await.unwrap().reach
}

async fn next(consumer: &mut Box<dyn Consumer>) -> Delivery {
    poll_fn(|context| consumer.poll_next(context)).await.unwrap()
}

fn now(consumer: &mut Box<dyn Consumer>) -> Option<Delivery> {
    match consumer.poll_next(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(delivery) => delivery,
        Poll::Pending => None,
    }
}

fn text(delivery: &Delivery) -> String {
    String::from_utf8(delivery.envelope().payload.to_vec()).unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_retried_message_comes_back_when_its_delay_has_passed_on_virtual_time() {
    let memory = Memory::new();
    let mut billing = consumer(&memory, subscription("billing")).await;
    publish(&memory, message(None, "m")).await;
    let first = next(&mut billing).await;
    let mut again = (**first.envelope()).clone();
    again.metadata.attempt = 1;
    first.retry(Arc::new(again), Duration::from_secs(3600)).await.unwrap();
    assert_eq!((memory.in_flight().delayed, memory.in_flight().total()), (1, 1));
    memory.quiet().await;
    let began = tokio::time::Instant::now();
    let second = next(&mut billing).await;
    assert!(began.elapsed() >= Duration::from_secs(3600) && began.elapsed() < Duration::from_secs(3601));
    assert_eq!(second.attempt(), 2);
    second.ack();
    memory.settled().now_or_never().unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_waiting_member_learns_of_an_earlier_delay() {
    let memory = Memory::new();
    let mut one = consumer(&memory, subscription("billing")).await;
    for delay in [60, 5] {
        publish(&memory, message(None, &delay.to_string())).await;
        let delivery = next(&mut one).await;
        let again = Arc::clone(delivery.envelope());
        delivery.retry(again, Duration::from_secs(delay)).await.unwrap();
        assert!(now(&mut one).is_none());
    }
    let began = tokio::time::Instant::now();
    let early = next(&mut one).await;
    assert_eq!((text(&early).as_str(), began.elapsed().as_secs()), ("5", 5));
    early.ack();
    let late = next(&mut one).await;
    assert_eq!((text(&late).as_str(), began.elapsed().as_secs()), ("60", 60));
}

#[tokio::test(start_paused = true)]
async fn settled_resolves_with_the_last_acknowledgement_of_a_cascade() {
    let memory = Memory::new();
    let mut billing = consumer(&memory, subscription("billing")).await;
    publish(&memory, message(None, "root")).await;
    let worker = tokio::spawn({
        let memory = memory.clone();
        async move {
            let root = next(&mut billing).await;
            tokio::time::sleep(Duration::from_secs(1)).await;
            publish(&memory, message(None, "child")).await;
            root.ack();
            let child = next(&mut billing).await;
            tokio::time::sleep(Duration::from_secs(1)).await;
            child.ack();
        }
    });
    let began = tokio::time::Instant::now();
    memory.settled().await;
    assert_eq!(began.elapsed().as_secs(), 2);
    worker.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn publishing_to_a_full_group_waits_for_room_or_ends_unknown() {
    let memory = Memory::open("memory:?capacity=2&publish_timeout=10s").unwrap();
    let mut billing = consumer(&memory, subscription("billing")).await;
    let mut audit = consumer(&memory, subscription("audit")).await;
    for text in ["1", "2"] {
        publish(&memory, message(None, text)).await;
    }
    assert!(
        now(&mut audit).is_some_and(|delivery| text(&delivery) == "1") && memory.in_flight().queued == 4,
        "a dropped delivery is released"
    );
    let error = memory.publish(message(None, "3")).await.await.unwrap_err();
    assert_eq!(error.kind(), BrokerErrorKind::Unknown);
    let waiting = tokio::spawn({
        let memory = memory.clone();
        async move { publish(&memory, message(None, "4")).await }
    });
    tokio::task::yield_now().await;
    next(&mut billing).await.ack();
    next(&mut audit).await.ack();
    assert_eq!(waiting.await.unwrap(), Reach::Subscribed);
    for group in [&mut billing, &mut audit] {
        let rest: Vec<String> = std::iter::from_fn(|| now(group).map(|delivery| (text(&delivery), delivery.ack()).0)).collect();
        assert_eq!(rest, ["2", "4"], "each group has what was accepted once");
    }
}

#[tokio::test]
async fn a_publisher_that_waits_is_told_when_the_connection_closes() {
    let memory = Memory::open("memory:?capacity=1").unwrap();
    let _billing = consumer(&memory.connect(), subscription("billing")).await;
    publish(&memory, message(None, "1")).await;
    let waiting = tokio::spawn({
        let memory = memory.clone();
        async move { memory.publish(message(None, "2")).await.await }
    });
    tokio::task::yield_now().await;
    memory.close().await;
    assert_eq!(waiting.await.unwrap().unwrap_err().kind(), BrokerErrorKind::Closed);
}

#[tokio::test]
async fn a_shard_changes_hands_only_when_nothing_of_it_is_unsettled() {
    let shards = 2.try_into().unwrap();
    let mut ordered = subscription("billing");
    ordered.order = Some(Order { shards });
    let keys: Vec<String> = (0..100).map(|n| format!("k{n}")).collect();
    let key = |shard| keys.iter().find(|key| shard_of(key, shards) == shard).unwrap();
    let memory = Memory::new();
    let mut one = consumer(&memory, ordered.clone()).await;
    for text in ["1", "2", "3"] {
        publish(&memory, message(Some(key(1)), text)).await;
    }
    let first = now(&mut one).unwrap();
    let mut two = consumer(&memory, ordered).await;
    assert!(now(&mut two).is_none(), "the first member still holds a message of the shard");
    assert!(now(&mut one).is_none(), "the shard is on its way to the second member");
    first.ack();
    assert!(now(&mut one).is_none());
    assert_eq!(text(&now(&mut two).unwrap()), "2");
    let held = [now(&mut two).unwrap(), now(&mut two).unwrap()];
    assert_eq!(held.iter().map(text).collect::<Vec<_>>(), ["2", "3"], "the released one came again at its place");
    drop(two);
    let returned = [now(&mut one).unwrap(), now(&mut one).unwrap()];
    assert_eq!(
        returned.iter().map(|delivery| (text(delivery), delivery.attempt())).collect::<Vec<_>>(),
        [("2".into(), 2), ("3".into(), 2)]
    );
    held.into_iter().for_each(Delivery::ack);
    assert_eq!(memory.in_flight().unsettled, 2, "settling what was given back does nothing");
}

#[tokio::test]
async fn names_share_a_broker_and_plain_urls_do_not() {
    let [shared, same, private] = ["memory:tests-shared", "memory:tests-shared", "memory:"].map(|url| Memory::open(url).unwrap());
    let _consumer = consumer(&shared, subscription("billing")).await;
    assert_eq!(publish(&same, message(None, "m")).await, Reach::Subscribed);
    assert_eq!(publish(&Memory::named("tests-shared"), message(None, "m")).await, Reach::Subscribed);
    assert_eq!(publish(&private, message(None, "m")).await, Reach::Unrouted);
    let other = Memory::open("memory:tests-shared?capacity=3").unwrap_err();
    assert_eq!(other.kind(), BrokerErrorKind::Config);
}

#[tokio::test]
async fn the_log_feeds_a_new_group_once() {
    let memory = Memory::open("memory:?log=2").unwrap();
    for text in ["1", "2", "3"] {
        publish(&memory, message(None, text)).await;
    }
    let mut earliest = subscription("billing");
    earliest.from = StartPosition::Earliest;
    let mut billing = consumer(&memory, earliest).await;
    publish(&memory, message(None, "4")).await;
    let got: Vec<String> = std::iter::from_fn(|| now(&mut billing).map(|delivery| (text(&delivery), delivery.ack()).0)).collect();
    assert_eq!(got, ["2", "3", "4"]);
}

#[tokio::test]
async fn an_ephemeral_group_takes_what_it_holds_with_it() {
    let memory = Memory::new();
    let mut replies = subscription("replies");
    replies.ephemeral = true;
    let consumer = consumer(&memory, replies).await;
    publish(&memory, message(None, "m")).await;
    drop(consumer);
    memory.settled().now_or_never().unwrap();
    assert_eq!(publish(&memory, message(None, "m")).await, Reach::Unrouted);
}

#[tokio::test]
async fn the_last_published_messages_are_recorded_on_request() {
    let memory = Memory::with_config(MemoryConfig { record: 2, ..MemoryConfig::default() });
    for text in ["1", "2", "3"] {
        publish(&memory, message(None, text)).await;
    }
    let record = memory.published();
    assert_eq!(record.iter().map(|published| published.envelope.payload.clone()).collect::<Vec<_>>(), ["2", "3"]);
    assert!(record.iter().all(|published| published.receipt.reach == Reach::Unrouted));
}

#[tokio::test]
async fn a_message_wakes_every_member_that_waits() {
    let memory = Memory::new();
    let mut abandoned = consumer(&memory, subscription("billing")).await;
    let mut waiting = consumer(&memory, subscription("billing")).await;
    assert!(now(&mut abandoned).is_none());
    let task = tokio::spawn(async move { text(&next(&mut waiting).await) });
    tokio::task::yield_now().await;
    publish(&memory, message(None, "m")).await;
    assert_eq!(tokio::time::timeout(Duration::from_secs(5), task).await.unwrap().unwrap(), "m");
}
