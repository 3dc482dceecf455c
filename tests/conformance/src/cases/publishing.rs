//! What `publish` promises.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use comms::broker::{BrokerErrorKind, Reach};
use comms::message::{Envelope, Id, Metadata, TraceParent};
use jiff::Timestamp;
use tokio::task::JoinHandle;

use crate::world::{assert_kind, publish, text};
use crate::{Backend, Setup, World};

/// `Ok` means that a subscription has it.
pub async fn a_confirmed_message_reaches_its_subscription<B: Backend>() {
    let world = World::new::<B>().await;
    let mut member = world.join(&world.subscription("orders", "billing")).await;
    let message = world.message("orders", "hello");
    let receipt = world.publish(message.clone()).await;
    assert_ne!(receipt.reach, Reach::Unrouted);
    let delivery = member.next().await;
    assert_eq!(**delivery.envelope(), message);
    assert_eq!(delivery.attempt(), 1);
    delivery.ack();
}

/// It is no error on any broker; whether it is told is declared.
pub async fn a_message_without_a_subscription_has_the_declared_result<B: Backend>() {
    let world = World::new::<B>().await;
    let reached_none = world.publish(world.message("nobody", "x")).await.reach;
    let _member = world.join(&world.subscription("orders", "billing")).await;
    let reached_one = world.publish(world.message("orders", "x")).await.reach;
    if world.broker.capabilities().reports_unrouted {
        assert_eq!((reached_none, reached_one), (Reach::Unrouted, Reach::Subscribed));
    } else {
        assert_eq!(reached_none, Reach::Unknown);
    }
}

/// A payload may have no bytes.
pub async fn an_empty_payload_arrives<B: Backend>() {
    let world = World::new::<B>().await;
    let mut member = world.join(&world.subscription("orders", "billing")).await;
    world.publish(world.message("orders", "")).await;
    let delivery = member.next().await;
    assert!(delivery.envelope().payload.is_empty());
    delivery.ack();
}

/// Larger than a frame of any protocol, with every byte in it.
pub async fn a_large_payload_arrives_byte_for_byte<B: Backend>() {
    let world = World::new::<B>().await;
    let mut member = world.join(&world.subscription("orders", "billing")).await;
    let mut message = world.message("orders", "");
    message.payload = Bytes::from_iter((0..1_500_000_u32).map(|n| n.wrapping_mul(2_654_435_761).to_be_bytes()[0]));
    world.publish(message.clone()).await;
    let delivery = member.next().await;
    assert!(delivery.envelope().payload == message.payload, "{} bytes arrived", delivery.envelope().payload.len());
    delivery.ack();
}

/// It is refused at once: waiting can't mend it. What fits still goes.
pub async fn a_message_over_the_limit_is_too_large<B: Backend>() {
    let world = World::with::<B>(Setup { max_message: Some(1024), ..Setup::shared() }).await;
    let mut member = world.join(&world.subscription("orders", "billing")).await;
    let error = publish(&*world.broker, world.message("orders", &"x".repeat(1025))).await.unwrap_err();
    assert_kind(&error, BrokerErrorKind::TooLarge);
    world.publish(world.message("orders", &"x".repeat(1024))).await;
    assert_eq!(member.handle(1).await[0].len(), 1024);
}

/// Every attribute that there is comes as it went.
pub async fn all_attributes_survive_unicode_included<B: Backend>() {
    let world = World::new::<B>().await;
    let mut member = world.join(&world.subscription("orders", "billing")).await;
    let mut message = world.message("orders", "π ≈ 3,14 — ok 🦀");
    let metadata = &mut message.metadata;
    metadata.id = Id::parse("order/17 ü");
    metadata.version = 3;
    metadata.correlation = Some(Id::new());
    metadata.causation = Some(Id::parse("foreign:ß"));
    metadata.key = Some("Käufer №1".into());
    metadata.deadline = Some(Timestamp::now() + jiff::SignedDuration::from_hours(1));
    metadata.trace = Some(TraceParent::root());
    metadata.trace_state = Some("vendor=1,other=2".into());
    metadata.attempt = 2;
    metadata.extensions.extend([("tenant", "bläu 🦋"), ("empty", ""), ("quoted", "a \"b\", c%20d\\")].map(|(k, v)| (k.into(), v.into())));
    world.publish(message.clone()).await;
    let delivery = member.next().await;
    assert_eq!(**delivery.envelope(), message);
    assert_eq!(delivery.attempt(), 3, "the attempts that the message carries count");
    delivery.ack();
}

/// A foreign producer gives no more than an id.
pub async fn a_message_without_attributes_arrives<B: Backend>() {
    let world = World::new::<B>().await;
    let mut member = world.join(&world.subscription("orders", "billing")).await;
    let metadata = Metadata::foreign(Id::parse("x1"));
    let message = Envelope::new(world.topic("orders").into(), metadata, Bytes::from_static(&[0, 159, 146, 150]));
    world.publish(message.clone()).await;
    let delivery = member.next().await;
    assert_eq!(**delivery.envelope(), message);
    delivery.ack();
}

/// Confirmations are awaited after everything was handed over.
pub async fn many_messages_in_flight_are_all_confirmed<B: Backend>() {
    let world = World::new::<B>().await;
    let mut member = world.join(&world.subscription("orders", "billing")).await;
    let mut confirms = Vec::new();
    for n in 0..500 {
        confirms.push(world.broker.publish(Arc::new(world.message("orders", &n.to_string()))).await);
    }
    for confirm in confirms {
        confirm.await.expect("confirmed");
    }
    let expected: Vec<String> = (0..500).map(|n| n.to_string()).collect();
    assert_eq!(member.handle(500).await, expected);
}

/// What one publisher publishes, one after the other, comes in that order.
pub async fn concurrent_publishers_keep_their_own_order<B: Backend>() {
    let world = Arc::new(World::new::<B>().await);
    let mut member = world.join(&world.subscription("orders", "billing")).await;
    let publishers = publish_side_by_side(&world, "orders");
    assert_each_in_order(&member.handle(400).await);
    for publisher in publishers {
        publisher.await.expect("published");
    }
}

/// It does so when everything was there before the member asked for the first message, and whoever else used the connection.
pub async fn who_comes_late_finds_each_publisher_in_order<B: Backend>() {
    let world = Arc::new(World::new::<B>().await);
    let mut orders = world.join(&world.subscription("orders", "billing")).await;
    let mut invoices = world.join(&world.subscription("invoices", "billing")).await;
    let mut publishers = publish_side_by_side(&world, "orders");
    publishers.extend(publish_side_by_side(&world, "invoices"));
    for publisher in publishers {
        publisher.await.expect("published");
    }
    assert_each_in_order(&orders.handle(400).await);
    assert_each_in_order(&invoices.handle(400).await);
}

/// Four publishers on one connection, each of which waits for every confirmation.
fn publish_side_by_side(world: &Arc<World>, topic: &'static str) -> Vec<JoinHandle<()>> {
    let publisher = |publisher: usize| {
        let world = Arc::clone(world);
        tokio::spawn(async move {
            for n in 0..100 {
                world.publish(world.message(topic, &format!("{publisher}:{n:03}"))).await;
            }
        })
    };
    (0..4).map(publisher).collect()
}

#[track_caller]
fn assert_each_in_order(handled: &[String]) {
    for publisher in 0..4 {
        let own: Vec<&String> = handled.iter().filter(|text| text.starts_with(&format!("{publisher}:"))).collect();
        assert!(own.len() == 100 && own.is_sorted(), "of publisher {publisher} came {own:?}");
    }
}

/// The connection object is of no more use.
pub async fn publishing_after_close_is_closed<B: Backend>() {
    let world = World::new::<B>().await;
    let other = world.connect().await;
    other.close().await;
    other.close().await;
    let error = publish(&*other, world.message("orders", "x")).await.unwrap_err();
    assert_kind(&error, BrokerErrorKind::Closed);
    assert_eq!(other.state(), comms::broker::ConnectionState::Closed);
}

/// While the broker can't take it, by the deadline of the message and by the configured timeout.
pub async fn an_outcome_that_is_late_is_unknown<B: Backend>() {
    let timeout = Duration::from_secs(5);
    let setup = Setup { publish_timeout: Some(timeout), capacity: Some(3), ..Setup::killable() };
    let world = World::with::<B>(setup).await;
    let mut member = world.join(&world.subscription("orders", "billing")).await;
    match world.backend.server() {
        Some(server) => server.kill().await,
        None => world.publish_texts("orders", &["1", "2", "3"]).await,
    }
    let began = std::time::Instant::now();
    let error = publish(&*world.broker, world.message("orders", "late")).await.unwrap_err();
    assert_kind(&error, BrokerErrorKind::Unknown);
    assert!(began.elapsed() >= timeout, "it gave up after {:?}", began.elapsed());

    let began = std::time::Instant::now();
    let mut message = world.message("orders", "late by its deadline");
    message.metadata.deadline = Some(Timestamp::now() + jiff::SignedDuration::from_millis(100));
    let error = publish(&*world.broker, message).await.unwrap_err();
    assert_kind(&error, BrokerErrorKind::Unknown);
    assert!(began.elapsed() < timeout, "the deadline was nearer; it gave up after {:?}", began.elapsed());

    if world.backend.server().is_none() {
        assert_eq!(text(&member.next().await), "1");
    }
}

/// What is checked before start is what the broker says of itself.
pub async fn the_backend_declares_its_capabilities<B: Backend>() {
    let world = World::new::<B>().await;
    assert_eq!(world.broker.capabilities(), world.backend.capabilities());
    assert!(world.backend.url().starts_with(&format!("{}:", world.broker.scheme())), "{}", world.broker.scheme());
    assert_eq!(world.broker.state(), comms::broker::ConnectionState::Connected);
}

/// As two instances of a service do; each message comes once while nothing fails.
pub async fn two_connections_that_publish_at_once_lose_nothing<B: Backend>() {
    let world = World::new::<B>().await;
    let mut member = world.join(&world.subscription("orders", "billing")).await;
    let (one, two) = (world.connect().await, world.connect().await);
    let mut confirms = Vec::new();
    for n in 0..250 {
        for (who, broker) in [("one", &one), ("two", &two)] {
            confirms.push(broker.publish(Arc::new(world.message("orders", &format!("{who}:{n:03}")))).await);
        }
    }
    let mut expected: Vec<String> = (0..250).flat_map(|n| [format!("one:{n:03}"), format!("two:{n:03}")]).collect();
    let mut handled = member.handle(expected.len()).await;
    for confirm in confirms {
        confirm.await.expect("confirmed");
    }
    expected.sort();
    handled.sort();
    assert_eq!(handled, expected);
    member.nothing().await;
}
