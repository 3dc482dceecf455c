//! One event over RabbitMQ, published with confirms and acknowledged after it was handled: by lapin alone, by our
//! backend alone, by the whole framework.
//!
//! All have the same: payload, queue arguments, window of unconfirmed publishes, prefetch, batch of
//! acknowledgements, a connection to publish on and one to consume on. All decode into the same type.

mod backend;
mod framework;
mod raw;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use comms::broker::Subscription;
use comms::broker::rabbitmq::{RabbitMq, RabbitMqConfig};
use comms::event;
use tokio::runtime::Runtime;
use tokio::sync::Notify;

pub use backend::Backend;
pub use framework::Framework;
pub use raw::{Headers, Raw};

/// How many publishes may be unconfirmed.
const WINDOW: usize = 256;
/// How many messages may be handled at once; the prefetch is twice that.
const CONCURRENCY: usize = 128;
/// After so many settled messages the acknowledgement is written: what the backend does with this prefetch.
const ACKS: u64 = 64;

/// About 256 bytes of JSON.
#[event(name = "bench.shipped", version = 1, topic = "parcels")]
#[derive(Clone, Debug)]
pub struct Shipped {
    /// The id.
    pub id: u64,
    /// Fills it up.
    pub text: String,
}

impl Shipped {
    fn new() -> Self {
        Self { id: 1_000_000, text: "x".repeat(228) }
    }
}

/// Counts what was handled, and tells when it was enough.
#[derive(Clone, Debug, Default)]
struct Arrivals(Arc<(AtomicUsize, Notify)>);

impl Arrivals {
    fn expect(&self, messages: usize) {
        self.0.0.store(messages, Ordering::SeqCst);
    }

    fn add(&self, event: &Shipped) {
        std::hint::black_box((event.id, &event.text));
        if self.0.0.fetch_sub(1, Ordering::SeqCst) == 1 {
            self.0.1.notify_one();
        }
    }

    async fn all(&self) {
        self.0.1.notified().await;
    }
}

fn config(url: &str, exchange: &str) -> RabbitMqConfig {
    format!("{url}?window={WINDOW}&exchange={exchange}").parse().expect("a URL of RabbitMQ")
}

fn subscription(group: &str) -> Arc<Subscription> {
    let mut subscription = Subscription::new("parcels".parse().expect("a topic"), group);
    subscription.concurrency = CONCURRENCY;
    Arc::new(subscription)
}

fn connect(runtime: &Runtime, url: &str, exchange: &str) -> RabbitMq {
    runtime.block_on(RabbitMq::connect(config(url, exchange), "bench")).expect("connected")
}
