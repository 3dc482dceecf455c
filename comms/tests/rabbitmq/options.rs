//! What the options of the URL do to queues.

use comms::broker::rabbitmq::PRIORITY;
use comms::broker::{Broker, BrokerErrorKind, DeadLetterFilter};
use comms::message::Envelope;
use comms::testing::servers;
use lapin::{BasicProperties, ConnectionProperties};

use crate::support::*;

fn urgent(body: &str, priority: &str) -> Envelope {
    let mut envelope = envelope("orders", body);
    envelope.metadata.extensions.insert(PRIORITY.to_owned(), priority.to_owned());
    envelope
}

#[tokio::test]
async fn what_is_more_urgent_comes_first() {
    let world = World::new("queue=classic&max_priority=5").await;
    let subscription = world.subscription("g", "orders");
    drop(world.subscribe(&subscription).await);
    for (body, priority) in [("later", "0"), ("soon", "3"), ("at once", "5"), ("also soon", "3")] {
        world.send(urgent(body, priority)).await.unwrap();
    }
    world.publish("orders", "whenever").await;
    // A foreign producer has AMQP's own means.
    let connection = lapin::Connection::connect(&servers::RabbitMq::shared().await.url(), ConnectionProperties::default()).await.unwrap();
    let channel = connection.create_channel().await.unwrap();
    let properties = BasicProperties::default().with_priority(4);
    channel.basic_publish(world.id.as_str().into(), "orders".into(), Default::default(), b"foreign", properties).await.unwrap();
    until("all are there", async || world.broker.admin().lag(&subscription).await.unwrap().waiting == 6).await;
    let mut consumer = world.subscribe(&subscription).await;
    let mut seen = Vec::new();
    for _ in 0..6 {
        let delivery = next(&mut consumer).await;
        let priority = delivery.envelope().metadata.extensions.get(PRIORITY).cloned();
        seen.push((body(&delivery), priority));
        delivery.ack();
    }
    let expected = [("at once", "5"), ("foreign", "4"), ("soon", "3"), ("also soon", "3"), ("later", "0")];
    let mut expected: Vec<_> = expected.map(|(body, priority)| (body.to_owned(), Some(priority.to_owned()))).into();
    expected.push(("whenever".to_owned(), None));
    assert_eq!(seen, expected);
}

#[tokio::test]
async fn a_priority_that_is_none_is_refused() {
    let world = World::new("").await;
    for priority in ["high", "256", "-1"] {
        let error = world.send(urgent("x", priority)).await.unwrap_err();
        assert_eq!(error.kind(), BrokerErrorKind::Config);
        assert!(error.to_string().contains("0 to 255"), "{error}");
    }
}

/// Priorities would change the order of a key's messages.
#[tokio::test]
async fn an_ordered_subscription_keeps_its_order_whatever_is_urgent() {
    let world = World::new("queue=classic&max_priority=5").await;
    let subscription = world.ordered("g", "orders", 2);
    drop(world.subscribe(&subscription).await);
    for (body, priority) in [("1", "0"), ("2", "5"), ("3", "3")] {
        let mut envelope = urgent(body, priority);
        envelope.metadata.key = Some("k".into());
        world.send(envelope).await.unwrap();
    }
    assert_eq!(take(&mut world.subscribe(&subscription).await, 3).await, ["1", "2", "3"]);
}

#[tokio::test]
async fn a_single_active_member_gets_everything_until_it_leaves() {
    let world = World::new("single_active=true").await;
    let subscription = world.subscription("g", "orders");
    let mut active = world.subscribe(&subscription).await;
    let mut reserve = world.subscribe(&subscription).await;
    for n in 0..40 {
        world.publish("orders", &n.to_string()).await;
    }
    // More than one member's prefetch: the other would have had some.
    assert_eq!(take(&mut active, 40).await.len(), 40);
    nothing(&mut reserve).await;
    drop(active);
    world.publish("orders", "40").await;
    assert_eq!(take(&mut reserve, 1).await, ["40"]);
}

/// How often is the pipeline's to say, so ours is as good as none; but an operator's policy counts, and then nothing vanishes.
#[tokio::test]
async fn a_delivery_limit_of_the_operator_ends_among_the_dead_letters() {
    let server = servers::RabbitMq::shared().await;
    let world = World::new("").await;
    let (limited, free) = (world.subscription("limited", "orders"), world.subscription("free", "orders"));
    let policy = serde_json::json!({ "delivery-limit": 2 });
    server.declare_policy("/", &world.id, &format!("^{}$", limited.name().replace('.', "\\.")), &policy).await.unwrap();
    let (mut limited_member, mut free_member) = (world.subscribe(&limited).await, world.subscribe(&free).await);
    world.publish("orders", "x").await;
    for attempt in 1..=3 {
        let delivery = next(&mut limited_member).await;
        assert_eq!(delivery.attempt(), attempt);
        delivery.release();
    }
    let letters = async || world.broker.admin().dead_letters(&limited, &DeadLetterFilter::default()).await.unwrap();
    until("the server gave it up", async || !letters().await.is_empty()).await;
    let letter = letters().await.remove(0);
    assert_eq!((text(&letter.envelope).as_str(), letter.provenance.reason.as_str()), ("x", "crashed"));
    assert_eq!(&*letter.provenance.topic, "orders");
    nothing(&mut limited_member).await;
    // Ours is no limit: RabbitMQ 4 would give up after 20 where none is declared.
    for attempt in 1..=25 {
        let delivery = next(&mut free_member).await;
        assert_eq!(delivery.attempt(), attempt);
        delivery.release();
    }
    next(&mut free_member).await.ack();
    assert_eq!(world.broker.admin().dead_letters(&free, &DeadLetterFilter::default()).await.unwrap(), []);
    assert_eq!(world.broker.admin().replay(&limited, &DeadLetterFilter::default()).await.unwrap(), 1);
    let again = next(&mut limited_member).await;
    assert_eq!(again.attempt(), 1);
    again.ack();
}
