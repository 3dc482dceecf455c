//! How far a group is behind, as an operator sees it.

use std::sync::Arc;
use std::time::Duration;

use comms::broker::{DeadLetter, Delivery, Subscription};

use crate::world::{provenance, publish};
use crate::{Backend, World};

/// What members hold counts as well, by itself or as part of what waits.
pub async fn lag_counts_what_waits_and_what_is_unsettled<B: Backend>() {
    let world = World::new::<B>().await;
    let mut subscription = world.subscription("orders", "billing");
    subscription.concurrency = 1;
    let mut member = world.join(&subscription).await;
    world.nothing_behind(&subscription).await;
    world.publish_texts("orders", &["1", "2", "3", "4", "5"]).await;
    let held = member.take(2).await;
    if world.backend.tells_what_members_hold() {
        world.lag_where(&subscription, "5 behind, 2 of them held by a member", |lag| lag.total() == 5 && lag.delayed == 0).await;
    } else {
        world.lag_where(&subscription, "3 waiting", |lag| (lag.waiting, lag.unsettled, lag.delayed) == (3, 0, 0)).await;
    }
    drop(held);
}

/// However each message is settled.
pub async fn lag_goes_back_to_nothing_when_all_is_settled<B: Backend>() {
    let world = World::new::<B>().await;
    for subscription in [world.subscription("orders", "billing"), world.ordered("orders", "sorted", 4)] {
        let mut member = world.join(&subscription).await;
        for key in ["a", "b", "c", "d"] {
            world.publish(world.keyed("orders", key, key)).await;
        }
        member.handle(3).await;
        world.lag_where(&subscription, "1 behind", |lag| lag.total() <= 1 && lag.delayed == 0).await;
        let last = member.next().await;
        let letter = DeadLetter::new(Arc::clone(last.envelope()), provenance(&last));
        last.dead_letter(letter).await.expect("the letter is safe");
        world.nothing_behind(&subscription).await;
        drop(member);
        world.nothing_behind(&subscription).await;
    }
}

/// It waits outside of the queue, and is not forgotten.
pub async fn lag_counts_what_waits_for_its_next_attempt<B: Backend>() {
    let world = World::new::<B>().await;
    let subscription = world.subscription("orders", "billing");
    let mut member = world.join(&subscription).await;
    world.publish_texts("orders", &["1"]).await;
    let delivery = member.next().await;
    let (delay, _) = world.backend.delay();
    retry(delivery, delay).await;
    // Delayed or due by now, whichever is looked at.
    world.lag_where(&subscription, "1 behind", |lag| lag.total() == 1).await;
    assert_eq!(member.handle(1).await, ["1"]);
    world.nothing_behind(&subscription).await;

    world.publish_texts("orders", &["2", "3"]).await;
    let delivery = member.next().await;
    retry(delivery, Duration::from_secs(10)).await;
    assert_eq!(member.handle(1).await, ["3"]);
    world.lag_where(&subscription, "1 delayed and nothing else", |lag| (lag.waiting, lag.unsettled, lag.delayed) == (0, 0, 1)).await;
}

async fn retry(delivery: Delivery, delay: Duration) {
    let mut again = (**delivery.envelope()).clone();
    again.metadata.attempt += 1;
    delivery.retry(Arc::new(again), delay).await.expect("kept for later");
}

/// Which shard or partition it is that is behind.
pub async fn lag_by_part_adds_up_to_the_whole<B: Backend>() {
    let world = World::new::<B>().await;
    let subscription = world.ordered("orders", "sorted", 4);
    drop(world.join(&subscription).await);
    for n in 0..12 {
        world.publish(world.keyed("orders", &format!("k{n}"), "m")).await;
    }
    let lag = world.lag_where(&subscription, "12 waiting", |lag| lag.waiting == 12).await;
    assert!(!lag.parts.is_empty(), "an ordered subscription has parts: {lag:?}");
    assert_eq!(lag.parts.iter().map(|part| part.waiting).sum::<u64>(), 12, "{lag:?}");
    let mut names: Vec<&str> = lag.parts.iter().map(|part| part.part.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), lag.parts.len(), "each part is named once: {lag:?}");
}

/// One service that is slow does not make another one look so.
pub async fn lag_belongs_to_one_group<B: Backend>() {
    let world = World::new::<B>().await;
    let (billing, audit) = (world.subscription("orders", "billing"), world.subscription("orders", "audit"));
    drop(world.join(&billing).await);
    let mut member = world.join(&audit).await;
    world.publish_texts("orders", &["1", "2", "3"]).await;
    member.handle(3).await;
    world.lag_where(&billing, "3 waiting", |lag| (lag.waiting, lag.unsettled, lag.delayed) == (3, 0, 0)).await;
    world.nothing_behind(&audit).await;
}

/// All topics of it together.
pub async fn lag_of_a_pattern_counts_every_topic_that_matches<B: Backend>() {
    let world = World::new::<B>().await;
    let subscription = world.subscription("shop.*", "billing");
    let other = world.connect().await;
    for topic in ["shop.orders", "shop.returns"] {
        // A topic that exists before the group does is part of the pattern at once, on every broker.
        publish(&*other, world.message(topic, "before")).await.expect("confirmed");
    }
    drop(world.join(&subscription).await);
    for topic in ["shop.orders", "shop.returns", "shop"] {
        publish(&*other, world.message(topic, "m")).await.expect("confirmed");
    }
    world.lag_where(&subscription, "2 waiting", |lag| lag.waiting == 2).await;
    let mut member = world.join(&subscription).await;
    member.handle(2).await;
    world.nothing_behind(&subscription).await;
}

/// A typing error must not look like a group that keeps up.
pub async fn lag_of_a_group_that_does_not_exist_is_an_error_that_names_it<B: Backend>() {
    let world = World::new::<B>().await;
    let unknown: Subscription = world.subscription("orders", "biling");
    drop(world.join(&world.subscription("orders", "billing")).await);
    let error = world.broker.admin().lag(&unknown).await.expect_err("there is no such group");
    assert!(error.to_string().contains(&unknown.group), "{error}");
    // And asking has not made it.
    assert!(world.broker.admin().lag(&unknown).await.is_err());
}
