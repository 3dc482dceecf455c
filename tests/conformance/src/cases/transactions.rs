//! Settling a message together with what its handler published.

use std::collections::BTreeMap;
use std::sync::Arc;

use comms::broker::{BrokerErrorKind, DeadLetter, DeadLetterFilter, Delivery, Subscription};
use comms::message::Envelope;

use super::retrying::again;
use crate::world::{assert_kind, provenance, text};
use crate::{Backend, Member, Setup, World};

/// A transactional group on `orders`; when the backend has none, asserts that it says so.
async fn orders(world: &World) -> Option<Subscription> {
    let mut subscription = world.subscription("orders", "billing");
    subscription.transactional = true;
    if world.broker.capabilities().transactional {
        return Some(subscription);
    }
    assert_kind(&world.refused(&subscription).await, BrokerErrorKind::Unsupported);
    let message = Arc::new(world.message("invoices", "1"));
    assert_kind(&world.broker.prepare(&message).await.expect_err("it has no transactions"), BrokerErrorKind::Unsupported);
    None
}

/// What a handler would publish, as its publisher would prepare it.
async fn prepared(world: &World, messages: Vec<Envelope>) -> Vec<Arc<Envelope>> {
    let messages: Vec<Arc<Envelope>> = messages.into_iter().map(Arc::new).collect();
    for message in &messages {
        world.broker.prepare(message).await.expect("it can be sent");
    }
    messages
}

/// Commits a delivery with one message to `invoices` that says what it was made of.
async fn commit(world: &World, delivery: Delivery) {
    let published = prepared(world, vec![world.message("invoices", &text(&delivery))]).await;
    delivery.commit(published);
}

/// The same with a key that all share: what ended first comes first.
async fn commit_keyed(world: &World, delivery: Delivery) {
    let published = prepared(world, vec![world.keyed("invoices", "k", &text(&delivery))]).await;
    delivery.commit(published);
}

/// How often each came, of so many.
async fn tally(member: &mut Member, count: usize) -> BTreeMap<String, usize> {
    let mut tally = BTreeMap::new();
    for text in member.handle(count).await {
        *tally.entry(text).or_default() += 1;
    }
    member.nothing().await;
    tally
}

/// To several topics; nothing of it before.
pub async fn what_was_published_comes_with_the_settlement<B: Backend>() {
    let world = World::new::<B>().await;
    let Some(orders) = orders(&world).await else { return };
    let (mut invoices, mut audit) =
        (world.join(&world.subscription("invoices", "post")).await, world.join(&world.subscription("audit", "post")).await);
    let other = world.connect().await;
    let mut member = world.join_by(&other, &orders).await;
    world.publish_texts("orders", &["1"]).await;
    let delivery = member.next().await;
    let published =
        prepared(&world, vec![world.keyed("invoices", "k", "a"), world.message("audit", "b"), world.keyed("invoices", "k", "c")]).await;
    tokio::join!(invoices.nothing(), audit.nothing());
    delivery.commit(published);
    assert_eq!((invoices.handle(2).await, audit.handle(1).await), (vec!["a".to_owned(), "c".to_owned()], vec!["b".to_owned()]));
    drop(member);
    other.close().await;
    world.join(&orders).await.nothing().await;
    tokio::join!(invoices.nothing(), audit.nothing());
}

/// As a publisher's would.
pub async fn what_is_sent_in_a_transaction_arrives_as_it_was_published<B: Backend>() {
    let world = World::new::<B>().await;
    let Some(orders) = orders(&world).await else { return };
    let mut invoices = world.join(&world.subscription("invoices", "post")).await;
    let mut member = world.join(&orders).await;
    world.publish_texts("orders", &["1"]).await;
    let mut sent = world.keyed("invoices", "käse", "payload");
    sent.metadata.extensions.insert("tenant".to_owned(), "ü".to_owned());
    member.next().await.commit(prepared(&world, vec![sent.clone()]).await);
    let delivery = invoices.next().await;
    assert_eq!(**delivery.envelope(), sent);
    delivery.ack();
}

/// Neither what it would have published nor its settlement.
pub async fn what_a_member_did_not_commit_happens_once_with_the_next_one<B: Backend>() {
    let world = World::new::<B>().await;
    let Some(orders) = orders(&world).await else { return };
    let mut invoices = world.join(&world.subscription("invoices", "post")).await;
    let other = world.connect().await;
    let mut member = world.join_by(&other, &orders).await;
    world.publish_texts("orders", &["1", "2", "3"]).await;
    let mut held = member.take(3).await;
    commit(&world, held.remove(1)).await;
    drop(member);
    // What is ended is written out.
    other.close().await;
    // It is too late for these.
    for delivery in held {
        commit(&world, delivery).await;
    }
    let mut next = world.join(&orders).await;
    for expected in ["1", "3"] {
        let delivery = next.next().await;
        assert_eq!((text(&delivery).as_str(), delivery.attempt()), (expected, 2));
        commit(&world, delivery).await;
    }
    next.nothing().await;
    let once = ["1", "2", "3"].map(|text| (text.to_owned(), 1));
    assert_eq!(tally(&mut invoices, 3).await, BTreeMap::from(once));
}

/// Handlers end in any order.
pub async fn committing_out_of_order_repeats_and_loses_nothing<B: Backend>() {
    let world = World::new::<B>().await;
    let Some(orders) = orders(&world).await else { return };
    let mut invoices = world.join(&world.subscription("invoices", "post")).await;
    let other = world.connect().await;
    let mut member = world.join_by(&other, &orders).await;
    let all: Vec<String> = (0..8).map(|number| number.to_string()).collect();
    world.publish_texts("orders", &all.iter().map(String::as_str).collect::<Vec<_>>()).await;
    let mut held = member.take(8).await;
    while held.len() > 1 {
        commit_keyed(&world, held.remove(1)).await;
        if held.len() == 4 {
            // A transaction between them.
            assert_eq!(invoices.handle(1).await, ["1"]);
        }
    }
    drop(member);
    other.close().await;
    drop(held);
    let mut next = world.join(&orders).await;
    let delivery = next.next().await;
    assert_eq!(text(&delivery), "0", "the others are settled");
    commit(&world, delivery).await;
    next.nothing().await;
    assert_eq!(tally(&mut invoices, 7).await, all.into_iter().filter(|text| text != "1").map(|text| (text, 1)).collect());
}

/// A member with both kinds of handlers.
pub async fn what_publishes_nothing_is_settled_too<B: Backend>() {
    let world = World::new::<B>().await;
    let Some(orders) = orders(&world).await else { return };
    let other = world.connect().await;
    let mut member = world.join_by(&other, &orders).await;
    world.publish_texts("orders", &["1", "2", "3"]).await;
    let mut held = member.take(3).await;
    held.remove(2).commit(Vec::new());
    held.remove(0).ack();
    drop(member);
    other.close().await;
    drop(held);
    let mut next = world.join(&orders).await;
    assert_eq!(next.handle(1).await, ["2"]);
    next.nothing().await;
}

/// The copy and the settlement of the original are one.
pub async fn a_retry_in_a_transaction_comes_back_once<B: Backend>() {
    let world = World::new::<B>().await;
    let Some(orders) = orders(&world).await else { return };
    let other = world.connect().await;
    let mut member = world.join_by(&other, &orders).await;
    world.publish_texts("orders", &["1"]).await;
    let delivery = member.next().await;
    let envelope = again(&delivery);
    delivery.retry(envelope, world.backend.delay().0).await.expect("the retry is safe");
    drop(member);
    other.close().await;
    let mut next = world.join(&orders).await;
    let delivery = next.next().await;
    assert_eq!((text(&delivery).as_str(), delivery.attempt()), ("1", 2));
    delivery.ack();
    next.nothing().await;
}

/// So are a letter and the settlement.
pub async fn a_dead_letter_in_a_transaction_is_there_once_and_can_be_replayed<B: Backend>() {
    let world = World::new::<B>().await;
    let Some(orders) = orders(&world).await else { return };
    let mut member = world.join(&orders).await;
    world.publish_texts("orders", &["1"]).await;
    let delivery = member.next().await;
    let letter = DeadLetter::new(Arc::clone(delivery.envelope()), provenance(&delivery));
    delivery.dead_letter(letter).await.expect("the letter is safe");
    member.nothing().await;
    assert_eq!(world.dead_letters(&orders, &DeadLetterFilter::default()).await.len(), 1);
    assert_eq!(world.broker.admin().replay(&orders, &DeadLetterFilter::default()).await.expect("replayed"), 1);
    let mut invoices = world.join(&world.subscription("invoices", "post")).await;
    commit(&world, member.next().await).await;
    assert_eq!(invoices.handle(1).await, ["1"]);
    assert!(world.dead_letters(&orders, &DeadLetterFilter::default()).await.is_empty());
}

/// What comes of a key's messages keeps their order.
pub async fn an_ordered_group_publishes_in_the_order_of_its_keys<B: Backend>() {
    let world = World::new::<B>().await;
    if orders(&world).await.is_none() {
        return;
    }
    let mut subscription = world.ordered("steps", "billing", 4);
    subscription.transactional = true;
    let mut invoices = world.join(&world.ordered("invoices", "post", 4)).await;
    let mut member = world.join(&subscription).await;
    for number in 0..30 {
        world.publish(world.keyed("steps", ["a", "b", "c"][number % 3], &format!("{number:02}"))).await;
    }
    for _ in 0..30 {
        let delivery = member.next().await;
        let key = delivery.envelope().metadata.key.clone().expect("a key");
        let published = prepared(&world, vec![world.keyed("invoices", &key, &text(&delivery))]).await;
        delivery.commit(published);
    }
    let mut by_key: BTreeMap<Arc<str>, Vec<String>> = BTreeMap::new();
    for _ in 0..30 {
        let delivery = invoices.next().await;
        by_key.entry(delivery.envelope().metadata.key.clone().expect("a key")).or_default().push(text(&delivery));
        delivery.ack();
    }
    assert!(by_key.values().all(|texts| texts.len() == 10 && texts.is_sorted()), "{by_key:?}");
}

/// When a second member comes, while the first one works.
pub async fn a_shard_that_moves_during_work_repeats_nothing<B: Backend>() {
    let world = World::new::<B>().await;
    let Some(mut orders) = orders(&world).await else { return };
    orders.concurrency = 4;
    let mut invoices = world.join(&world.subscription("invoices", "post")).await;
    let (one, other) = (world.connect().await, world.connect().await);
    let mut first = world.join_by(&one, &orders).await;
    let all: Vec<String> = (0..40).map(|number| format!("{number:02}")).collect();
    for text in &all {
        world.publish(world.keyed("orders", text, text)).await;
    }
    let held = first.take(3).await;
    let mut second = world.join_by(&other, &orders).await;
    for delivery in held {
        commit(&world, delivery).await;
    }
    // Both go on until nothing comes, then the first one leaves with its work done.
    let (mut done, silence) = (3, world.backend.silence() * 4);
    while done < all.len() {
        let delivery = tokio::select! {
            delivery = first.next() => delivery,
            delivery = second.next() => delivery,
        };
        commit(&world, delivery).await;
        done += 1;
    }
    drop(first);
    one.close().await;
    second.nothing_for(silence).await;
    assert_eq!(tally(&mut invoices, all.len()).await, all.into_iter().map(|text| (text, 1)).collect());
}

/// Too large, or to no topic: said at once.
pub async fn what_cannot_be_sent_is_refused_before_the_commit<B: Backend>() {
    let world = World::with::<B>(Setup { max_message: Some(1000), ..Setup::shared() }).await;
    if orders(&world).await.is_none() {
        return;
    }
    let large = Arc::new(world.message("invoices", &"x".repeat(1001)));
    assert_kind(&world.broker.prepare(&large).await.expect_err("too large"), BrokerErrorKind::TooLarge);
    let other = world.connect().await;
    other.close().await;
    let small = Arc::new(world.message("invoices", "x"));
    assert_kind(&other.prepare(&small).await.expect_err("closed"), BrokerErrorKind::Closed);
}

/// Where there is a server; what ends while it is away is committed when it is back.
pub async fn commits_outlive_a_crash_of_the_broker<B: Backend>() {
    let world = World::with::<B>(Setup::killable()).await;
    let Some(orders) = orders(&world).await else { return };
    let mut invoices = world.join(&world.subscription("invoices", "post")).await;
    let mut member = world.join(&orders).await;
    let all: Vec<String> = (0..30).map(|number| format!("{number:02}")).collect();
    for text in &all {
        world.publish(world.message("orders", text)).await;
    }
    let mut held = member.take(10).await;
    for delivery in held.drain(..5) {
        commit(&world, delivery).await;
    }
    let mut seen: BTreeMap<String, usize> = invoices.handle(5).await.into_iter().map(|text| (text, 1)).collect();
    // Told once no transaction of the group is open.
    world.broker.admin().lag(&orders).await.expect("how far the group is behind");
    if let Some(server) = world.backend.server() {
        server.kill().await;
    }
    for delivery in held {
        commit(&world, delivery).await;
    }
    if let Some(server) = world.backend.server() {
        server.restart().await;
    }
    while seen.len() < all.len() {
        tokio::select! {
            delivery = member.next() => commit(&world, delivery).await,
            delivery = invoices.next() => {
                *seen.entry(text(&delivery)).or_default() += 1;
                delivery.ack();
            }
        }
    }
    assert_eq!(seen, all.into_iter().map(|text| (text, 1)).collect());
    member.nothing().await;
    invoices.nothing().await;
}
