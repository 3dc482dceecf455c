//! Our backend, without the pipeline.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::sync::Arc;

use comms::Message;
use comms::broker::rabbitmq::RabbitMq;
use comms::broker::{Broker, Confirm, Consumer};
use comms::message::{Envelope, Metadata, TraceParent};
use tokio::runtime::Runtime;

use super::{Arrivals, Shipped, WINDOW};
use crate::contest::Contestant;

/// `comms::broker::rabbitmq` alone.
#[derive(Debug)]
pub struct Backend {
    runtime: Arc<Runtime>,
    broker: RabbitMq,
    arrivals: Arrivals,
}

impl Backend {
    /// Connects, and begins to consume.
    #[must_use]
    pub fn start(runtime: Arc<Runtime>, url: &str) -> Self {
        let broker = super::connect(&runtime, url, "bench-backend");
        let arrivals = Arrivals::default();
        let consumer = runtime.block_on(broker.subscribe(super::subscription("bench-backend"))).expect("subscribed");
        runtime.spawn(consume(consumer, arrivals.clone()));
        Self { runtime, broker, arrivals }
    }

    async fn publish(&self, messages: usize) {
        let (event, topic, source) = (Shipped::new(), Arc::<str>::from("parcels"), Arc::<str>::from("bench"));
        let mut unconfirmed: VecDeque<Confirm> = VecDeque::with_capacity(WINDOW);
        for _ in 0..messages {
            if unconfirmed.len() == WINDOW {
                confirmed(unconfirmed.pop_front()).await;
            }
            let mut metadata = Metadata::new(Shipped::TYPE.name, Arc::clone(&source));
            metadata.content_type = Some(Shipped::TYPE.content_type.into());
            metadata.correlation = Some(metadata.id.clone());
            metadata.trace = Some(TraceParent::root());
            let envelope = Envelope::new(Arc::clone(&topic), metadata, event.encode().expect("JSON"));
            unconfirmed.push_back(self.broker.publish(Arc::new(envelope)).await);
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

async fn consume(mut consumer: Box<dyn Consumer>, arrivals: Arrivals) {
    while let Some(delivery) = poll_fn(|context| consumer.poll_next(context)).await {
        let envelope = delivery.envelope();
        arrivals.add(&Shipped::decode(envelope.metadata.content_type.as_deref(), &envelope.payload).expect("JSON"));
        delivery.ack();
        tokio::task::coop::consume_budget().await;
    }
}

impl Contestant for Backend {
    fn name(&self) -> String {
        "our backend, without the pipeline".to_owned()
    }

    fn run(&mut self, messages: usize) {
        self.arrivals.expect(messages);
        self.runtime.block_on(async { tokio::join!(self.publish(messages), self.arrivals.all()) });
    }
}
