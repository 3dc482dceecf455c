//! One event through the whole default pipeline on the memory broker.

use std::future::poll_fn;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use comms::broker::memory::Memory;
use comms::broker::{Broker, Consumer, Delivery, Subscription};
use comms::message::{Envelope, Metadata};
use comms::{App, AppBuilder, Message, Publisher, event, event_handler};
use futures_util::FutureExt;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
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

/// What somebody would write who needs nothing of a broker: bytes through a channel, encoded and decoded alike.
#[derive(Debug)]
pub struct Channel {
    sender: UnboundedSender<Bytes>,
    receiver: UnboundedReceiver<Bytes>,
    handled: Handled,
}

impl Channel {
    /// An empty channel.
    #[must_use]
    pub fn start() -> Self {
        let (sender, receiver) = unbounded_channel();
        Self { sender, receiver, handled: Handled::default() }
    }
}

impl Contestant for Channel {
    fn name(&self) -> String {
        "a channel of bytes".to_owned()
    }

    fn run(&mut self, messages: usize) {
        for _ in 0..messages / BATCH {
            for _ in 0..BATCH {
                self.sender.send(ORDERED.encode().expect("it encodes")).expect("the receiver is there");
            }
            while let Ok(payload) = self.receiver.try_recv() {
                handle(Ordered::TYPE.content_type, &payload, &self.handled);
            }
        }
    }
}

/// The memory broker without the pipeline.
pub struct Backend {
    broker: Memory,
    consumer: Box<dyn Consumer>,
    handled: Handled,
    source: Arc<str>,
}

impl Backend {
    /// Subscribes.
    #[must_use]
    pub fn start() -> Self {
        let broker = Memory::new();
        let mut subscription = Subscription::new(Ordered::TYPE.topic.parse().expect("a topic"), "bench");
        subscription.concurrency = 16;
        let consumer = broker.subscribe(Arc::new(subscription)).now_or_never().expect("at once").expect("subscribed");
        Self { broker, consumer, handled: Handled::default(), source: "bench".into() }
    }

    fn publish(&self) {
        let mut metadata = Metadata::new(Ordered::TYPE.name, Arc::clone(&self.source));
        metadata.content_type = Some(Ordered::TYPE.content_type.into());
        let envelope = Envelope::new(Ordered::TYPE.topic.into(), metadata, ORDERED.encode().expect("it encodes"));
        let confirm = self.broker.publish(Arc::new(envelope)).now_or_never().expect("room");
        confirm.now_or_never().expect("at once").expect("published");
    }

    fn next(&mut self) -> Option<Delivery> {
        poll_fn(|task| self.consumer.poll_next(task)).now_or_never().flatten()
    }
}

impl Contestant for Backend {
    fn name(&self) -> String {
        "our backend, without the pipeline".to_owned()
    }

    fn run(&mut self, messages: usize) {
        for _ in 0..messages / BATCH {
            (0..BATCH).for_each(|_| self.publish());
            while let Some(delivery) = self.next() {
                let envelope = delivery.envelope();
                handle(envelope.metadata.content_type.as_deref().unwrap_or_default(), &envelope.payload, &self.handled);
                delivery.ack();
            }
        }
    }
}

fn handle(content_type: &str, payload: &[u8], handled: &Handled) {
    let event = Ordered::decode(Some(content_type), payload).expect("it decodes");
    handled.add(event.id, event.quantity);
}
