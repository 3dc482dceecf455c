//! Topics, patterns, groups and their members.

use std::collections::BTreeSet;
use std::sync::Arc;

use comms::broker::{BrokerErrorKind, PlanItem, PlanStep, Reach, StartPosition, Subscription};

use crate::world::{assert_kind, publish, text};
use crate::{Backend, World};

/// `*` is one word, `#` any number, and a topic is no prefix of another.
pub async fn a_pattern_gets_every_topic_that_matches_and_no_other<B: Backend>() {
    let world = World::new::<B>().await;
    let mut literal = world.join(&world.subscription("shop", "literal")).await;
    let mut star = world.join(&world.subscription("shop.*.paid", "star")).await;
    let mut hash = world.join(&world.subscription("shop.#", "hash")).await;
    let topics = ["shop", "shop.orders", "shop.orders.paid", "shop.orders.eu.paid", "shopping", "shop.orders.open"];
    for topic in topics {
        world.publish(world.message(topic, topic)).await;
    }
    assert_eq!(literal.handle(1).await, ["shop"]);
    assert_eq!(star.handle(1).await, ["shop.orders.paid"]);
    assert_eq!(hash.handle(5).await, ["shop", "shop.orders", "shop.orders.paid", "shop.orders.eu.paid", "shop.orders.open"]);
    literal.nothing().await;
    star.nothing().await;
    hash.nothing().await;
}

/// Two services each handle everything.
pub async fn each_group_gets_every_message<B: Backend>() {
    let world = World::new::<B>().await;
    let mut billing = world.join(&world.subscription("orders", "billing")).await;
    let mut audit = world.join(&world.subscription("orders", "audit")).await;
    world.publish_texts("orders", &["1", "2", "3"]).await;
    assert_eq!(billing.handle(3).await, ["1", "2", "3"]);
    assert_eq!(audit.handle(3).await, ["1", "2", "3"]);
}

/// Each message goes to one of them, and both get some.
pub async fn members_of_a_group_share_the_messages<B: Backend>() {
    let world = World::new::<B>().await;
    let other = world.connect().await;
    let mut subscription = world.subscription("orders", "billing");
    subscription.concurrency = 2;
    let mut one = world.join(&subscription).await;
    let mut two = world.join_by(&other, &subscription).await;
    let sent: Vec<String> = (0..8).map(|n| n.to_string()).collect();
    for text in &sent {
        world.publish(world.message("orders", text)).await;
    }
    // Each may hold four: neither can have them all.
    let (first, second) = tokio::join!(one.take(4), two.take(4));
    let got: BTreeSet<String> = first.iter().chain(&second).map(text).collect();
    assert_eq!(got, sent.into_iter().collect());
    first.into_iter().chain(second).for_each(comms::broker::Delivery::ack);
    one.nothing().await;
    two.nothing().await;
}

/// What was published before the group was declared is not for it.
pub async fn a_new_group_starts_with_what_is_new<B: Backend>() {
    let world = World::new::<B>().await;
    let mut old = world.join(&world.subscription("orders", "old")).await;
    world.publish_texts("orders", &["before"]).await;
    let mut new = world.join(&world.subscription("orders", "new")).await;
    world.publish_texts("orders", &["after"]).await;
    assert_eq!(new.handle(1).await, ["after"]);
    assert_eq!(old.handle(2).await, ["before", "after"]);
}

/// With the replayable capability; without it, asking for it is an error before anything is declared.
pub async fn a_new_group_starts_with_the_earliest_where_that_is_kept<B: Backend>() {
    let world = World::new::<B>().await;
    let mut earliest = world.subscription("orders", "late");
    earliest.from = StartPosition::Earliest;
    world.publish_texts("orders", &["1", "2"]).await;
    if !world.broker.capabilities().replayable {
        assert_kind(&world.refused(&earliest).await, BrokerErrorKind::Unsupported);
        return;
    }
    let mut late = world.join(&earliest).await;
    world.publish_texts("orders", &["3"]).await;
    assert_eq!(late.handle(3).await, ["1", "2", "3"]);
    drop(late);
    let mut again = world.join(&earliest).await;
    again.nothing().await;
}

/// Messages wait for the next member.
pub async fn a_group_outlives_its_members<B: Backend>() {
    let world = World::new::<B>().await;
    let subscription = world.subscription("orders", "billing");
    let other = world.connect().await;
    let mut member = world.join_by(&other, &subscription).await;
    world.publish_texts("orders", &["1"]).await;
    assert_eq!(member.handle(1).await, ["1"]);
    drop(member);
    other.close().await;
    world.publish_texts("orders", &["2", "3"]).await;
    assert_eq!(world.join(&subscription).await.handle(2).await, ["2", "3"]);
}

/// Each instance of a service declares what it needs.
pub async fn declaring_again_changes_nothing<B: Backend>() {
    let world = World::new::<B>().await;
    for subscription in [world.subscription("orders", "billing"), world.ordered("orders", "sorted", 4)] {
        let first = world.join(&subscription).await;
        drop(first);
        world.publish_texts("orders", &["kept"]).await;
        let mut more = subscription.clone();
        more.concurrency *= 2;
        let mut second = world.join(&more).await;
        assert_eq!(second.handle(1).await, ["kept"]);
    }
}

/// It can't be changed in place, and the error names the subscription.
pub async fn declaring_another_order_is_a_topology_error<B: Backend>() {
    let world = World::new::<B>().await;
    let four = world.ordered("orders", "billing", 4);
    let _member = world.join(&four).await;
    let error = world.refused(&world.ordered("orders", "billing", 8)).await;
    assert_kind(&error, BrokerErrorKind::Topology);
    assert!(error.to_string().contains(&four.group), "{error}");
}

/// It tells what declaring would do, without doing it.
pub async fn a_plan_says_create_then_keep_and_does_nothing<B: Backend>() {
    let world = World::new::<B>().await;
    let subscriptions = [Arc::new(world.subscription("orders", "billing")), Arc::new(world.ordered("orders", "sorted", 4))];
    let steps = async |subscription: &Arc<Subscription>| {
        let items = world.broker.admin().plan(&subscriptions).await.expect("a plan");
        let own: Vec<PlanItem> = items.into_iter().filter(|item| item.name.contains(&subscription.group)).collect();
        assert!(!own.is_empty(), "the plan says nothing of `{}`", subscription.group);
        own
    };
    for _ in 0..2 {
        for subscription in &subscriptions {
            let items = steps(subscription).await;
            assert!(items.iter().all(|item| item.step == PlanStep::Create), "{items:?}");
        }
    }
    for subscription in &subscriptions {
        drop(world.join(subscription).await);
    }
    for subscription in &subscriptions {
        let items = steps(subscription).await;
        assert!(items.iter().all(|item| item.step == PlanStep::Keep), "{items:?}");
    }
}

/// Nothing is kept for it.
pub async fn an_ephemeral_group_ends_with_its_consumer<B: Backend>() {
    let world = World::new::<B>().await;
    let mut replies = world.subscription("replies", "me");
    replies.ephemeral = true;
    let mut member = world.join(&replies).await;
    world.publish_texts("replies", &["1"]).await;
    assert_eq!(member.handle(1).await, ["1"]);
    world.publish_texts("replies", &["unread"]).await;
    drop(member);
    if world.broker.capabilities().reports_unrouted {
        let gone = async {
            while world.publish(world.message("replies", "nobody")).await.reach != Reach::Unrouted {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(world.backend.patience(), gone).await.expect("the group ends with its consumer");
    }
    let mut again = world.join(&replies).await;
    world.publish_texts("replies", &["2"]).await;
    assert_eq!(again.handle(1).await, ["2"]);
}

/// A subscription never ends quietly.
pub async fn a_consumer_waits_and_ends_only_when_the_broker_is_closed<B: Backend>() {
    let world = World::new::<B>().await;
    let other = world.connect().await;
    let mut member = world.join_by(&other, &world.subscription("orders", "billing")).await;
    let mut bystander = world.join(&world.subscription("orders", "audit")).await;
    member.nothing().await;
    let ends = tokio::spawn(async move { member.ended().await });
    other.close().await;
    ends.await.expect("it ended");
    bystander.nothing().await;
    world.publish_texts("orders", &["1"]).await;
    assert_eq!(bystander.handle(1).await, ["1"]);
}

/// The connection object is of no more use.
pub async fn subscribing_after_close_is_closed<B: Backend>() {
    let world = World::new::<B>().await;
    world.broker.close().await;
    assert_kind(&world.refused(&world.subscription("orders", "billing")).await, BrokerErrorKind::Closed);
}

/// A pattern is an interest in topics to come too, and the group keeps what they bring.
pub async fn a_pattern_keeps_a_new_topic_for_a_group_without_members<B: Backend>() {
    let world = World::new::<B>().await;
    let subscription = world.subscription("shop.#", "billing");
    let other = world.connect().await;
    let mut member = world.join_by(&other, &subscription).await;
    world.publish_texts("shop.orders", &["known"]).await;
    assert_eq!(member.handle(1).await, ["known"]);
    drop(member);
    other.close().await;
    world.publish_texts("shop.returns", &["first", "second"]).await;
    let mut next = world.join(&subscription).await;
    assert_eq!(next.handle(2).await, ["first", "second"]);
    // And what comes to be while a member is there, from another connection.
    let publisher = world.connect().await;
    publish(&*publisher, world.message("shop.refunds.eu", "third")).await.expect("confirmed");
    assert_eq!(next.handle(1).await, ["third"]);
    next.nothing().await;
}
