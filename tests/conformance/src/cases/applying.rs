//! Declaring what a service needs before it ever runs.

use std::sync::Arc;

use comms::broker::{BrokerErrorKind, PlanItem, PlanStep, Subscription};

use crate::world::assert_kind;
use crate::{Backend, World};

async fn apply(world: &World, subscriptions: &[Subscription]) -> Vec<PlanItem> {
    world.broker.admin().apply(&shared(subscriptions)).await.expect("applied")
}

/// What of the subscriptions the plan would make.
async fn missing(world: &World, subscriptions: &[Subscription]) -> Vec<PlanItem> {
    let items = world.broker.admin().plan(&shared(subscriptions)).await.expect("a plan");
    items.into_iter().filter(|item| item.step == PlanStep::Create).collect()
}

fn shared(subscriptions: &[Subscription]) -> Vec<Arc<Subscription>> {
    subscriptions.iter().cloned().map(Arc::new).collect()
}

/// A service that starts late misses nothing.
pub async fn what_is_published_after_applying_reaches_the_group_when_it_first_starts<B: Backend>() {
    let world = World::new::<B>().await;
    let subscriptions =
        [world.subscription("orders", "billing"), world.ordered("orders", "sorted", 4), world.subscription("shop.#", "all")];
    world.publish_texts("orders", &["before"]).await;
    let made = apply(&world, &subscriptions).await;
    assert!(!made.is_empty() && made.iter().all(|item| item.step == PlanStep::Create), "{made:?}");
    assert_eq!(missing(&world, &subscriptions).await, [], "the plan is carried out");
    world.publish(world.keyed("orders", "k", "1")).await;
    world.publish(world.keyed("orders", "k", "2")).await;
    world.publish_texts("shop.orders", &["3"]).await;
    for subscription in &subscriptions[..2] {
        world.lag_where(subscription, "2 waiting", |lag| lag.waiting == 2).await;
        let mut member = world.join(subscription).await;
        assert_eq!(member.handle(2).await, ["1", "2"]);
        member.nothing().await;
    }
    assert_eq!(world.join(&subscriptions[2]).await.handle(1).await, ["3"]);
}

/// It can be part of every deployment, while the service runs.
pub async fn applying_again_makes_nothing_and_takes_nothing<B: Backend>() {
    let world = World::new::<B>().await;
    let subscriptions = [world.subscription("orders", "billing"), world.ordered("orders", "sorted", 4)];
    let mut member = world.join(&subscriptions[0]).await;
    let made = apply(&world, &subscriptions).await;
    assert!(!made.is_empty(), "the second one was missing");
    world.publish_texts("orders", &["1"]).await;
    assert_eq!(apply(&world, &subscriptions).await, []);
    assert_eq!(member.handle(1).await, ["1"]);
    assert_eq!(world.join(&subscriptions[1]).await.handle(1).await, ["1"]);
    assert_eq!(apply(&world, &subscriptions).await, []);
}

/// Nothing is half done.
pub async fn applying_what_differs_is_refused_and_makes_nothing<B: Backend>() {
    let world = World::new::<B>().await;
    drop(world.join(&world.ordered("orders", "billing", 4)).await);
    let subscriptions = [world.subscription("returns", "new"), world.ordered("orders", "billing", 2), world.ordered("returns", "other", 2)];
    let error = world.broker.admin().apply(&shared(&subscriptions)).await.expect_err("the order differs");
    assert_kind(&error, BrokerErrorKind::Topology);
    assert!(error.to_string().contains(&subscriptions[1].group), "{error}");
    for subscription in [&subscriptions[0], &subscriptions[2]] {
        assert_ne!(missing(&world, std::slice::from_ref(subscription)).await, [], "`{}` was made", subscription.name());
    }
}

/// What others have declared is theirs.
pub async fn applying_leaves_orphans_alone<B: Backend>() {
    let world = World::new::<B>().await;
    let (old, new) = (world.subscription("orders", "old"), world.subscription("orders", "new"));
    drop(world.join(&old).await);
    world.publish_texts("orders", &["1"]).await;
    apply(&world, std::slice::from_ref(&new)).await;
    assert_eq!(world.join(&old).await.handle(1).await, ["1"]);
}

/// The connection object is of no more use.
pub async fn applying_after_close_is_closed<B: Backend>() {
    let world = World::new::<B>().await;
    world.broker.close().await;
    let error = world.broker.admin().apply(&shared(&[world.subscription("orders", "billing")])).await.expect_err("it is closed");
    assert_kind(&error, BrokerErrorKind::Closed);
}
