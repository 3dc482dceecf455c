//! The same event through `ruststream` on its memory broker: its own dispatch, JSON decode and acknowledgement.
#![allow(missing_docs, clippy::missing_panics_doc)]

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use comms_bench::contest::Contestant;
use comms_bench::in_process::{BATCH, ORDERED};
use comms_bench::region;
use ruststream::OutgoingMessage;
use ruststream::memory::MemoryPublisher;
use ruststream::memory::prelude::*;
use ruststream::runtime::RunningApp;
use serde::Deserialize;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::Notify;

#[derive(Debug, Deserialize)]
pub struct Ordered {
    pub id: u64,
    pub quantity: u32,
}

#[derive(Clone, Debug, Default)]
pub struct Handled(Arc<(AtomicUsize, Notify)>);

impl Handled {
    fn add(&self) {
        if self.0.0.fetch_sub(1, Ordering::Relaxed) == 1 {
            self.0.1.notify_one();
        }
    }
}

#[subscriber("orders")]
async fn on_ordered(event: &Ordered, context: &mut Context<'_, (), Handled>) -> HandlerOutcome {
    std::hint::black_box((event.id, event.quantity));
    context.state().add();
    HandlerOutcome::ack()
}

pub struct RustStreamLoop {
    runtime: Runtime,
    publisher: MemoryPublisher,
    handled: Handled,
    _app: RunningApp,
}

impl RustStreamLoop {
    #[must_use]
    pub fn start() -> Self {
        let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
        let (broker, handled) = (MemoryBroker::new(), Handled::default());
        let state = handled.clone();
        let app = RustStream::new(AppInfo::new("bench", "0.0.0"))
            .on_startup(async move |()| Ok::<_, Infallible>(state))
            .with_broker(broker.clone(), |scope| {
                scope.include(on_ordered);
            });
        let app = runtime.block_on(app.start()).expect("it starts");
        let publisher = broker.publisher();
        Self { runtime, publisher, handled, _app: app }
    }

    /// Publishes so many; none is handled meanwhile.
    pub fn publish(&self, messages: usize) {
        self.handled.0.0.store(messages, Ordering::Relaxed);
        self.runtime.block_on(async {
            for _ in 0..messages {
                let payload = serde_json::to_vec(&ORDERED).expect("JSON");
                self.publisher.publish(OutgoingMessage::new("orders", &payload), None).await.expect("published");
            }
        });
    }

    /// Lets the handlers run until everything is handled.
    pub fn deliver(&self) {
        self.runtime.block_on(self.handled.0.1.notified());
    }
}

impl Contestant for RustStreamLoop {
    fn name(&self) -> String {
        "ruststream 0.7.7".to_owned()
    }

    fn run(&mut self, messages: usize) {
        for _ in 0..messages / BATCH {
            region::publishing(&mut || self.publish(BATCH));
            region::delivering(&mut || self.deliver());
        }
    }
}
