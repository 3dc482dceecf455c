//! Retries that leave the queue.

use std::sync::Arc;

use comms::broker::{BrokerErrorKind, Delivery};
use comms::message::Envelope;
use tokio::time::Instant;

use crate::world::{assert_kind, text};
use crate::{Backend, World};

/// The next attempt of a delivery's message.
pub(super) fn again(delivery: &Delivery) -> Arc<Envelope> {
    let mut again = (**delivery.envelope()).clone();
    again.metadata.attempt = delivery.attempt();
    Arc::new(again)
}

/// Whether the backend can hold messages back; when not, asserts that it says so.
async fn can_delay(world: &World) -> bool {
    let can = world.broker.capabilities().delayed;
    if !can {
        let mut member = world.join(&world.subscription("no-delays", "probe")).await;
        world.publish_texts("no-delays", &["1"]).await;
        let delivery = member.next().await;
        let envelope = again(&delivery);
        let error = delivery.retry(envelope, world.backend.delay().0).await.expect_err("it can't hold messages back");
        assert_kind(&error, BrokerErrorKind::Unsupported);
        assert_eq!(member.handle(1).await, ["1"], "what could not be retried is released");
    }
    can
}

/// Not before the delay, once, with the attempts counted; the original is gone.
pub async fn a_retried_message_comes_back_after_its_delay_with_its_attempt<B: Backend>() {
    let world = World::new::<B>().await;
    if !can_delay(&world).await {
        return;
    }
    let mut member = world.join(&world.subscription("orders", "billing")).await;
    let sent = world.keyed("orders", "ü", "payload");
    world.publish(sent.clone()).await;
    let (delay, tolerance) = world.backend.delay();
    let mut delivery = member.next().await;
    for attempt in 1..=3_u32 {
        let (envelope, asked) = (again(&delivery), Instant::now());
        delivery.retry(envelope, delay).await.expect("the retry is safe");
        delivery = member.next().await;
        let after = asked.elapsed();
        assert!(after >= delay && after <= delay + tolerance, "asked for {delay:?}, it came back after {after:?}");
        assert_eq!(delivery.attempt(), attempt + 1);
        let mut expected = sent.clone();
        expected.metadata.attempt = attempt;
        assert_eq!(**delivery.envelope(), expected, "but for the attempt it is the message that was published");
    }
    delivery.ack();
    member.nothing().await;
}

/// Others are handled meanwhile.
pub async fn a_retry_holds_no_slot_while_it_waits<B: Backend>() {
    let world = World::new::<B>().await;
    if !can_delay(&world).await {
        return;
    }
    let mut subscription = world.subscription("orders", "billing");
    subscription.concurrency = 1;
    let mut member = world.join(&subscription).await;
    world.publish_texts("orders", &["a", "b", "c", "d"]).await;
    let (delay, _) = world.backend.delay();
    for held in member.take(2).await {
        let envelope = again(&held);
        held.retry(envelope, delay).await.expect("the retry is safe");
    }
    assert_eq!(member.handle(2).await, ["c", "d"]);
    let mut back = member.handle(2).await;
    back.sort();
    assert_eq!(back, ["a", "b"]);
}

/// The others have handled it.
pub async fn only_the_group_that_retried_gets_the_message_again<B: Backend>() {
    let world = World::new::<B>().await;
    if !can_delay(&world).await {
        return;
    }
    let mut billing = world.join(&world.subscription("orders", "billing")).await;
    let mut audit = world.join(&world.subscription("orders", "audit")).await;
    world.publish_texts("orders", &["1"]).await;
    assert_eq!(audit.handle(1).await, ["1"]);
    let delivery = billing.next().await;
    let envelope = again(&delivery);
    delivery.retry(envelope, world.backend.delay().0).await.expect("the retry is safe");
    assert_eq!(billing.handle(1).await, ["1"]);
    audit.nothing().await;
    billing.nothing().await;
}

/// It is the broker's to bring back.
pub async fn a_retry_outlives_the_member_that_asked_for_it<B: Backend>() {
    let world = World::new::<B>().await;
    if !can_delay(&world).await {
        return;
    }
    let subscription = world.subscription("orders", "billing");
    let other = world.connect().await;
    let mut member = world.join_by(&other, &subscription).await;
    world.publish_texts("orders", &["1"]).await;
    let delivery = member.next().await;
    let envelope = again(&delivery);
    delivery.retry(envelope, world.backend.delay().0).await.expect("the retry is safe");
    drop(member);
    other.close().await;
    let mut next = world.join(&subscription).await;
    let back = next.next().await;
    assert_eq!((text(&back).as_str(), back.attempt()), ("1", 2));
    back.ack();
    next.nothing().await;
}

/// It may come twice then, but it comes.
pub async fn a_cancelled_retry_is_not_a_loss<B: Backend>() {
    let world = World::new::<B>().await;
    if !can_delay(&world).await {
        return;
    }
    let mut member = world.join(&world.subscription("orders", "billing")).await;
    world.publish_texts("orders", &["1"]).await;
    let delivery = member.next().await;
    let envelope = again(&delivery);
    drop(delivery.retry(envelope, world.backend.delay().0));
    assert_eq!(member.handle(1).await, ["1"]);
}

/// What the pipeline has written into it meanwhile, and not what was taken.
pub async fn a_retry_brings_back_what_it_was_given<B: Backend>() {
    let world = World::new::<B>().await;
    if !can_delay(&world).await {
        return;
    }
    let mut member = world.join(&world.subscription("orders", "billing")).await;
    let mut message = world.keyed("orders", "k", "as published");
    message.metadata.extensions.insert("step".into(), "0".into());
    world.publish(message).await;
    let mut delivery = member.next().await;
    for step in ["one", "zwölf 🦋"] {
        let mut changed = (**delivery.envelope()).clone();
        changed.metadata.attempt += 4;
        changed.metadata.extensions.insert("step".into(), step.into());
        changed.metadata.extensions.insert(format!("seen-{}", changed.metadata.attempt), String::new());
        changed.payload = bytes::Bytes::from(format!("as changed by {step}"));
        delivery.retry(Arc::new(changed.clone()), world.backend.delay().0).await.expect("the retry is safe");
        delivery = member.next().await;
        assert_eq!(**delivery.envelope(), changed);
    }
    assert_eq!(delivery.attempt(), 9);
    delivery.ack();
    member.nothing().await;
}

/// Those that are due come back, whatever was asked for before them.
pub async fn a_short_delay_does_not_wait_for_a_long_one<B: Backend>() {
    let world = World::new::<B>().await;
    if !can_delay(&world).await {
        return;
    }
    let mut member = world.join(&world.subscription("orders", "billing")).await;
    world.publish_texts("orders", &["long", "short", "shorter"]).await;
    let short = world.backend.delay().0;
    // So much longer that a machine which is busy does not turn it round.
    let long = short * 20;
    let asked = Instant::now();
    for delivery in member.take(3).await {
        let (envelope, delay) = (again(&delivery), if text(&delivery) == "long" { long } else { short });
        delivery.retry(envelope, delay).await.expect("the retry is safe");
    }
    let mut back = member.handle(2).await;
    back.sort();
    assert_eq!(back, ["short", "shorter"]);
    assert_eq!(member.handle(1).await, ["long"]);
    assert!(asked.elapsed() >= long, "asked for {long:?}, it came back after {:?}", asked.elapsed());
    member.nothing().await;
}

/// A handler that kills its process at the second attempt is at the third then.
pub async fn a_crash_counts_on_top_of_the_retries<B: Backend>() {
    let world = World::new::<B>().await;
    if !can_delay(&world).await {
        return;
    }
    let subscription = world.subscription("orders", "billing");
    let other = world.connect().await;
    let mut member = world.join_by(&other, &subscription).await;
    world.publish_texts("orders", &["1"]).await;
    let delivery = member.next().await;
    let envelope = again(&delivery);
    delivery.retry(envelope, world.backend.delay().0).await.expect("the retry is safe");
    let held = member.next().await;
    assert_eq!(held.attempt(), 2);
    drop(member);
    other.close().await;
    let mut next = world.join(&subscription).await;
    let back = next.next().await;
    assert_eq!((back.attempt(), back.envelope().metadata.attempt), (3, 1));
    back.ack();
    drop(held);
    next.nothing().await;
}
