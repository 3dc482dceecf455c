//! The whole framework.

use std::collections::VecDeque;
use std::sync::Arc;

use comms::broker::Confirm;
use comms::handler::{Location, ServiceDecl, SubscriptionDecl};
use comms::inject::{InjectError, Scope};
use comms::{App, AppBuilder, Publisher, Service, event_handler};
use tokio::runtime::Runtime;

use super::{Arrivals, CONCURRENCY, Shipped, WINDOW};
use crate::contest::Contestant;

/// The service that the handler belongs to: it says how many messages are handled at once.
#[derive(Debug)]
struct Bench;

const SUBSCRIPTIONS: &[SubscriptionDecl] = &[SubscriptionDecl::new("parcels").concurrency(CONCURRENCY)];

impl Service for Bench {
    const DECL: ServiceDecl = ServiceDecl::new("bench", "1.0.0", Location::new(file!(), line!())).subscriptions(SUBSCRIPTIONS);
    type Dependencies = ();

    fn build(_: &Scope) -> Result<Self, InjectError> {
        Ok(Self)
    }
}

#[event_handler(service = "bench")]
async fn on_shipped(event: Shipped, arrivals: Arrivals) {
    arrivals.add(&event);
}

/// `comms` as its users have it.
#[derive(Debug)]
pub struct Framework {
    runtime: Arc<Runtime>,
    publisher: Publisher<Shipped>,
    arrivals: Arrivals,
    _app: App,
}

impl Framework {
    /// Starts the application.
    #[must_use]
    pub fn start(runtime: Arc<Runtime>, url: &str) -> Self {
        let arrivals = Arrivals::default();
        let app = AppBuilder::new("bench")
            .broker("default", Arc::new(super::connect(&runtime, url, "bench-framework")))
            .provide(arrivals.clone())
            .service::<Bench>()
            .event_function::<comms::handler!(on_shipped)>("bench");
        let app = runtime.block_on(app.start()).expect("it starts");
        let publisher = app.inject().expect("a publisher");
        Self { runtime, publisher, arrivals, _app: app }
    }

    async fn publish(&self, messages: usize) {
        let event = Shipped::new();
        let mut unconfirmed: VecDeque<Confirm> = VecDeque::with_capacity(WINDOW);
        for _ in 0..messages {
            if unconfirmed.len() == WINDOW {
                confirmed(unconfirmed.pop_front()).await;
            }
            unconfirmed.push_back(self.publisher.send(&event).await.expect("encoded"));
        }
        while !unconfirmed.is_empty() {
            confirmed(unconfirmed.pop_front()).await;
        }
    }
}

async fn confirmed(confirm: Option<Confirm>) {
    if let Some(confirm) = confirm {
        confirm.await.expect("confirmed");
    }
}

impl Contestant for Framework {
    fn name(&self) -> String {
        "comms, whole framework".to_owned()
    }

    fn run(&mut self, messages: usize) {
        self.arrivals.expect(messages);
        self.runtime.block_on(async { tokio::join!(self.publish(messages), self.arrivals.all()) });
    }
}
