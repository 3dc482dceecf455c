//! Taking messages and settling them.

use std::collections::BTreeSet;
use std::sync::Arc;

use comms::broker::{DeadLetter, DeadLetterFilter, Delivery};

use super::retrying::again;
use crate::world::{provenance, text, texts};
use crate::{Backend, World};

/// A crash of a member repeats its work and drops none of it.
pub async fn what_a_member_held_when_it_went_comes_again_and_is_counted<B: Backend>() {
    let world = World::new::<B>().await;
    let subscription = world.subscription("orders", "billing");
    let other = world.connect().await;
    let mut member = world.join_by(&other, &subscription).await;
    world.publish_texts("orders", &["1", "2", "3"]).await;
    let mut held = member.take(3).await;
    held.remove(1).ack();
    drop(member);
    other.close().await;
    let mut next = world.join(&subscription).await;
    let again = next.take(2).await;
    assert_eq!(texts(&again), ["1", "3"]);
    assert!(again.iter().all(|delivery| delivery.attempt() == 2), "{:?}", again.iter().map(Delivery::attempt).collect::<Vec<_>>());
    again.into_iter().for_each(Delivery::ack);
    drop(held);
    next.nothing().await;
}

/// It was not handled, and comes to the same member when there is no other.
pub async fn a_released_message_comes_again<B: Backend>() {
    let world = World::new::<B>().await;
    let mut member = world.join(&world.subscription("orders", "billing")).await;
    world.publish_texts("orders", &["1"]).await;
    for _ in 0..3 {
        member.next().await.release();
    }
    assert_eq!(member.handle(1).await, ["1"]);
    member.nothing().await;
}

/// A handler that is cancelled loses nothing.
pub async fn a_dropped_delivery_is_released<B: Backend>() {
    let world = World::new::<B>().await;
    let mut member = world.join(&world.subscription("orders", "billing")).await;
    world.publish_texts("orders", &["1"]).await;
    drop(member.next().await);
    assert_eq!(member.handle(1).await, ["1"]);
}

/// Also when the one that released it takes nothing more.
pub async fn a_released_message_goes_to_any_member<B: Backend>() {
    let world = World::new::<B>().await;
    let mut subscription = world.subscription("orders", "billing");
    subscription.concurrency = 1;
    let mut busy = world.join(&subscription).await;
    world.publish_texts("orders", &["1", "2"]).await;
    let mut held = busy.take(2).await;
    let other = world.connect().await;
    let mut free = world.join_by(&other, &subscription).await;
    free.nothing().await;
    held.remove(0).release();
    // Whichever has room gets it: both have.
    let got = tokio::select! {
        delivery = free.next() => delivery,
        delivery = busy.next() => delivery,
    };
    assert_eq!(text(&got), "1");
    got.ack();
}

/// Memory is bounded by concurrency, however much waits; each settled message makes room for one.
pub async fn no_more_than_prefetch_is_unsettled<B: Backend>() {
    let world = World::new::<B>().await;
    let mut subscription = world.subscription("orders", "billing");
    subscription.concurrency = 3;
    let mut member = world.join(&subscription).await;
    let sent: Vec<String> = (0..20).map(|n| format!("{n:02}")).collect();
    for text in &sent {
        world.publish(world.message("orders", text)).await;
    }
    let mut held = member.take(subscription.prefetch()).await;
    member.nothing().await;
    let mut seen: BTreeSet<String> = held.iter().map(text).collect();
    while let Some(delivery) = held.pop() {
        delivery.ack();
        if seen.len() < sent.len() {
            let next = member.next().await;
            seen.insert(text(&next));
            held.insert(0, next);
        }
    }
    assert_eq!(seen.into_iter().collect::<Vec<_>>(), sent);
}

/// Acknowledgements may go out over the contiguous prefix only; what was not settled comes again after a crash.
pub async fn acknowledging_out_of_order_loses_nothing<B: Backend>() {
    let world = World::new::<B>().await;
    let subscription = world.subscription("orders", "billing");
    let other = world.connect().await;
    let mut member = world.join_by(&other, &subscription).await;
    let sent: Vec<String> = (0..10).map(|n| n.to_string()).collect();
    for text in &sent {
        world.publish(world.message("orders", text)).await;
    }
    let (unsettled, done): (Vec<_>, Vec<_>) =
        member.take(10).await.into_iter().partition(|delivery| ["2", "7"].contains(&&*text(delivery)));
    done.into_iter().rev().for_each(Delivery::ack);
    drop(member);
    other.close().await;
    let mut next = world.join(&subscription).await;
    let mut again = BTreeSet::new();
    while !(again.contains("2") && again.contains("7")) {
        again.extend(next.handle(1).await);
    }
    next.nothing().await;
    drop(unsettled);
}

/// A clean shutdown repeats nothing.
pub async fn closing_writes_out_the_acknowledgements<B: Backend>() {
    let world = World::new::<B>().await;
    let subscription = world.subscription("orders", "billing");
    let other = world.connect().await;
    let mut member = world.join_by(&other, &subscription).await;
    for n in 0..50 {
        world.publish(world.message("orders", &n.to_string())).await;
    }
    let mut held: Vec<Delivery> = member.take(32).await;
    // Not in their order, and the last one just before the close.
    held.rotate_left(7);
    held.into_iter().for_each(Delivery::ack);
    member.handle(18).await;
    other.close().await;
    drop(member);
    let mut next = world.join(&subscription).await;
    next.nothing().await;
    world.publish_texts("orders", &["after"]).await;
    assert_eq!(next.handle(1).await, ["after"]);
}

/// The message is another member's by then.
pub async fn settling_after_the_member_went_does_nothing<B: Backend>() {
    let world = World::new::<B>().await;
    let subscription = world.subscription("orders", "billing");
    let (first, second) = (world.connect().await, world.connect().await);
    let mut member = world.join_by(&first, &subscription).await;
    world.publish_texts("orders", &["1"]).await;
    let old = member.next().await;
    drop(member);
    first.close().await;
    let mut next = world.join_by(&second, &subscription).await;
    let again = next.next().await;
    old.ack();
    drop(next);
    second.close().await;
    let mut third = world.join(&subscription).await;
    assert_eq!(third.handle(1).await, ["1"]);
    again.release();
    third.nothing().await;
}

/// However often: it is the message that was published, to the last attribute.
pub async fn a_message_that_is_released_again_and_again_stays_as_it_was<B: Backend>() {
    let world = World::new::<B>().await;
    let mut member = world.join(&world.subscription("orders", "billing")).await;
    let mut message = world.keyed("orders", "Schlüssel", "");
    message.payload = bytes::Bytes::from_iter(0..=255_u8);
    message.metadata.version = 7;
    message.metadata.attempt = 3;
    message.metadata.extensions.extend([("tenant", "bläu 🦋"), ("empty", "")].map(|(name, value)| (name.into(), value.into())));
    world.publish(message.clone()).await;
    for round in 0..25 {
        let delivery = member.next().await;
        assert_eq!(**delivery.envelope(), message, "after {round} releases");
        delivery.release();
    }
    let delivery = member.next().await;
    assert_eq!(**delivery.envelope(), message);
    delivery.ack();
    member.nothing().await;
}

/// Neither by `ack` nor by another way: what a connection held when it was closed is the group's again, all of it and once.
pub async fn settling_after_close_does_nothing<B: Backend>() {
    let world = World::new::<B>().await;
    let subscription = world.subscription("orders", "billing");
    let other = world.connect().await;
    let mut member = world.join_by(&other, &subscription).await;
    let sent = ["acked", "released", "retried", "dead-lettered"];
    world.publish_texts("orders", &sent).await;
    let mut held = member.take(sent.len()).await;
    other.close().await;
    let (dead, retried) = (held.remove(3), held.remove(2));
    let letter = DeadLetter::new(Arc::clone(dead.envelope()), provenance(&dead));
    // Whether that is an error is not the point: the messages are not this connection's any more.
    let _ = dead.dead_letter(letter).await;
    let envelope = again(&retried);
    let _ = retried.retry(envelope, world.backend.delay().0).await;
    held.remove(1).release();
    held.remove(0).ack();
    drop(member);
    let mut next = world.join(&subscription).await;
    let mut handled = next.handle(sent.len()).await;
    handled.sort();
    assert_eq!(handled, ["acked", "dead-lettered", "released", "retried"]);
    next.nothing_for(world.backend.silence() + world.backend.delay().0).await;
    assert!(world.dead_letters(&subscription, &DeadLetterFilter::default()).await.is_empty());
}
