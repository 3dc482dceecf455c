//! Dead letters and the plan.

use std::sync::Arc;

use comms::broker::{Broker, Consumer, DeadLetterFilter, PlanStep, REPLAYED, Subscription};

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
