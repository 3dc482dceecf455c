//! What operators can ask and do.

use std::sync::Arc;
use std::time::Duration;

use comms::broker::{BrokerError, BrokerErrorKind, Delivery, Lag, PlanStep, Position, Subscription};
use comms_conformance::World;
use comms_conformance::backends::redis::Streams;
use comms_conformance::world::{assert_kind, provenance};

use super::{cli, stream, until};

/// The group has to be as far behind as this says: waiting, unsettled, delayed.
async fn expect_lag(world: &World, subscription: &Subscription, expected: [u64; 3]) -> Lag {
    let mut found = Lag::none();
    let numbers = |lag: &Lag| [lag.waiting, lag.unsettled, lag.delayed];
    let what = format!("`{}` is {expected:?} behind", subscription.name());
    until(&what, async || {
        found = world.broker.admin().lag(subscription).await.expect("a lag");
        numbers(&found) == expected
    })
    .await;
    assert_eq!(found.parts.iter().map(|part| part.waiting).sum::<u64>(), found.waiting, "{found:?}");
    found
}

async fn seek(world: &World, subscription: &Subscription, position: Position) -> Result<(), BrokerError> {
    world.broker.admin().seek(subscription, &position).await
}

fn at(place: &str) -> Position {
    Position::At { part: None, place: place.to_owned() }
}

async fn declare(world: &World, subscriptions: &[&Subscription]) {
    let all: Vec<Arc<Subscription>> = subscriptions.iter().map(|&subscription| Arc::new(subscription.clone())).collect();
    world.broker.admin().apply(&all).await.expect("applied");
}

/// The group's only member, once it is the only one: one that was dropped leaves by and by.
async fn handled(world: &World, subscription: &Subscription, count: usize) -> Vec<String> {
    let mut member = world.join(subscription).await;
    let handled = member.handle(count).await;
    member.nothing().await;
    drop(member);
    until("left", async || members(subscription).await == "0").await;
    handled
}

async fn members(subscription: &Subscription) -> String {
    cli(&["ZCARD", &format!("comms:group:{}:{}:members", subscription.group, subscription.topic)]).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn applying_makes_what_a_start_would_make_and_nothing_when_something_differs() {
    let world = World::new::<Streams>().await;
    let admin = world.broker.admin();
    let mut ephemeral = world.subscription("replies", "caller");
    ephemeral.ephemeral = true;
    let all = [world.subscription("orders", "billing"), world.ordered("orders", "sorted", 2), world.subscription("#", "all"), ephemeral]
        .map(Arc::new);
    let made = admin.apply(&all).await.expect("applied");
    let plain = |item: &comms::broker::PlanItem| (item.kind.clone(), item.name.clone(), item.step);
    let group = |subscription: &Subscription| format!("{}:{}", subscription.group, subscription.topic);
    let mut expected = vec![("stream".to_owned(), stream(&world, "orders"), PlanStep::Create)];
    expected.extend(all[..3].iter().map(|subscription| ("group".to_owned(), group(subscription), PlanStep::Create)));
    assert_eq!(made.iter().map(plain).collect::<Vec<_>>(), expected);
    assert_eq!(admin.apply(&all).await.expect("applied"), []);
    // What is published from now on is kept for the groups.
    world.publish_texts("orders", &["1"]).await;
    for subscription in &all[..3] {
        assert_eq!(world.join(subscription).await.handle(1).await, ["1"]);
    }

    let wrong = [world.subscription("invoices", "new"), world.ordered("orders", "billing", 3)].map(Arc::new);
    let error = admin.apply(&wrong).await.unwrap_err();
    assert_kind(&error, BrokerErrorKind::Topology);
    assert!(error.to_string().contains(&group(&wrong[1])), "{error}");
    assert_eq!(cli(&["EXISTS", &stream(&world, "invoices")]).await, "0", "nothing is made then");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_lag_tells_what_waits_what_is_held_and_what_is_delayed() {
    let world = World::new::<Streams>().await;
    for subscription in [world.subscription("orders", "billing"), world.subscription("#", "all"), world.ordered("orders", "sorted", 2)] {
        let error = world.broker.admin().lag(&subscription).await.unwrap_err();
        assert_kind(&error, BrokerErrorKind::Topology);
        assert!(error.to_string().contains("does not exist"), "{error}");
        world.publish_texts("orders", &["before"]).await;
        declare(&world, &[&subscription]).await;
        expect_lag(&world, &subscription, [0; 3]).await;
        for n in 0..5 {
            world.publish(world.keyed("orders", &n.to_string(), "x")).await;
        }
        let lag = expect_lag(&world, &subscription, [5, 0, 0]).await;
        assert_eq!(lag.total(), 5);
        let mut member = world.join(&subscription).await;
        let mut held = member.take(5).await;
        expect_lag(&world, &subscription, [0, 5, 0]).await;
        held.pop().unwrap().ack();
        let delivery = held.pop().unwrap();
        let envelope = Arc::clone(delivery.envelope());
        delivery.retry(envelope, Duration::from_secs(3600)).await.expect("retried");
        let lag = expect_lag(&world, &subscription, [0, 3, 1]).await;
        let parts: Vec<&str> = lag.parts.iter().map(|part| part.part.as_str()).collect();
        match subscription.order {
            Some(_) => assert_eq!(parts, [world.topic("orders").as_str(), "shard 0", "shard 1"]),
            None => assert_eq!(parts, [world.topic("orders")]),
        }
        let last = cli(&["XREVRANGE", &stream(&world, "orders"), "+", "-", "COUNT", "1"]).await;
        assert!(last.starts_with(&lag.parts[0].position), "{last} {lag:?}");
        held.into_iter().for_each(Delivery::ack);
        expect_lag(&world, &subscription, [0, 0, 1]).await;
    }
}

/// Behind deleted entries the server tells a wrong lag, or none.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_lag_is_counted_where_the_server_lost_count() {
    let world = World::new::<Streams>().await;
    let subscription = world.subscription("orders", "billing");
    world.publish_texts("orders", &["0"]).await;
    declare(&world, &[&subscription]).await;
    for _ in 0..1500 {
        drop(world.broker.publish(Arc::new(world.message("orders", "x"))).await);
    }
    world.publish_texts("orders", &["last"]).await;
    let first = cli(&["XRANGE", &stream(&world, "orders"), "-", "+", "COUNT", "700"]).await;
    let is_id = |line: &&str| {
        line.split_once('-').is_some_and(|(ms, number)| ms.len() == 13 && [ms, number].iter().all(|n| n.parse::<u64>().is_ok()))
    };
    let id = first.lines().rfind(is_id).expect("an id");
    assert_eq!(cli(&["XDEL", &stream(&world, "orders"), id]).await, "1");
    let groups = cli(&["XINFO", "GROUPS", &stream(&world, "orders")]).await;
    assert!(!groups.ends_with("1500"), "the server knows: {groups}");
    expect_lag(&world, &subscription, [1500, 0, 0]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_group_is_taken_to_the_beginning_the_end_a_time_and_an_entry() {
    let world = World::new::<Streams>().await;
    for subscription in [world.subscription("orders", "billing"), world.ordered("orders", "sorted", 2)] {
        cli(&["DEL", &stream(&world, "orders")]).await;
        let missing = seek(&world, &subscription, Position::Beginning).await.unwrap_err();
        assert_kind(&missing, BrokerErrorKind::Topology);
        declare(&world, &[&subscription]).await;
        // By ids of our own, so that the times are known.
        for (id, text) in [("1000-0", "1"), ("1000-1", "2"), ("2000-0", "3"), ("2000-7", "4")] {
            cli(&["XADD", &stream(&world, "orders"), id, "partitionkey", "k", "data", text]).await;
        }
        assert_eq!(handled(&world, &subscription, 4).await, ["1", "2", "3", "4"]);
        let time = |text: &str| Position::Time(text.parse().unwrap());
        for (position, expected) in [
            (Position::Beginning, &["1", "2", "3", "4"][..]),
            (Position::End, &[]),
            (time("1970-01-01T00:00:01.001Z"), &["3", "4"]),
            (time("1970-01-01T00:00:01Z"), &["1", "2", "3", "4"]),
            (at("1000-1"), &["2", "3", "4"]),
            (at("2000"), &["3", "4"]),
            (at("2000-6"), &["4"]),
            (Position::At { part: Some(world.topic("orders")), place: "2000-7".to_owned() }, &["4"]),
        ] {
            seek(&world, &subscription, position.clone()).await.expect("moved");
            expect_lag(&world, &subscription, [u64::try_from(expected.len()).unwrap(), 0, 0]).await;
            assert_eq!(handled(&world, &subscription, expected.len()).await, expected, "{position} {}", subscription.name());
        }
        for wrong in [at("yesterday"), Position::At { part: Some("shard 1".to_owned()), place: "1-0".to_owned() }] {
            assert_kind(&seek(&world, &subscription, wrong).await.unwrap_err(), BrokerErrorKind::Config);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_group_with_a_member_is_not_moved() {
    let world = World::new::<Streams>().await;
    for subscription in [world.subscription("orders", "billing"), world.ordered("orders", "sorted", 2)] {
        let mut member = world.join(&subscription).await;
        world.publish_texts("orders", &["1"]).await;
        let held = member.next().await;
        let error = seek(&world, &subscription, Position::End).await.unwrap_err();
        assert_kind(&error, BrokerErrorKind::Refused);
        assert!(error.to_string().contains("1 of its members") && error.to_string().contains("stop the service"), "{error}");
        held.release();
        assert_eq!(member.handle(1).await, ["1"], "nothing was moved");
    }
}

/// What was not settled of the messages before the position does not come again, wherever it is; dead letters stay.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_group_left_unsettled_before_the_position_is_gone_for_it() {
    let world = World::new::<Streams>().await;
    for subscription in [world.subscription("orders", "billing"), world.ordered("orders", "sorted", 2)] {
        let mut member = world.join(&subscription).await;
        world.publish_texts("orders", &["retried", "buried", "given back", "never seen"]).await;
        for delivery in member.take(4).await {
            let envelope = Arc::clone(delivery.envelope());
            match comms_conformance::world::text(&delivery).as_str() {
                "retried" => delivery.retry(envelope, Duration::from_millis(1)).await.expect("retried"),
                "buried" => {
                    let letter = comms::broker::DeadLetter::new(envelope, provenance(&delivery));
                    delivery.dead_letter(letter).await.expect("buried");
                }
                _ => delivery.release(),
            }
        }
        drop(member);
        until("left", async || members(&subscription).await == "0").await;
        seek(&world, &subscription, Position::End).await.expect("moved");
        expect_lag(&world, &subscription, [0; 3]).await;
        world.publish_texts("orders", &["new"]).await;
        assert_eq!(handled(&world, &subscription, 1).await, ["new"]);
        assert_eq!(world.dead_letters(&subscription, &Default::default()).await.len(), 1);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_topic_of_a_pattern_is_moved_and_the_others_stay() {
    let world = World::new::<Streams>().await;
    for subscription in [world.subscription("shop.#", "billing"), world.ordered("shop.#", "sorted", 2)] {
        declare(&world, &[&subscription]).await;
        let mut member = world.join(&subscription).await;
        world.publish_texts("shop.a", &["a"]).await;
        world.publish_texts("shop.b", &["b"]).await;
        // Both are held, and given back.
        drop(member.take(2).await);
        drop(member);
        until("left", async || members(&subscription).await == "0").await;
        let only = Position::At { part: Some(world.topic("shop.a")), place: format!("{}-0", u64::MAX) };
        seek(&world, &subscription, only).await.expect("moved");
        assert_eq!(handled(&world, &subscription, 1).await, ["b"], "{}", subscription.name());
        for topic in ["shop.a", "shop.b"] {
            cli(&["DEL", &stream(&world, topic)]).await;
        }
    }
}
