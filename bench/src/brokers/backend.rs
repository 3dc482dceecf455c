//! Our backend, without the pipeline.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::sync::Arc;

use comms::Message;
use comms::broker::{Broker, Confirm, Consumer};
use comms::message::{Envelope, Metadata, TraceParent};
use futures_util::future::BoxFuture;

use super::{Arrivals, Party, Shipped, TOPIC, WINDOW, confirmed};

/// A broker of ours alone.
#[derive(Debug)]
pub struct Backend {
    broker: Arc<dyn Broker>,
    event: Shipped,
    arrivals: Arrivals,
}

impl Backend {
    /// Declares its group.
    pub async fn join(broker: Arc<dyn Broker>, bytes: usize) -> Self {
        super::declare(broker.as_ref()).await;
        Self { broker, event: Shipped::of(bytes), arrivals: Arrivals::default() }
    }
}

impl Party for Backend {
    fn publish(&self, messages: usize) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            let (topic, source) = (Arc::<str>::from(TOPIC), Arc::<str>::from("bench"));
            let mut unconfirmed: VecDeque<Confirm> = VecDeque::with_capacity(WINDOW);
            for _ in 0..messages {
                if unconfirmed.len() == WINDOW {
                    confirmed(unconfirmed.pop_front()).await;
                }
                let mut metadata = Metadata::new(Shipped::TYPE.name, Arc::clone(&source));
                metadata.content_type = Some(Shipped::TYPE.content_type.into());
                metadata.correlation = Some(metadata.id.clone());
                metadata.trace = Some(TraceParent::root());
                let envelope = Envelope::new(Arc::clone(&topic), metadata, self.event.encode().expect("JSON"));
                unconfirmed.push_back(self.broker.publish(Arc::new(envelope)).await);
            }
            while !unconfirmed.is_empty() {
                confirmed(unconfirmed.pop_front()).await;
            }
        })
    }

    fn attach(&mut self) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            let consumer = self.broker.subscribe(super::subscription()).await.expect("subscribed");
            tokio::spawn(consume(consumer, self.arrivals.clone()));
        })
    }

    fn arrivals(&self) -> &Arrivals {
        &self.arrivals
    }

    fn leave(self: Box<Self>) -> BoxFuture<'static, ()> {
        Box::pin(async move { self.broker.close().await })
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
