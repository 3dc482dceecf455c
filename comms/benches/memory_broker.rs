//! How many messages per second one thread publishes, takes and settles on the memory broker.
#![allow(missing_docs, clippy::print_stdout, reason = "a program that prints figures")]

use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Instant;

use comms::broker::memory::Memory;
use comms::broker::{Broker, Consumer, Order, Subscription};
use comms::message::{Envelope, Id, Metadata};
use futures_util::FutureExt;

const MESSAGES: usize = 3_000_000;
const BATCH: usize = 16;

fn main() {
    run("unordered", None, None);
    run("ordered, 16 shards", Some(Order { shards: 16.try_into().expect("not zero") }), Some("o-1".into()));
}

fn run(what: &str, order: Option<Order>, key: Option<Arc<str>>) {
    let memory = Memory::new();
    let mut subscription = Subscription::new("orders".parse().expect("a topic"), "billing");
    subscription.order = order;
    let mut consumer = memory.subscribe(Arc::new(subscription)).now_or_never().expect("ready").expect("subscribed");
    let mut metadata = Metadata::foreign(Id::new());
    metadata.key = key;
    let envelope = Arc::new(Envelope::new("orders".into(), metadata, vec![0; 256].into()));
    let start = Instant::now();
    for _ in 0..MESSAGES / BATCH {
        round(&memory, &mut *consumer, &envelope);
    }
    let rate = MESSAGES as f64 / start.elapsed().as_secs_f64();
    println!("{what}: {rate:.0} messages/s published, taken and settled on one thread");
}

fn round(memory: &Memory, consumer: &mut dyn Consumer, envelope: &Arc<Envelope>) {
    for _ in 0..BATCH {
        let confirm = memory.publish(Arc::clone(envelope)).now_or_never().expect("room");
        confirm.now_or_never().expect("confirmed").expect("accepted");
    }
    let mut context = Context::from_waker(Waker::noop());
    for _ in 0..BATCH {
        match consumer.poll_next(&mut context) {
            Poll::Ready(Some(delivery)) => delivery.ack(),
            _ => panic!("expected a message"),
        }
    }
}
