//! Crashes: of the server where there is one, of members everywhere.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex};

use comms::broker::{DeadLetterFilter, Delivery, Subscription};
use comms::message::Id;
use tokio::sync::{Semaphore, watch};

use super::retrying::again;
pub use super::transactions::commits_outlive_a_crash_of_the_broker;
use crate::world::{publish, text};
use crate::{Backend, Member, Setup, World};

const MESSAGES: usize = 10_000;

/// What was confirmed, and what was handled.
#[derive(Default)]
struct Books(Mutex<Entries>);

#[derive(Default)]
struct Entries {
    confirmed: usize,
    handled: HashSet<Id>,
    /// Confirmed and not handled yet.
    missing: HashSet<Id>,
}

impl Books {
    fn confirm(&self, id: Id) {
        let mut entries = self.0.lock().unwrap();
        entries.confirmed += 1;
        if !entries.handled.contains(&id) {
            entries.missing.insert(id);
        }
    }

    fn handle(&self, id: &Id) {
        let mut entries = self.0.lock().unwrap();
        entries.missing.remove(id);
        entries.handled.insert(id.clone());
    }

    fn confirmed_and_missing(&self) -> (usize, usize) {
        let entries = self.0.lock().unwrap();
        (entries.confirmed, entries.missing.len())
    }
}

/// Kill -9 while messages are published and handled; the members crash as well.
pub async fn ten_thousand_messages_over_a_crash_lose_none_that_was_confirmed<B: Backend>() {
    let world = Arc::new(World::with::<B>(Setup::killable()).await);
    let subscription = world.subscription("orders", "billing");
    drop(world.join(&subscription).await);
    let books = Arc::new(Books::default());
    let (progress, mut handled) = watch::channel(0_usize);
    let handling = tokio::spawn(handle_with_crashes(Arc::clone(&world), subscription, Arc::clone(&books), progress));
    let publishing = tokio::spawn(publish_many(Arc::clone(&world), Arc::clone(&books)));
    handled.wait_for(|count| *count > MESSAGES / 5).await.expect("handling goes on");
    if let Some(server) = world.backend.server() {
        server.kill().await;
        server.restart().await;
    }
    assert_eq!(publishing.await.expect("published"), 0, "a restart is waited out");
    let complete =
        tokio::time::timeout(world.backend.patience() * 3, handled.wait_for(|_| books.confirmed_and_missing().1 == 0)).await.is_ok();
    let (confirmed, missing) = books.confirmed_and_missing();
    assert!(complete, "of {confirmed} confirmed messages {missing} were never handled");
    assert_eq!(confirmed, MESSAGES);
    handling.abort();
}

/// With up to 256 in flight; returns how many have no confirmation.
async fn publish_many(world: Arc<World>, books: Arc<Books>) -> usize {
    let window = Arc::new(Semaphore::new(256));
    let mut tasks = tokio::task::JoinSet::new();
    for n in 0..MESSAGES {
        let slot = Arc::clone(&window).acquire_owned().await.expect("never closed");
        let (world, books) = (Arc::clone(&world), Arc::clone(&books));
        tasks.spawn(async move {
            let message = world.message("orders", &n.to_string());
            let id = message.metadata.id.clone();
            let confirmed = publish(&*world.broker, message).await.is_ok();
            if confirmed {
                books.confirm(id);
            }
            drop(slot);
            confirmed
        });
    }
    tasks.join_all().await.into_iter().filter(|confirmed| !confirmed).count()
}

/// A member that handles 200 messages, then goes with what it holds, and its connection too; and another after it.
async fn handle_with_crashes(world: Arc<World>, subscription: Subscription, books: Arc<Books>, progress: watch::Sender<usize>) {
    loop {
        let broker = world.connect().await;
        let mut member = world.join_by(&broker, &subscription).await;
        for n in 0..200 {
            let Some(delivery) = member.wait().await else { return };
            books.handle(&delivery.envelope().metadata.id);
            // One in ten is done and never settled: it comes again.
            if n % 10 == 9 {
                std::mem::forget(delivery)
            } else {
                delivery.ack()
            }
            progress.send_modify(|count| *count += 1);
        }
        drop(member);
        broker.close().await;
    }
}

/// Without a restart of the service: the same consumer goes on.
pub async fn a_consumer_outlives_a_crash_of_the_broker<B: Backend>() {
    let world = World::with::<B>(Setup::killable()).await;
    let mut member = world.join(&world.subscription("orders", "billing")).await;
    world.publish_texts("orders", &["before", "held"]).await;
    assert_eq!(member.handle(1).await, ["before"]);
    let held = member.next().await;
    let Some(server) = world.backend.server() else {
        // Nothing to lose the connection to; the consumer just waits.
        held.ack();
        member.nothing().await;
        world.publish_texts("orders", &["after"]).await;
        assert_eq!(member.handle(1).await, ["after"]);
        return;
    };
    server.kill().await;
    server.restart().await;
    held.ack();
    world.publish_texts("orders", &["after"]).await;
    // What was unsettled comes again; so may what was acknowledged just before the crash.
    let mut seen = Vec::new();
    while !(seen.contains(&"held".to_owned()) && seen.contains(&"after".to_owned())) {
        seen.extend(member.handle(1).await);
    }
    assert!(seen.len() <= 3, "{seen:?}");
}

/// The publisher sees nothing of it but the time that it takes.
pub async fn publishing_waits_out_a_restart<B: Backend>() {
    let world = Arc::new(World::with::<B>(Setup { capacity: Some(2), ..Setup::killable() }).await);
    let mut member = world.join(&world.subscription("orders", "billing")).await;
    world.publish_texts("orders", &["1"]).await;
    match world.backend.server() {
        Some(server) => server.kill().await,
        None => world.publish_texts("orders", &["2"]).await,
    }
    let waiting = tokio::spawn({
        let world = Arc::clone(&world);
        async move { publish(&*world.broker, world.message("orders", "3")).await }
    });
    tokio::time::sleep(world.backend.silence()).await;
    assert!(!waiting.is_finished(), "it can't have been accepted");
    let mut seen = HashSet::new();
    match world.backend.server() {
        Some(server) => server.restart().await,
        None => seen.extend(member.handle(1).await),
    }
    let outcome = tokio::time::timeout(world.backend.patience(), waiting).await.expect("accepted in time").expect("no panic");
    outcome.expect("accepted");
    while !(seen.contains("1") && seen.contains("3")) {
        seen.extend(member.handle(1).await);
    }
}

/// Kills and restarts the server. When there is none, asserts that nothing more was promised.
async fn crash(world: &World) -> bool {
    let Some(server) = world.backend.server() else {
        assert!(!world.broker.capabilities().durable, "a broker that lives in this process can't be durable");
        return false;
    };
    assert!(world.broker.capabilities().durable);
    server.kill().await;
    server.restart().await;
    true
}

/// Durable: over the server's crash. Else: as long as the broker lives.
pub async fn what_was_confirmed_survives_as_far_as_declared<B: Backend>() {
    let world = World::with::<B>(Setup::killable()).await;
    let subscription = world.subscription("orders", "billing");
    let ordered = world.ordered("orders", "sorted", 2);
    drop(world.join(&subscription).await);
    drop(world.join(&ordered).await);
    for n in 0..50 {
        world.publish(world.keyed("orders", "k", &format!("{n:02}"))).await;
    }
    crash(&world).await;
    let expected: Vec<String> = (0..50).map(|n| format!("{n:02}")).collect();
    for subscription in [subscription, ordered] {
        let mut member = world.join(&subscription).await;
        assert_eq!(member.handle(50).await, expected, "{}", subscription.name());
    }
}

/// The message is never only in the air.
pub async fn a_retry_survives_as_far_as_declared<B: Backend>() {
    let world = World::with::<B>(Setup::killable()).await;
    if !world.broker.capabilities().delayed {
        return;
    }
    let mut member = world.join(&world.subscription("orders", "billing")).await;
    world.publish_texts("orders", &["1"]).await;
    let delivery = member.next().await;
    let envelope = again(&delivery);
    delivery.retry(envelope, world.backend.delay().0).await.expect("the retry is safe");
    crash(&world).await;
    let back = member.next().await;
    assert_eq!(text(&back), "1");
    assert!(back.attempt() >= 2 || world.backend.server().is_some(), "the original, if its settling was lost, or the retry");
    back.ack();
}

/// And so are they.
pub async fn a_dead_letter_survives_as_far_as_declared<B: Backend>() {
    let world = World::with::<B>(Setup::killable()).await;
    let subscription = world.subscription("orders", "billing");
    world.dead_letter_all(&subscription, vec![world.message("orders", "1"), world.message("orders", "2")]).await;
    crash(&world).await;
    let letters = async {
        loop {
            match world.broker.admin().dead_letters(&subscription, &DeadLetterFilter::default()).await {
                Ok(letters) => return letters,
                Err(error) if error.kind() == comms::broker::BrokerErrorKind::Connection => tokio::task::yield_now().await,
                Err(error) => panic!("listing the dead letters failed: {error:?}"),
            }
        }
    };
    let letters = tokio::time::timeout(world.backend.patience(), letters).await.expect("an answer in time");
    let texts: Vec<_> = letters.iter().map(|letter| String::from_utf8_lossy(&letter.envelope.payload).into_owned()).collect();
    // An original whose settling was lost in the crash comes again; its letter is safe all the same.
    assert_eq!(texts, ["1", "2"]);
}

/// What each key has had.
#[derive(Default)]
struct Rounds(HashMap<String, usize>);

impl Rounds {
    /// The round that has to come next, or one before it that comes again.
    fn came(&self, delivery: &Delivery) -> (String, usize) {
        let key = delivery.envelope().metadata.key.as_deref().unwrap_or_default();
        let (round, next): (usize, usize) = (text(delivery).parse().expect("a number"), self.0.get(key).copied().unwrap_or_default());
        assert!(round <= next, "of {key} came {round}; {next} has to come before it");
        (key.to_owned(), next.max(round + 1))
    }

    /// Takes so many messages, one after the other, and handles them.
    async fn handle(&mut self, member: &mut Member, count: usize) {
        for _ in 0..count {
            let delivery = member.next().await;
            self.0.extend([self.came(&delivery)]);
            delivery.ack();
        }
    }

    fn all_had(&self, keys: usize, rounds: usize) -> bool {
        self.0.len() == keys && self.0.values().all(|&had| had == rounds)
    }
}

/// What was in hand comes again before what follows it, and nothing overtakes.
pub async fn the_order_of_each_key_outlives_a_crash<B: Backend>() {
    const KEYS: usize = 6;
    const ROUNDS: usize = 40;
    let world = Arc::new(World::with::<B>(Setup::killable()).await);
    let subscription = world.ordered("orders", "billing", 4);
    let (first, second) = (world.connect().await, world.connect().await);
    let mut member = world.join_by(&first, &subscription).await;
    let mut publishing = tokio::spawn(publish_rounds(Arc::clone(&world), KEYS, ROUNDS));
    let mut rounds = Rounds::default();
    rounds.handle(&mut member, KEYS * ROUNDS / 4).await;
    let in_hand = member.take(2 * KEYS).await;
    if world.backend.server().is_some() {
        // While the rest is being published.
        crash(&world).await;
        (&mut publishing).await.expect("published");
    } else {
        // Before the rest, which is there already.
        (&mut publishing).await.expect("published");
        drop(member);
        first.close().await;
        member = world.join_by(&second, &subscription).await;
    }
    drop(in_hand);
    while !rounds.all_had(KEYS, ROUNDS) {
        rounds.handle(&mut member, 1).await;
    }
}

async fn publish_rounds(world: Arc<World>, keys: usize, rounds: usize) {
    for round in 0..rounds {
        for key in 0..keys {
            world.publish(world.keyed("orders", &format!("k{key}"), &round.to_string())).await;
        }
    }
}
