//! Dead letters and the plan.

use std::sync::Arc;
use std::time::Duration;

use comms::broker::{Broker, BrokerErrorKind, Consumer, DeadLetterFilter, Lag, PlanStep, Position, REPLAYED, Reach, Subscription};

use crate::support::*;

async fn with_dead_letters(world: &World, subscription: &Subscription, count: usize) -> Box<dyn Consumer> {
    let mut consumer = world.subscribe(subscription).await;
    for n in 0..count {
        world.publish_keyed("orders", &format!("k{}", n % 2), &n.to_string()).await;
    }
    for _ in 0..count {
        let delivery = next(&mut consumer).await;
        let letter = letter(&delivery, "why");
        delivery.dead_letter(letter).await.unwrap();
    }
    consumer
}

async fn bodies(world: &World, subscription: &Subscription) -> Vec<String> {
    let letters = world.broker.admin().dead_letters(subscription, &DeadLetterFilter::default()).await.unwrap();
    letters.iter().map(|letter| text(&letter.envelope)).collect()
}

fn filter(key: Option<&str>, limit: Option<usize>) -> DeadLetterFilter {
    DeadLetterFilter { key: key.map(str::to_owned), limit, ..DeadLetterFilter::default() }
}

#[tokio::test]
async fn dead_letters_are_listed_again_and_again_in_their_order() {
    let world = World::new("").await;
    let subscription = world.subscription("g", "orders");
    let _consumer = with_dead_letters(&world, &subscription, 5).await;
    for _ in 0..2 {
        assert_eq!(bodies(&world, &subscription).await, ["0", "1", "2", "3", "4"]);
        let some = world.broker.admin().dead_letters(&subscription, &filter(None, Some(2))).await.unwrap();
        assert_eq!(some.iter().map(|letter| text(&letter.envelope)).collect::<Vec<_>>(), ["0", "1"]);
    }
}

#[tokio::test]
async fn replayed_letters_come_back_with_no_attempts_and_marked() {
    let world = World::new("").await;
    let subscription = world.subscription("g", "orders");
    let mut consumer = with_dead_letters(&world, &subscription, 5).await;
    assert_eq!(world.broker.admin().replay(&subscription, &filter(Some("k0"), None)).await.unwrap(), 3);
    for expected in ["0", "2", "4"] {
        let delivery = next(&mut consumer).await;
        assert_eq!((body(&delivery).as_str(), delivery.attempt()), (expected, 1));
        let envelope = delivery.envelope();
        assert_eq!((&*envelope.topic, envelope.metadata.extensions[REPLAYED].as_str()), ("orders", "true"));
        delivery.ack();
    }
    assert_eq!(bodies(&world, &subscription).await, ["1", "3"]);
}

#[tokio::test]
async fn replayed_letters_of_an_ordered_subscription_go_to_the_shard_of_their_key() {
    let world = World::new("").await;
    let subscription = world.ordered("g", "orders", 4);
    let mut consumer = with_dead_letters(&world, &subscription, 6).await;
    world.publish_keyed("orders", "k0", "next").await;
    let live = next(&mut consumer).await;
    let shard = live.shard();
    live.ack();
    assert_eq!(world.broker.admin().replay(&subscription, &filter(Some("k0"), None)).await.unwrap(), 3);
    for expected in ["0", "2", "4"] {
        let delivery = next(&mut consumer).await;
        assert_eq!((body(&delivery).as_str(), delivery.shard()), (expected, shard));
        delivery.ack();
    }
}

#[tokio::test]
async fn purged_letters_are_gone_and_the_others_stay() {
    let world = World::new("").await;
    let subscription = world.subscription("g", "orders");
    let _consumer = with_dead_letters(&world, &subscription, 6).await;
    assert_eq!(world.broker.admin().purge(&subscription, &filter(Some("k1"), Some(2))).await.unwrap(), 2);
    assert_eq!(bodies(&world, &subscription).await, ["0", "2", "4", "5"]);
    assert_eq!(world.broker.admin().purge(&subscription, &DeadLetterFilter::default()).await.unwrap(), 4);
    assert!(bodies(&world, &subscription).await.is_empty());
}

#[tokio::test]
async fn the_plan_says_what_would_be_made_and_makes_nothing() {
    let world = World::new("").await;
    let (there, missing) = (world.subscription("there", "orders"), world.ordered("missing", "orders", 2));
    let _consumer = world.subscribe(&there).await;
    let subscriptions = [Arc::new(there.clone()), Arc::new(missing.clone())];
    for _ in 0..2 {
        let plan = world.broker.admin().plan(&subscriptions).await.unwrap();
        let steps = |step| plan.iter().filter(|item| item.step == step).map(|item| item.name.clone()).collect::<Vec<_>>();
        let (there, missing) = (there.name(), missing.name());
        assert_eq!(steps(PlanStep::Keep), [world.id.clone(), there.clone(), format!("{there}.dlq")]);
        let created = ["unkeyed-of-2", "shards", "shard-0", "shard-1", "dlq"].map(|suffix| format!("{missing}.{suffix}"));
        assert_eq!(steps(PlanStep::Create), created);
    }
}

#[tokio::test]
async fn the_plan_names_what_differs() {
    let world = World::new("").await;
    let subscription = world.subscription("g", "orders");
    let _consumer = world.subscribe(&subscription).await;
    let url = comms::testing::servers::RabbitMq::shared().await.url();
    let classic = connect(&format!("{url}?queue=classic&exchange={}", world.id)).await.unwrap();
    let plan = classic.admin().plan(&[Arc::new(subscription.clone())]).await.unwrap();
    let changed = plan.iter().find(|item| item.step == PlanStep::Change).unwrap();
    assert_eq!((changed.kind.as_str(), changed.name.clone()), ("queue", subscription.name()));
    assert!(changed.detail.contains("x-"), "{changed:?}");
}

async fn lag(world: &World, subscription: &Subscription) -> Lag {
    world.broker.admin().lag(subscription).await.unwrap()
}

#[tokio::test]
async fn what_is_applied_takes_messages_before_any_member_comes() {
    let world = World::new("").await;
    let (plain, sorted) = (world.subscription("plain", "orders"), world.ordered("sorted", "orders", 2));
    let subscriptions = [Arc::new(plain.clone()), Arc::new(sorted.clone())];
    let admin = world.broker.admin();
    assert_eq!(world.publish("orders", "nobody's").await, Reach::Unrouted);
    let planned = admin.plan(&subscriptions).await.unwrap();
    let made = admin.apply(&subscriptions).await.unwrap();
    assert_eq!(made, planned.into_iter().filter(|item| item.step == PlanStep::Create).collect::<Vec<_>>());
    assert!(made.len() >= 7, "{made:?}");
    assert_eq!(admin.apply(&subscriptions).await.unwrap(), []);
    world.publish_keyed("orders", "k", "early").await;
    for subscription in [&plain, &sorted] {
        assert_eq!(take(&mut world.subscribe(subscription).await, 1).await, ["early"]);
    }
}

#[tokio::test]
async fn what_differs_is_named_and_nothing_is_made() {
    let world = World::new("").await;
    let subscription = world.subscription("g", "orders");
    let _consumer = world.subscribe(&subscription).await;
    let url = comms::testing::servers::RabbitMq::shared().await.url();
    let classic = connect(&format!("{url}?queue=classic&exchange={}", world.id)).await.unwrap();
    let other = world.subscription("new", "orders");
    let error = classic.admin().apply(&[Arc::new(other.clone()), Arc::new(subscription.clone())]).await.unwrap_err();
    assert_eq!(error.kind(), BrokerErrorKind::Topology);
    assert!(error.to_string().contains(&subscription.name()) && error.to_string().contains("x-"), "{error}");
    let error = world.broker.admin().lag(&other).await.unwrap_err();
    assert_eq!(error.kind(), BrokerErrorKind::Topology);
    assert!(error.to_string().contains(&other.name()) && error.to_string().contains("no queue"), "{error}");
}

#[tokio::test]
async fn the_lag_counts_what_waits_what_is_in_hand_and_what_is_delayed() {
    let world = World::new("ladder=1s,1h").await;
    let mut subscription = world.subscription("g", "orders");
    subscription.concurrency = 1;
    let mut consumer = world.subscribe(&subscription).await;
    assert_eq!(lag(&world, &subscription).await, Lag::none());
    for n in 0..5 {
        world.publish("orders", &n.to_string()).await;
    }
    let (one, two) = (next(&mut consumer).await, next(&mut consumer).await);
    let seen = async |waiting, unsettled, delayed| {
        let expected = (waiting, unsettled, delayed);
        until(&format!("{expected:?}"), async || {
            let lag = lag(&world, &subscription).await;
            (lag.waiting, lag.unsettled, lag.delayed) == expected && lag.total() == waiting + unsettled + delayed
        })
        .await;
    };
    seen(3, 2, 0).await;
    let again = Arc::clone(one.envelope());
    one.retry(again, Duration::from_secs(1800)).await.unwrap();
    let three = next(&mut consumer).await;
    seen(2, 2, 1).await;
    two.ack();
    three.ack();
    assert_eq!(take(&mut consumer, 2).await, ["3", "4"]);
    seen(0, 0, 1).await;
    // Another process sees the queues and the ladder.
    let url = comms::testing::servers::RabbitMq::shared().await.url();
    let other = connect(&format!("{url}?ladder=1s,1h&exchange={}", world.id)).await.unwrap();
    assert_eq!(other.admin().lag(&subscription).await.unwrap().delayed, 1);
}

#[tokio::test]
async fn the_lag_of_an_ordered_group_is_told_shard_by_shard() {
    let world = World::new("").await;
    let subscription = world.ordered("g", "orders", 4);
    drop(world.subscribe(&subscription).await);
    for n in 0..3 {
        world.publish_keyed("orders", "k", &n.to_string()).await;
    }
    until("all wait in one shard", async || {
        let lag = lag(&world, &subscription).await;
        let parts: Vec<_> = lag.parts.iter().map(|part| part.part.as_str()).collect();
        assert_eq!(parts, ["shard 0", "shard 1", "shard 2", "shard 3"]);
        let mut waiting: Vec<_> = lag.parts.iter().map(|part| part.waiting).collect();
        waiting.sort_unstable();
        lag.waiting == 3 && waiting == [0, 0, 0, 3]
    })
    .await;
}

#[tokio::test]
async fn a_group_can_not_be_moved() {
    let world = World::new("").await;
    let subscription = world.subscription("g", "orders");
    let _consumer = world.subscribe(&subscription).await;
    let error = world.broker.admin().seek(&subscription, &Position::Beginning).await.unwrap_err();
    assert_eq!(error.kind(), BrokerErrorKind::Unsupported);
    assert!(error.to_string().contains("keeps nothing that was settled") && error.to_string().contains("the beginning"), "{error}");
}
