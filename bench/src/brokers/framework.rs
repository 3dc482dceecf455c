//! The whole framework.

use std::collections::VecDeque;
use std::sync::Arc;

use comms::broker::{Broker, Confirm};
use comms::handler::{Location, ServiceDecl, SubscriptionDecl};
use comms::inject::{InjectError, Scope};
use comms::{App, AppBuilder, Publisher, Service, event_handler};
use futures_util::future::BoxFuture;

use super::{Arrivals, CONCURRENCY, Party, Shipped, WINDOW, confirmed};

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
    broker: Arc<dyn Broker>,
    publisher: Publisher<Shipped>,
    event: Shipped,
    arrivals: Arrivals,
    app: Option<App>,
}

impl Framework {
    /// Declares its group.
    pub async fn join(broker: Arc<dyn Broker>, bytes: usize) -> Self {
        super::declare(broker.as_ref()).await;
        let publisher = Publisher::new(Arc::clone(&broker), "bench".into());
        Self { broker, publisher, event: Shipped::of(bytes), arrivals: Arrivals::default(), app: None }
    }
}

impl Party for Framework {
    fn publish(&self, messages: usize) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            let mut unconfirmed: VecDeque<Confirm> = VecDeque::with_capacity(WINDOW);
            for _ in 0..messages {
                if unconfirmed.len() == WINDOW {
                    confirmed(unconfirmed.pop_front()).await;
                }
                unconfirmed.push_back(self.publisher.send(&self.event).await.expect("encoded"));
            }
            while !unconfirmed.is_empty() {
                confirmed(unconfirmed.pop_front()).await;
            }
        })
    }

    fn attach(&mut self) -> BoxFuture<'_, ()> {
        let app = AppBuilder::new("bench")
            .broker("default", Arc::clone(&self.broker))
            .provide(self.arrivals.clone())
            .service::<Bench>()
            .event_function::<comms::handler!(on_shipped)>("bench");
        Box::pin(async move { self.app = Some(app.start().await.expect("it starts")) })
    }

    fn arrivals(&self) -> &Arrivals {
        &self.arrivals
    }

    fn leave(self: Box<Self>) -> BoxFuture<'static, ()> {
        Box::pin(async move {
            if let Some(app) = self.app {
                app.shutdown().await;
            }
            self.broker.close().await;
        })
    }
}
