//! One event through the whole default pipeline on the memory broker.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use comms::broker::memory::Memory;
use comms::{App, AppBuilder, Publisher, event, event_handler};
use futures_util::FutureExt;
use tokio::runtime::{Builder, Runtime};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::contest::Contestant;
use crate::region;

/// How many messages are published before the handlers get the thread.
pub const BATCH: usize = 1000;

/// Two numbers, so that reading one allocates nothing.
#[event(name = "bench.ordered", version = 1, topic = "orders")]
#[derive(Clone, Debug)]
pub struct Ordered {
    /// The id.
    pub id: u64,
    /// How many.
    pub quantity: u32,
}

/// What every contestant publishes.
pub const ORDERED: Ordered = Ordered { id: 1_000_000, quantity: 37 };

/// Counts what was handled.
#[derive(Clone, Debug, Default)]
pub struct Handled(Arc<AtomicU64>);

impl Handled {
    /// One more.
    pub fn add(&self, id: u64, quantity: u32) {
        std::hint::black_box((id, quantity));
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    /// How many until now.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// With `COMMS_BENCH_LOG=info` in the environment: logs as a running service does, into nothing.
pub fn log_if_asked() {
    if let Ok(filter) = std::env::var("COMMS_BENCH_LOG") {
        let lines = comms::telemetry::JsonLines::new(std::io::sink);
        tracing_subscriber::registry().with(tracing_subscriber::EnvFilter::new(filter)).with(lines).init();
    }
}

#[event_handler(service = "bench")]
async fn on_ordered(event: Ordered, handled: Handled) {
    handled.add(event.id, event.quantity);
}

/// The framework.
#[derive(Debug)]
pub struct Comms {
    runtime: Runtime,
    memory: Memory,
    publisher: Publisher<Ordered>,
    handled: Handled,
    _app: App,
}

impl Comms {
    /// Starts the application.
    #[must_use]
    pub fn start() -> Self {
        let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
        let (memory, handled) = (Memory::new(), Handled::default());
        let app = AppBuilder::new("bench")
            .broker("default", Arc::new(memory.connect()))
            .provide(handled.clone())
            .event_function::<comms::handler!(on_ordered)>("bench");
        let app = runtime.block_on(app.start()).expect("it starts");
        let publisher = app.inject().expect("a publisher");
        Self { runtime, memory, publisher, handled, _app: app }
    }

    /// Publishes so many; none is handled meanwhile.
    pub fn publish(&self, messages: usize) {
        for _ in 0..messages {
            self.publisher.publish(&ORDERED).now_or_never().expect("room").expect("published");
        }
    }

    /// Lets the handlers run until everything is settled.
    pub fn deliver(&self) {
        self.runtime.block_on(self.memory.settled());
    }
}

impl Contestant for Comms {
    fn name(&self) -> String {
        "comms, whole pipeline".to_owned()
    }

    fn run(&mut self, messages: usize) {
        let before = self.handled.count();
        for _ in 0..messages / BATCH {
            region::publishing(&mut || self.publish(BATCH));
            region::delivering(&mut || self.deliver());
        }
        assert_eq!(self.handled.count() - before, (messages / BATCH * BATCH) as u64);
    }
}
