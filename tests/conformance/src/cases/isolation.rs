//! What one member or group does is no matter to the others; nobody takes more than its share.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use comms::broker::{DeadLetter, DeadLetterFilter, Delivery, Subscription};

use crate::world::{provenance, text, texts};
use crate::{Backend, World};

fn numbers(range: std::ops::Range<usize>) -> Vec<String> {
    range.map(|n| format!("{n:03}")).collect()
}

async fn publish_numbers(world: &World, topic: &str, range: std::ops::Range<usize>) {
    for text in numbers(range) {
        world.publish(world.message(topic, &text)).await;
    }
}

/// It holds what it may hold and settles nothing; its messages wait for it.
pub async fn a_group_that_is_slow_holds_up_no_other<B: Backend>() {
    let world = World::new::<B>().await;
    let mut slow = world.subscription("orders", "slow");
    slow.concurrency = 1;
    let mut fast = world.join(&world.subscription("orders", "fast")).await;
    let mut slow = world.join(&slow).await;
    publish_numbers(&world, "orders", 0..2).await;
    let held = slow.take(2).await;
    publish_numbers(&world, "orders", 2..100).await;
    let mut handled = fast.handle(100).await;
    handled.sort();
    assert_eq!(handled, numbers(0..100));
    slow.nothing().await;
    handled = texts(&held);
    held.into_iter().for_each(Delivery::ack);
    handled.extend(slow.handle(98).await);
    handled.sort();
    assert_eq!(handled, numbers(0..100));
    slow.nothing().await;
}

/// However long, and whatever else the group gets meanwhile.
pub async fn what_is_in_hand_is_given_to_no_other_member<B: Backend>() {
    let world = World::new::<B>().await;
    let mut subscription = world.subscription("orders", "billing");
    subscription.concurrency = 2;
    let other = world.connect().await;
    let mut one = world.join(&subscription).await;
    let mut two = world.join_by(&other, &subscription).await;
    publish_numbers(&world, "orders", 0..8).await;
    // Each may hold four, so both are at work.
    let (mut first, second) = tokio::join!(one.take(4), two.take(4));
    let in_hand = first.remove(0);
    first.into_iter().chain(second).for_each(Delivery::ack);
    let mut seen = BTreeSet::new();
    publish_numbers(&world, "orders", 8..100).await;
    while seen.len() < 92 {
        let delivery = tokio::select! {
            delivery = one.next() => delivery,
            delivery = two.next() => delivery,
        };
        assert!(seen.insert(text(&delivery)), "{} came twice", text(&delivery));
        delivery.ack();
    }
    assert_eq!(seen.into_iter().collect::<Vec<_>>(), numbers(8..100));
    one.nothing().await;
    two.nothing().await;
    // Nor is it lost: it comes again if it is given back.
    let text_in_hand = text(&in_hand);
    in_hand.release();
    let again = tokio::select! {
        delivery = one.next() => delivery,
        delivery = two.next() => delivery,
    };
    assert_eq!(text(&again), text_in_hand);
    again.ack();
    one.nothing().await;
    two.nothing().await;
}

/// What it had not settled comes again to the next; the connection and its other subscriptions go on.
pub async fn a_member_that_goes_leaves_the_others_of_its_connection_alone<B: Backend>() {
    let world = World::new::<B>().await;
    let billing = world.subscription("orders", "billing");
    let mut going = world.join(&billing).await;
    let mut staying = world.join(&world.subscription("orders", "audit")).await;
    world.publish_texts("orders", &["1", "2", "3"]).await;
    let held = going.take(3).await;
    let kept = staying.take(3).await;
    drop(going);
    drop(held);
    world.publish_texts("orders", &["4"]).await;
    assert_eq!(staying.handle(1).await, ["4"]);
    assert_eq!(texts(&kept), ["1", "2", "3"]);
    kept.into_iter().for_each(Delivery::ack);
    let mut next = world.join(&billing).await;
    let mut handled = next.handle(4).await;
    handled.sort();
    assert_eq!(handled, ["1", "2", "3", "4"]);
    next.nothing().await;
    staying.nothing().await;
}

/// Settled work makes room again, one for one.
async fn takes_no_more_than_prefetch(world: &World, subscription: &Subscription, sent: BTreeSet<String>) {
    let mut member = world.join(subscription).await;
    let mut held = member.take(subscription.prefetch()).await;
    member.nothing().await;
    let mut seen: BTreeSet<String> = held.iter().map(text).collect();
    while seen.len() < sent.len() {
        held.remove(0).ack();
        let next = member.next().await;
        assert!(seen.insert(text(&next)), "{} came twice", text(&next));
        held.push(next);
    }
    assert_eq!(seen, sent);
    held.into_iter().for_each(Delivery::ack);
    member.nothing().await;
}

/// Over all of its topics.
pub async fn a_member_of_a_pattern_holds_no_more_than_its_prefetch<B: Backend>() {
    let world = World::new::<B>().await;
    let mut subscription = world.subscription("shop.*", "billing");
    subscription.concurrency = 2;
    drop(world.join(&subscription).await);
    let mut sent = BTreeSet::new();
    for round in 0..3 {
        for topic in 0..6 {
            let text = format!("{topic}:{round}");
            world.publish(world.message(&format!("shop.t{topic}"), &text)).await;
            sent.insert(text);
        }
    }
    takes_no_more_than_prefetch(&world, &subscription, sent).await;
}

/// Over all of its shards.
pub async fn an_ordered_member_holds_no_more_than_its_prefetch<B: Backend>() {
    let world = World::new::<B>().await;
    let mut subscription = world.ordered("orders", "billing", 8);
    subscription.concurrency = 2;
    drop(world.join(&subscription).await);
    let mut sent = BTreeSet::new();
    for round in 0..3 {
        for key in 0..12 {
            let text = format!("{key:02}:{round}");
            world.publish(world.keyed("orders", &format!("k{key}"), &text)).await;
            sent.insert(text);
        }
    }
    takes_no_more_than_prefetch(&world, &subscription, sent).await;
}

/// Whether they are ordered too or not: it is one group that tries again.
pub async fn a_replay_in_an_ordered_subscription_reaches_no_other_group<B: Backend>() {
    let world = World::new::<B>().await;
    let given_up = world.ordered("orders", "sorted", 4);
    let mut sorted = world.join(&given_up).await;
    let mut others = Vec::new();
    for other in [world.ordered("orders", "also-sorted", 4), world.subscription("orders", "unsorted"), world.subscription("#", "all")] {
        others.push(world.join(&other).await);
    }
    let keys = ["a", "b", "c"];
    let mut handled = BTreeMap::<String, Vec<String>>::new();
    for round in ["1", "2"] {
        for key in keys {
            world.publish(world.keyed("orders", key, round)).await;
            let delivery = sorted.next().await;
            let letter = DeadLetter::new(Arc::clone(delivery.envelope()), provenance(&delivery));
            delivery.dead_letter(letter).await.expect("the letter is safe");
        }
    }
    for other in &mut others {
        other.handle(6).await;
    }
    assert_eq!(world.broker.admin().replay(&given_up, &DeadLetterFilter::default()).await.expect("replayed"), 6);
    for _ in 0..6 {
        let delivery = sorted.next().await;
        handled.entry(delivery.envelope().metadata.key.as_deref().unwrap_or_default().to_owned()).or_default().push(text(&delivery));
        delivery.ack();
    }
    assert_eq!(handled, keys.map(|key| (key.to_owned(), vec!["1".to_owned(), "2".to_owned()])).into());
    for other in &mut others {
        other.nothing().await;
    }
    sorted.nothing().await;
}
