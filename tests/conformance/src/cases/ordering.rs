//! Ordered subscriptions.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use comms::broker::Delivery;
use tokio::sync::mpsc;

use crate::world::text;
use crate::{Backend, Member, World};

const KEYS: usize = 12;

async fn publish_rounds(world: &World, rounds: std::ops::Range<usize>) {
    for round in rounds {
        for key in 0..KEYS {
            world.publish(world.keyed("orders", &format!("k{key}"), &format!("{round:03}"))).await;
        }
    }
}

fn key(delivery: &Delivery) -> String {
    delivery.envelope().metadata.key.as_deref().unwrap_or_default().to_owned()
}

/// With many keys in few shards.
pub async fn messages_of_a_key_come_in_publish_order<B: Backend>() {
    let world = World::new::<B>().await;
    let mut member = world.join(&world.ordered("orders", "billing", 4)).await;
    publish_rounds(&world, 0..10).await;
    let mut seen = BTreeMap::<String, Vec<String>>::new();
    for _ in 0..10 * KEYS {
        let delivery = member.next().await;
        seen.entry(key(&delivery)).or_default().push(text(&delivery));
        delivery.ack();
    }
    let expected: Vec<String> = (0..10).map(|round| format!("{round:03}")).collect();
    assert!(seen.len() == KEYS && seen.values().all(|rounds| *rounds == expected), "{seen:?}");
}

/// The journal of what was done for each key, and by whom it is being done now.
#[derive(Default)]
struct Journal {
    done: Mutex<BTreeMap<String, Vec<String>>>,
    busy: Mutex<BTreeMap<String, usize>>,
    faults: Mutex<Vec<String>>,
}

impl Journal {
    fn begin(&self, who: usize, delivery: &Delivery) {
        if let Some(other) = self.busy.lock().unwrap().insert(key(delivery), who)
            && other != who
        {
            self.faults.lock().unwrap().push(format!("{} was with {other} when {who} got it", key(delivery)));
        }
    }

    fn end(&self, delivery: &Delivery) {
        self.busy.lock().unwrap().remove(&key(delivery));
        self.done.lock().unwrap().entry(key(delivery)).or_default().push(text(delivery));
    }
}

/// Handles one message after the other until it is told to stop by the end of the channel.
async fn work(who: usize, mut member: Member, journal: Arc<Journal>, done: mpsc::UnboundedSender<()>) {
    loop {
        let delivery = tokio::select! {
            delivery = member.wait() => delivery,
            () = done.closed() => return,
        };
        let Some(delivery) = delivery else { return };
        journal.begin(who, &delivery);
        tokio::task::yield_now().await;
        journal.end(&delivery);
        delivery.ack();
        let _ = done.send(());
    }
}

/// Across members too, while members come.
pub async fn two_members_never_hold_one_key_at_once<B: Backend>() {
    let world = World::new::<B>().await;
    let mut subscription = world.ordered("orders", "billing", 8);
    subscription.concurrency = 4;
    let (journal, (sender, mut receiver)) = (Arc::new(Journal::default()), mpsc::unbounded_channel());
    let mut workers = Vec::new();
    for who in 0..2 {
        let broker = world.connect().await;
        let member = world.join_by(&broker, &subscription).await;
        workers.push((broker, tokio::spawn(work(who, member, Arc::clone(&journal), sender.clone()))));
        publish_rounds(&world, who * 10..(who + 1) * 10).await;
    }
    for _ in 0..20 * KEYS {
        tokio::time::timeout(world.backend.patience(), receiver.recv()).await.expect("a message in time");
    }
    drop(receiver);
    for (_, worker) in workers {
        worker.await.expect("worked");
    }
    let expected: Vec<String> = (0..20).map(|round| format!("{round:03}")).collect();
    let done = journal.done.lock().unwrap();
    assert!(done.len() == KEYS && done.values().all(|rounds| *rounds == expected), "{done:?}");
    assert!(journal.faults.lock().unwrap().is_empty(), "{:?}", journal.faults.lock().unwrap());
}

/// A member that joins gets nothing of a key before what another holds of it is settled.
pub async fn what_a_member_holds_keeps_its_keys_from_others<B: Backend>() {
    let world = World::new::<B>().await;
    let mut subscription = world.ordered("orders", "billing", 4);
    subscription.concurrency = 64;
    let mut first = world.join(&subscription).await;
    publish_rounds(&world, 0..1).await;
    let held = first.take(KEYS).await;
    let other = world.connect().await;
    let mut second = world.join_by(&other, &subscription).await;
    publish_rounds(&world, 1..2).await;
    second.nothing().await;
    held.into_iter().for_each(Delivery::ack);
    let mut seen = BTreeSet::new();
    while seen.len() < KEYS {
        let delivery = tokio::select! {
            delivery = first.next() => delivery,
            delivery = second.next() => delivery,
        };
        assert_eq!(text(&delivery), "001");
        assert!(seen.insert(key(&delivery)), "{} came twice", key(&delivery));
        delivery.ack();
    }
}

/// What it had not settled comes first, in its order.
pub async fn when_a_member_leaves_its_shards_move_in_order<B: Backend>() {
    let world = World::new::<B>().await;
    let mut subscription = world.ordered("orders", "billing", 4);
    subscription.concurrency = 64;
    let other = world.connect().await;
    let mut first = world.join_by(&other, &subscription).await;
    publish_rounds(&world, 0..4).await;
    let mut held = first.take(4 * KEYS).await;
    let mut second = world.join(&subscription).await;
    second.nothing().await;
    // The first round of each key is done, the rest is not.
    let rest = held.split_off(0).into_iter().filter_map(|delivery| match text(&delivery).as_str() {
        "000" => {
            delivery.ack();
            None
        }
        _ => Some(delivery),
    });
    let rest: Vec<Delivery> = rest.collect();
    assert_eq!(rest.len(), 3 * KEYS);
    // What comes back has to pass what is queued already.
    publish_rounds(&world, 4..5).await;
    drop(first);
    other.close().await;
    publish_rounds(&world, 5..6).await;
    let mut seen = BTreeMap::<String, Vec<String>>::new();
    for _ in 0..5 * KEYS {
        let delivery = second.next().await;
        seen.entry(key(&delivery)).or_default().push(text(&delivery));
        delivery.ack();
    }
    let expected = ["001", "002", "003", "004", "005"];
    assert!(seen.len() == KEYS && seen.values().all(|rounds| *rounds == expected), "{seen:?}");
    drop(rest);
    second.nothing().await;
}

/// The same for every message and every member.
pub async fn a_key_has_one_shard<B: Backend>() {
    let world = World::new::<B>().await;
    let subscription = world.ordered("orders", "billing", 4);
    let mut shards = BTreeMap::<String, BTreeSet<u16>>::new();
    for rounds in [0..2, 2..4] {
        let mut member = world.join(&subscription).await;
        publish_rounds(&world, rounds).await;
        for _ in 0..2 * KEYS {
            let delivery = member.next().await;
            shards.entry(key(&delivery)).or_default().insert(delivery.shard().index);
            delivery.ack();
        }
    }
    assert!(shards.values().all(|shards| shards.len() == 1 && shards.iter().all(|&shard| shard < 4)), "{shards:?}");
    assert!(shards.values().flatten().collect::<BTreeSet<_>>().len() > 1, "the keys are spread: {shards:?}");
}

/// They have no order to keep, and are not lost for it.
pub async fn messages_without_a_key_arrive_in_an_ordered_subscription<B: Backend>() {
    let world = World::new::<B>().await;
    let mut member = world.join(&world.ordered("orders", "billing", 4)).await;
    let sent: BTreeSet<String> = (0..20).map(|n| n.to_string()).collect();
    for text in &sent {
        world.publish(world.message("orders", text)).await;
    }
    assert_eq!(member.handle(20).await.into_iter().collect::<BTreeSet<_>>(), sent);
    member.nothing().await;
}

/// A key is any text: it comes as it went, and keeps its order.
pub async fn keys_of_any_text_keep_their_order<B: Backend>() {
    let world = World::new::<B>().await;
    let mut member = world.join(&world.ordered("orders", "billing", 8)).await;
    let long = "lang und länger ".repeat(200);
    let keys = ["", " ", "k", "Käufer №1", "鍵🔑", "a.b.#.*", "line\nbreak\ttab", "50% \"quoted\" \\ {k}", "18446744073709551616", &long];
    for round in 0..10 {
        for key in keys {
            world.publish(world.keyed("orders", key, &format!("{round:03}"))).await;
        }
    }
    let mut seen = BTreeMap::<Option<String>, Vec<String>>::new();
    for _ in 0..10 * keys.len() {
        let delivery = member.next().await;
        let key = delivery.envelope().metadata.key.as_deref().map(str::to_owned);
        seen.entry(key).or_default().push(text(&delivery));
        delivery.ack();
    }
    let expected: Vec<String> = (0..10).map(|round| format!("{round:03}")).collect();
    let expected: BTreeMap<_, _> = keys.iter().map(|key| (Some((*key).to_owned()), expected.clone())).collect();
    assert_eq!(seen, expected);
}

/// A member that is told to stop gives back what it has not begun, in whatever order it comes to that.
pub async fn what_is_released_comes_again_in_the_order_of_its_key<B: Backend>() {
    let world = World::new::<B>().await;
    let mut subscription = world.ordered("orders", "billing", 4);
    subscription.concurrency = 64;
    let mut member = world.join(&subscription).await;
    publish_rounds(&world, 0..4).await;
    let mut held = member.take(4 * KEYS).await;
    // Each key has its first round behind it.
    for index in (0..held.len()).rev() {
        if text(&held[index]) == "000" {
            held.remove(index).ack();
        }
    }
    publish_rounds(&world, 4..5).await;
    while let Some(delivery) = held.pop() {
        delivery.release();
    }
    let mut seen = BTreeMap::<String, Vec<String>>::new();
    for _ in 0..4 * KEYS {
        let delivery = member.next().await;
        seen.entry(key(&delivery)).or_default().push(text(&delivery));
        delivery.ack();
    }
    let expected = ["001", "002", "003", "004"];
    assert!(seen.len() == KEYS && seen.values().all(|rounds| *rounds == expected), "{seen:?}");
    member.nothing().await;
}
