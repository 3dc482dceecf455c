//! Topics on exchanges of somebody else's.

use comms::broker::{Broker, BrokerErrorKind, DeadLetterFilter, PlanStep, Reach};
use comms::testing::servers;
use lapin::options::{BasicPublishOptions, ExchangeDeclareOptions, QueueDeclareOptions};
use lapin::types::{AMQPValue, FieldTable};
use lapin::{BasicProperties, Channel, ConnectionProperties, ExchangeKind};

use crate::support::*;

/// Somebody who knows nothing of us.
async fn stranger() -> Channel {
    let connection = lapin::Connection::connect(&servers::RabbitMq::shared().await.url(), ConnectionProperties::default()).await.unwrap();
    connection.create_channel().await.unwrap()
}

async fn declare(channel: &Channel, name: &str, kind: ExchangeKind, durable: bool) {
    let options = ExchangeDeclareOptions { durable, ..ExchangeDeclareOptions::default() };
    channel.exchange_declare(name.into(), kind, options, FieldTable::default()).await.unwrap();
}

async fn send(channel: &Channel, exchange: &str, key: &str, headers: &[(&str, &str)], body: &str) {
    let mut table = FieldTable::default();
    for (name, value) in headers {
        table.insert((*name).into(), AMQPValue::LongString((*value).into()));
    }
    let properties = BasicProperties::default().with_headers(table);
    let sent = channel.basic_publish(exchange.into(), key.into(), BasicPublishOptions::default(), body.as_bytes(), properties).await;
    sent.unwrap().await.unwrap();
}

/// A queue of the stranger's.
async fn listen(channel: &Channel, exchange: &str, key: &str, arguments: FieldTable) -> String {
    let options = QueueDeclareOptions { exclusive: true, ..QueueDeclareOptions::default() };
    let queue = channel.queue_declare("".into(), options, FieldTable::default()).await.unwrap().name().to_string();
    channel.queue_bind(queue.as_str().into(), exchange.into(), key.into(), Default::default(), arguments).await.unwrap();
    queue
}

async fn heard(channel: &Channel, queue: &str) -> String {
    let got = channel.basic_get(queue.into(), Default::default()).await.unwrap().expect("it is there once it is confirmed");
    String::from_utf8(got.delivery.data).unwrap()
}

#[tokio::test]
async fn a_topic_on_a_foreign_exchange_is_read_and_published_to_in_each_kind() {
    let channel = stranger().await;
    let erp = format!("erp-{}", World::new("").await.id);
    let name = |kind: &str| format!("{erp}-{kind}");
    // Not as we would make them: they are used as they are.
    declare(&channel, &name("direct"), ExchangeKind::Direct, false).await;
    declare(&channel, &name("topic"), ExchangeKind::Topic, true).await;
    declare(&channel, &name("fanout"), ExchangeKind::Fanout, false).await;
    declare(&channel, &name("headers"), ExchangeKind::Headers, true).await;
    let cases = [("direct", ":order.created"), ("topic", ":order.created"), ("fanout", ""), ("headers", ":kind=order,land=de")];
    let options: Vec<String> = cases.iter().map(|(kind, key)| format!("route=orders.{kind}:{kind}:{}{key}", name(kind))).collect();
    let world = World::new(&options.join("&")).await;
    for (kind, _) in cases {
        let topic = format!("orders.{kind}");
        let (subscription, sorted) = (world.subscription("g", &topic), world.ordered("sorted", &topic, 4));
        assert_eq!(world.publish(&topic, "nobody's").await, Reach::Unrouted, "{kind}");
        let mut consumer = world.subscribe(&subscription).await;
        let mut ordered = world.subscribe(&sorted).await;
        let headers = [("kind", "order"), ("land", "de")];
        send(&channel, &name(kind), "order.created", &headers, "theirs").await;
        if kind != "fanout" {
            // Not what the route says.
            send(&channel, &name(kind), "order.deleted", &[("kind", "order")], "another").await;
        }
        let theirs = next(&mut consumer).await;
        assert_eq!((body(&theirs).as_str(), &*theirs.envelope().topic), ("theirs", topic.as_str()), "{kind}");
        // What is given up and replayed stays what it was.
        let letter = letter(&theirs, "why");
        theirs.dead_letter(letter).await.unwrap();
        assert_eq!(world.broker.admin().replay(&subscription, &DeadLetterFilter::default()).await.unwrap(), 1);
        let again = next(&mut consumer).await;
        assert_eq!((body(&again).as_str(), &*again.envelope().topic), ("theirs", topic.as_str()), "{kind}");
        again.ack();
        let mut arguments = FieldTable::default();
        if kind == "headers" {
            arguments.insert("land".into(), AMQPValue::LongString("de".into()));
        }
        let queue = listen(&channel, &name(kind), "order.created", arguments).await;
        world.publish_keyed(&topic, "k", "ours").await;
        assert_eq!(heard(&channel, &queue).await, "ours", "{kind}");
        assert_eq!(take(&mut consumer, 1).await, ["ours"], "{kind}");
        assert_eq!(take(&mut ordered, 2).await.len(), 2, "{kind}");
        nothing(&mut consumer).await;
    }
    // What is on no route is where it ever was.
    let mut other = world.subscribe(&world.subscription("g", "other")).await;
    world.publish("other", "x").await;
    assert_eq!(take(&mut other, 1).await, ["x"]);
}

#[tokio::test]
async fn an_exchange_of_another_kind_is_said_at_once() {
    let channel = stranger().await;
    let world = World::new("").await;
    let exchange = format!("erp-{}", world.id);
    declare(&channel, &exchange, ExchangeKind::Fanout, true).await;
    let url = servers::RabbitMq::shared().await.url();
    let error = connect(&format!("{url}?exchange={}&route=orders:direct:{exchange}:k", world.id)).await.unwrap_err();
    assert_eq!(error.kind(), BrokerErrorKind::Topology);
    assert!(
        error.to_string().contains(&exchange) && error.to_string().contains("Direct") && error.to_string().contains("fanout"),
        "{error}"
    );
}

#[tokio::test]
async fn a_missing_exchange_is_made_and_the_plan_knows_it() {
    let world = World::new("route=orders:direct:erp-made-here:k").await;
    let subscription = world.subscription("g", "orders");
    let plan = world.broker.admin().plan(&[subscription.clone().into()]).await.unwrap();
    let exchange = plan.iter().find(|item| item.kind == "exchange").unwrap();
    assert_eq!((exchange.name.as_str(), exchange.step), ("erp-made-here", PlanStep::Keep));
    let mut consumer = world.subscribe(&subscription).await;
    world.publish("orders", "x").await;
    assert_eq!(take(&mut consumer, 1).await, ["x"]);
}

#[tokio::test]
async fn what_would_miss_a_topic_or_lose_its_order_is_refused() {
    let exchange = format!("erp-{}", World::new("").await.id);
    let world = World::new(&format!("route=shop.orders:topic:{exchange}:order.*")).await;
    let error = world.broker.subscribe(world.subscription("g", "shop.*").into()).await.err().unwrap();
    assert_eq!(error.kind(), BrokerErrorKind::Config);
    assert!(error.to_string().contains("`shop.orders`") && error.to_string().contains(&exchange), "{error}");
    let error = world.send(envelope("shop.orders", "x")).await.unwrap_err();
    assert!(error.to_string().contains("`order.*`"), "{error}");
    let _reads = world.subscribe(&world.subscription("g", "shop.orders")).await;
}

/// The shared server has no plugins; the other one has this.
#[tokio::test]
async fn groups_share_the_messages_of_a_consistent_hash_where_the_plugin_is_there() {
    let route = "route=orders:consistent-hash:spread";
    let url = servers::RabbitMq::shared().await.url();
    let error = connect(&format!("{url}?{route}")).await.unwrap_err();
    assert_eq!(error.kind(), BrokerErrorKind::Topology);
    assert!(error.to_string().contains("rabbitmq-plugins enable rabbitmq_consistent_hash_exchange"), "{error}");
    let server = servers::RabbitMq::builder().plugin("rabbitmq_consistent_hash_exchange").start().await.unwrap();
    let world = World::at(&server.url(), route).await;
    let mut groups = Vec::new();
    for group in ["one", "two"] {
        groups.push(world.subscribe(&world.subscription(group, "orders")).await);
    }
    for n in 0..60 {
        world.publish_keyed("orders", &format!("k{}", n % 20), &n.to_string()).await;
    }
    let mut keys = [std::collections::HashSet::new(), std::collections::HashSet::new()];
    for _ in 0..60 {
        let (one, two) = groups.split_at_mut(1);
        let (at, delivery) = tokio::select! {
            delivery = next(&mut one[0]) => (0, delivery),
            delivery = next(&mut two[0]) => (1, delivery),
        };
        keys[at].insert(delivery.envelope().metadata.key.clone().unwrap());
        delivery.ack();
    }
    assert!(keys[0].is_disjoint(&keys[1]) && keys[0].len() + keys[1].len() == 20, "{keys:?}");
    assert!(!keys[0].is_empty() && !keys[1].is_empty(), "{keys:?}");
    let error = world.broker.subscribe(world.ordered("sorted", "orders", 2).into()).await.err().unwrap();
    assert_eq!(error.kind(), BrokerErrorKind::Unsupported);
}
