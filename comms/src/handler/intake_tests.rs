//! Workers that share a consumer, on two threads, against a third one that has something for them now and then.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::future::{BoxFuture, join_all};
use futures_util::task::AtomicWaker;

use super::*;
use crate::broker::{BrokerError, DeadLetter, Settle, Shard};
use crate::message::{Envelope, Metadata};

/// More than any of it takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(20);

/// A queue that wakes whoever asked it last.
#[derive(Default)]
struct Feed {
    waiting: Mutex<VecDeque<Delivery>>,
    ended: AtomicBool,
    waker: AtomicWaker,
    handled: AtomicUsize,
}

impl Feed {
    fn push(self: &Arc<Self>, count: usize) {
        for _ in 0..count {
            let envelope = Arc::new(Envelope::new("orders".into(), Metadata::new("thing", "test".into()), Bytes::new()));
            let delivery = Delivery::new(envelope, 0, 0, Shard::default(), Arc::new(Unsettled));
            self.waiting.lock().unwrap().push_back(delivery);
            self.waker.wake();
        }
    }

    fn await_handled(&self, count: usize) {
        let began = Instant::now();
        while self.handled.load(Ordering::SeqCst) < count {
            assert!(
                began.elapsed() < PATIENCE,
                "{} of {count} were handled, and nobody asks for more",
                self.handled.load(Ordering::SeqCst)
            );
            std::thread::yield_now();
        }
    }

    fn end(&self) {
        self.ended.store(true, Ordering::SeqCst);
        self.waker.wake();
    }
}

struct Fed(Arc<Feed>);

impl Fed {
    fn next(&self) -> Poll<Option<Delivery>> {
        match self.0.waiting.lock().unwrap().pop_front() {
            Some(delivery) => Poll::Ready(Some(delivery)),
            None if self.0.ended.load(Ordering::SeqCst) => Poll::Ready(None),
            None => Poll::Pending,
        }
    }
}

impl Consumer for Fed {
    fn poll_next(&mut self, context: &mut Context<'_>) -> Poll<Option<Delivery>> {
        let polled = self.next();
        if polled.is_ready() {
            return polled;
        }
        self.0.waker.register(context.waker());
        self.next()
    }
}

#[derive(Debug)]
struct Unsettled;

impl Settle for Unsettled {
    fn ack(&self, _: u64) {}

    fn commit(&self, _: u64, _: Vec<Arc<Envelope>>) {}

    fn release(&self, _: u64) {}

    fn retry(&self, _: u64, _: Arc<Envelope>, _: Duration) -> BoxFuture<'_, Result<(), BrokerError>> {
        Box::pin(async { Ok(()) })
    }

    fn dead_letter(&self, _: u64, _: DeadLetter) -> BoxFuture<'_, Result<(), BrokerError>> {
        Box::pin(async { Ok(()) })
    }
}

/// Takes deliveries until there are no more; now and then one's handler waits, and others have to ask meanwhile.
async fn work(worker: usize, intake: Arc<Intake>, feed: Arc<Feed>) {
    let mut taken = 0_usize;
    while let Some(delivery) = poll_fn(|context| intake.poll_next(worker, context)).await {
        taken += 1;
        delivery.ack();
        if taken.is_multiple_of(7) {
            intake.leave(worker);
            tokio::task::yield_now().await;
        }
        feed.handled.fetch_add(1, Ordering::SeqCst);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_comes_is_taken_and_in_the_end_everybody_goes() {
    let feed = Arc::<Feed>::default();
    let intake = Arc::new(Intake::new(Box::new(Fed(Arc::clone(&feed))), false, Throttle::default()));
    let workers = (0..4).map(|worker| tokio::spawn(work(worker, Arc::clone(&intake), Arc::clone(&feed))));
    let workers: Vec<_> = workers.collect();
    let feeding = Arc::clone(&feed);
    let fed = tokio::task::spawn_blocking(move || {
        let mut sent = 0;
        for round in 0..20_000 {
            let some = 1 + round % 5;
            feeding.push(some);
            sent += some;
            feeding.await_handled(sent);
        }
        feeding.end();
    });
    fed.await.expect("all of it was handled");
    tokio::time::timeout(PATIENCE, join_all(workers)).await.expect("every worker ended");
}
