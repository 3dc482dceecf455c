//! Messages that are given up, and what operators do with them.

use std::sync::Arc;

use comms::broker::{DeadLetter, DeadLetterFilter, REPLAYED, Subscription};
use comms::message::Envelope;

use crate::world::{provenance, texts};
use crate::{Backend, World};

fn all() -> DeadLetterFilter {
    DeadLetterFilter::default()
}

fn payloads(letters: &[DeadLetter]) -> Vec<String> {
    letters.iter().map(|letter| String::from_utf8_lossy(&letter.envelope.payload).into_owned()).collect()
}

/// Five letters: two of key `k`, one of another type.
async fn five_letters(world: &World, subscription: &Subscription) -> Vec<Envelope> {
    let mut messages: Vec<Envelope> = ["1", "2", "3", "4", "5"].iter().map(|text| world.message("orders", text)).collect();
    messages[1].metadata.key = Some("k".into());
    messages[3].metadata.key = Some("k".into());
    messages[2].metadata.name = "conformance.other".into();
    world.dead_letter_all(subscription, messages.clone()).await;
    messages
}

/// Everything that is needed to understand it and to try it again.
pub async fn a_dead_letter_keeps_bytes_attributes_and_provenance<B: Backend>() {
    let world = World::new::<B>().await;
    let subscription = world.subscription("orders", "billing");
    let mut member = world.join(&subscription).await;
    let mut message = world.keyed("orders", "Schlüssel", "");
    message.payload = bytes::Bytes::from_static(&[0, 255, 1, 254]);
    message.metadata.attempt = 4;
    message.metadata.extensions.insert("tenant".into(), "bläu".into());
    world.publish(message.clone()).await;
    let delivery = member.next().await;
    let expected = DeadLetter::new(Arc::new(message), provenance(&delivery));
    assert_eq!(expected.provenance.attempts, 5);
    delivery.dead_letter(expected.clone()).await.expect("the letter is safe");
    assert_eq!(world.dead_letters(&subscription, &all()).await, [expected]);
}

/// By id, type, key and number, oldest first; they stay.
pub async fn listing_filters_and_takes_nothing_off<B: Backend>() {
    let world = World::new::<B>().await;
    let subscription = world.subscription("orders", "billing");
    let messages = five_letters(&world, &subscription).await;
    let list = async |filter: DeadLetterFilter| payloads(&world.dead_letters(&subscription, &filter).await);
    for _ in 0..2 {
        assert_eq!(list(all()).await, ["1", "2", "3", "4", "5"]);
    }
    assert_eq!(list(DeadLetterFilter { id: Some(messages[4].metadata.id.to_string()), ..all() }).await, ["5"]);
    assert_eq!(list(DeadLetterFilter { name: Some("conformance.other".into()), ..all() }).await, ["3"]);
    assert_eq!(list(DeadLetterFilter { key: Some("k".into()), ..all() }).await, ["2", "4"]);
    assert_eq!(list(DeadLetterFilter { limit: Some(2), ..all() }).await, ["1", "2"]);
    assert_eq!(list(DeadLetterFilter { key: Some("k".into()), limit: Some(1), ..all() }).await, ["2"]);
    assert!(list(DeadLetterFilter { id: Some("none".into()), ..all() }).await.is_empty());
    assert_eq!(list(all()).await, ["1", "2", "3", "4", "5"]);
}

/// To the subscription that gave them up only, with attempt 0, and each once.
pub async fn a_replay_sends_them_back_in_order_and_marked<B: Backend>() {
    let world = World::new::<B>().await;
    let subscription = world.subscription("orders", "billing");
    let mut audit = world.join(&world.subscription("orders", "audit")).await;
    let mut messages = five_letters(&world, &subscription).await;
    audit.handle(5).await;
    let admin = world.broker.admin();
    let by_key = DeadLetterFilter { key: Some("k".into()), ..all() };
    assert_eq!(admin.replay(&subscription, &by_key).await.expect("replayed"), 2);
    assert_eq!(payloads(&world.dead_letters(&subscription, &all()).await), ["1", "3", "5"]);
    let mut member = world.join(&subscription).await;
    let replayed = member.take(2).await;
    assert_eq!(texts(&replayed), ["2", "4"]);
    for (delivery, sent) in replayed.into_iter().zip([1, 3]) {
        let mut expected = messages[sent].clone();
        expected.metadata.extensions.insert(REPLAYED.into(), "true".into());
        assert_eq!(**delivery.envelope(), expected);
        assert_eq!(delivery.attempt(), 1);
        delivery.ack();
    }
    assert_eq!(admin.replay(&subscription, &DeadLetterFilter { limit: Some(2), ..all() }).await.expect("replayed"), 2);
    assert_eq!(member.handle(2).await, ["1", "3"]);
    assert_eq!(payloads(&world.dead_letters(&subscription, &all()).await), ["5"]);
    assert_eq!(admin.replay(&subscription, &by_key).await.expect("replayed"), 0);

    // One that had attempts before begins anew.
    messages[0].metadata.attempt = 7;
    assert_eq!(admin.purge(&subscription, &all()).await.expect("purged"), 1);
    drop(member);
    world.dead_letter_all(&subscription, vec![messages.remove(0)]).await;
    assert_eq!(admin.replay(&subscription, &all()).await.expect("replayed"), 1);
    let mut member = world.join(&subscription).await;
    let delivery = member.next().await;
    assert_eq!((delivery.envelope().metadata.attempt, delivery.attempt()), (0, 1));
    delivery.ack();
    audit.handle(1).await;
    audit.nothing().await;
}

/// For good.
pub async fn a_purge_destroys_only_what_is_meant<B: Backend>() {
    let world = World::new::<B>().await;
    let subscription = world.subscription("orders", "billing");
    five_letters(&world, &subscription).await;
    let admin = world.broker.admin();
    let by_key = DeadLetterFilter { key: Some("k".into()), ..all() };
    assert_eq!(admin.purge(&subscription, &by_key).await.expect("purged"), 2);
    assert_eq!(payloads(&world.dead_letters(&subscription, &all()).await), ["1", "3", "5"]);
    assert_eq!(admin.purge(&subscription, &all()).await.expect("purged"), 3);
    assert_eq!(admin.purge(&subscription, &all()).await.expect("purged"), 0);
    assert!(world.dead_letters(&subscription, &all()).await.is_empty());
    let mut member = world.join(&subscription).await;
    member.nothing().await;
}

/// Nobody gets it again unless it is replayed.
pub async fn a_dead_lettered_message_is_off_the_queue<B: Backend>() {
    let world = World::new::<B>().await;
    let subscription = world.subscription("orders", "billing");
    let other = world.connect().await;
    let mut member = world.join_by(&other, &subscription).await;
    world.publish_texts("orders", &["bad", "good"]).await;
    let bad = member.next().await;
    let letter = DeadLetter::new(Arc::clone(bad.envelope()), provenance(&bad));
    bad.dead_letter(letter).await.expect("the letter is safe");
    assert_eq!(member.handle(1).await, ["good"]);
    member.nothing().await;
    drop(member);
    other.close().await;
    world.join(&subscription).await.nothing().await;
    assert_eq!(payloads(&world.dead_letters(&subscription, &all()).await), ["bad"]);
}

/// Another group, or another topic of the same group, has its own.
pub async fn dead_letters_belong_to_one_subscription<B: Backend>() {
    let world = World::new::<B>().await;
    let given_up = world.subscription("orders", "billing");
    let others = [world.subscription("orders", "audit"), world.subscription("orders.eu", "billing"), world.ordered("orders", "sorted", 4)];
    for other in &others {
        drop(world.join(other).await);
    }
    world.dead_letter_all(&given_up, vec![world.keyed("orders", "k", "1")]).await;
    for other in &others {
        assert!(world.dead_letters(other, &all()).await.is_empty(), "`{}` has the letter of `{}`", other.name(), given_up.name());
    }
    // An ordered subscription has one set of letters, not one per shard.
    let mut sorted = world.join(&others[2]).await;
    let delivery = sorted.next().await;
    let letter = DeadLetter::new(Arc::clone(delivery.envelope()), provenance(&delivery));
    delivery.dead_letter(letter).await.expect("the letter is safe");
    assert_eq!(payloads(&world.dead_letters(&others[2], &all()).await), ["1"]);
    assert_eq!(world.broker.admin().replay(&others[2], &all()).await.expect("replayed"), 1);
    assert_eq!(sorted.handle(1).await, ["1"]);
}

/// The operator has looked at one and tries that.
pub async fn a_replay_by_id_leaves_the_others_in_their_order<B: Backend>() {
    let world = World::new::<B>().await;
    let subscription = world.subscription("orders", "billing");
    let messages = five_letters(&world, &subscription).await;
    let admin = world.broker.admin();
    let by_id = |n: usize| DeadLetterFilter { id: Some(messages[n].metadata.id.to_string()), ..all() };
    let mut member = world.join(&subscription).await;
    assert_eq!(admin.replay(&subscription, &by_id(2)).await.expect("replayed"), 1);
    assert_eq!(member.handle(1).await, ["3"]);
    assert_eq!(payloads(&world.dead_letters(&subscription, &all()).await), ["1", "2", "4", "5"]);
    assert_eq!(admin.replay(&subscription, &by_id(2)).await.expect("replayed"), 0);
    // One that other parts of the filter exclude is not meant.
    assert_eq!(admin.replay(&subscription, &DeadLetterFilter { key: Some("k".into()), ..by_id(0) }).await.expect("replayed"), 0);
    member.nothing().await;
    assert_eq!(admin.replay(&subscription, &all()).await.expect("replayed"), 4);
    assert_eq!(member.handle(4).await, ["1", "2", "4", "5"]);
}

/// The limit counts those that are meant, from the oldest on.
pub async fn a_purge_with_a_limit_destroys_the_oldest<B: Backend>() {
    let world = World::new::<B>().await;
    let subscription = world.subscription("orders", "billing");
    five_letters(&world, &subscription).await;
    let admin = world.broker.admin();
    let first_of_key = DeadLetterFilter { key: Some("k".into()), limit: Some(1), ..all() };
    assert_eq!(admin.purge(&subscription, &first_of_key).await.expect("purged"), 1);
    assert_eq!(payloads(&world.dead_letters(&subscription, &all()).await), ["1", "3", "4", "5"]);
    assert_eq!(admin.purge(&subscription, &DeadLetterFilter { limit: Some(2), ..all() }).await.expect("purged"), 2);
    assert_eq!(payloads(&world.dead_letters(&subscription, &all()).await), ["4", "5"]);
    assert_eq!(admin.purge(&subscription, &DeadLetterFilter { limit: Some(0), ..all() }).await.expect("purged"), 0);
    assert_eq!(admin.purge(&subscription, &DeadLetterFilter { limit: Some(9), ..all() }).await.expect("purged"), 2);
    assert!(world.dead_letters(&subscription, &all()).await.is_empty());
}

/// With the new reason, behind those that were there, and it can be replayed again.
pub async fn a_letter_that_is_given_up_again_is_listed_once<B: Backend>() {
    let world = World::new::<B>().await;
    let subscription = world.subscription("orders", "billing");
    let messages = five_letters(&world, &subscription).await;
    let by_id = DeadLetterFilter { id: Some(messages[1].metadata.id.to_string()), ..all() };
    let mut member = world.join(&subscription).await;
    for round in ["again", "and again"] {
        assert_eq!(world.broker.admin().replay(&subscription, &by_id).await.expect("replayed"), 1);
        let delivery = member.next().await;
        let mut provenance = provenance(&delivery);
        provenance.errors = vec![round.to_owned()];
        let letter = DeadLetter::new(Arc::clone(delivery.envelope()), provenance);
        delivery.dead_letter(letter.clone()).await.expect("the letter is safe");
        assert_eq!(world.dead_letters(&subscription, &by_id).await, [letter]);
        assert_eq!(payloads(&world.dead_letters(&subscription, &all()).await), ["1", "3", "4", "5", "2"]);
    }
    member.nothing().await;
}
