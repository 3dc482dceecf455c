//! hexeract on RabbitMQ: a durable quorum queue, persistent messages, confirms.

use std::sync::Arc;

use hexeract::bus::{BusError, Handler, Message, Transport};
use hexeract::bus_rabbitmq::{RabbitMqConnection, RabbitMqTransport, RabbitMqWorkerBuilder};
use hexeract::core::HandlerContext;
use tokio_util::sync::CancellationToken;

use crate::{Failure, Joined, PREFETCH, Shipped, arrivals, ruststream};

impl Message for Shipped {
    const MESSAGE_TYPE: &'static str = "bench.shipped";
}

struct OnShipped;

impl Handler<Shipped> for OnShipped {
    type Error = BusError;

    async fn handle(&self, event: Shipped, _context: &HandlerContext) -> Result<(), BusError> {
        std::hint::black_box((event.id, event.text));
        arrivals::handled();
        Ok(())
    }
}

pub async fn join(url: &str, name: &str) -> Result<Joined, Failure> {
    ruststream::declare_queue(url, name).await?;
    let transport = Arc::new(RabbitMqTransport::new(url).await?);
    let worker = RabbitMqWorkerBuilder::new(RabbitMqConnection::connect(url).await?)
        .queue(name)
        .prefetch(PREFETCH)
        .register_handler::<Shipped, _>(OnShipped)
        .build()?;
    let queue: Arc<str> = name.into();
    Ok(Joined {
        publish: Arc::new(move |event| {
            let (transport, queue) = (transport.clone(), queue.clone());
            Box::pin(async move { Ok(transport.publish(&queue, event.as_ref()).await.map(drop)?) })
        }),
        attach: Box::new(move || {
            Box::pin(async move {
                let stop = CancellationToken::new();
                tokio::spawn(worker.run(stop.clone()));
                Ok(Box::new(stop.drop_guard()) as _)
            })
        }),
    })
}
