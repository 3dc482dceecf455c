//! The messages and services of the tests, as a user would declare them. What a handler does is a script of the test.

use std::fmt;
use std::sync::Arc;

use comms::{AppBuilder, Classified, Message, Publisher, Service, command, event, event_handler, service};
use futures_util::future::BoxFuture;
use serde::{Deserialize, Serialize};
use tokio::sync::Semaphore;

use crate::record::Seen;

/// Something to do.
#[event(name = "faults.job", version = 2, topic = "jobs", key = key)]
#[derive(Clone, Debug, PartialEq)]
pub struct Job {
    /// Jobs of one key keep their order where the subscription is ordered.
    pub key: String,
    /// Which one.
    pub number: u32,
}

impl Job {
    /// The job of this key and number.
    #[must_use]
    pub fn new(key: &str, number: u32) -> Self {
        Self { key: key.to_owned(), number }
    }

    /// `a1`.
    #[must_use]
    pub fn label(&self) -> String {
        format!("{}{}", self.key, self.number)
    }

    /// The label of the job in this body; the body itself when it is none.
    #[must_use]
    pub fn label_of(body: &[u8]) -> String {
        let job = <Self as Message>::decode(Some("application/json"), body);
        job.map_or_else(|_| String::from_utf8_lossy(body).into_owned(), |job| job.label())
    }
}

/// In one place below `shop`.
#[event(name = "faults.shipped", version = 1, topic = "shop.shipping")]
#[derive(Clone, Debug)]
pub struct Shipped {
    /// Which one.
    pub number: u32,
}

/// In another.
#[event(name = "faults.paid", version = 1, topic = "shop.billing.payments")]
#[derive(Clone, Debug)]
pub struct Paid {
    /// Which one.
    pub number: u32,
}

/// What a handler comes to.
pub type Outcome = Result<(), Classified>;

/// What the handlers of a test do with a job.
#[derive(Clone)]
pub struct Script(Arc<dyn Fn(Job) -> BoxFuture<'static, Outcome> + Send + Sync>);

impl Script {
    /// Runs the closure for each attempt.
    pub fn new<F: Future<Output = Outcome> + Send + 'static>(script: impl Fn(Job) -> F + Send + Sync + 'static) -> Self {
        Self(Arc::new(move |job| Box::pin(script(job))))
    }

    /// Notes that it begins, waits at the gate, and notes that it was there.
    #[must_use]
    pub fn gated(seen: &Seen, begun: &Seen, gate: &Arc<Semaphore>) -> Self {
        let (seen, begun, gate) = (seen.clone(), begun.clone(), Arc::clone(gate));
        Self::new(move |job| {
            let (seen, begun, gate) = (seen.clone(), begun.clone(), Arc::clone(&gate));
            async move {
                begun.add(job.label());
                drop(gate.acquire().await);
                seen.add(job.label());
                Ok(())
            }
        })
    }

    /// Runs a closure that waits for nothing.
    pub fn now(script: impl Fn(Job) -> Outcome + Send + Sync + 'static) -> Self {
        Self::new(move |job| std::future::ready(script(job)))
    }
}

impl fmt::Debug for Script {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Script")
    }
}

/// Four at once, retries on both levels.
#[service(name = "worker", version = "1.0.0", subscribe("jobs", concurrency = 4))]
#[derive(Debug)]
pub struct Worker {
    script: Script,
}

#[service]
impl Worker {
    #[event_handler(retry(max = 4, immediate = 1, backoff = "20ms..150ms"), timeout = "1s")]
    async fn on_job(&self, job: Job) -> Outcome {
        (self.script.0)(job).await
    }
}

/// Another group on the same topic.
#[service(name = "auditor", version = "1.0.0", subscribe("jobs"))]
#[derive(Debug)]
pub struct Auditor {
    script: Script,
}

#[service]
impl Auditor {
    #[event_handler(retry(max = 4, immediate = 1, backoff = "20ms..150ms"), timeout = "1s")]
    async fn on_job(&self, job: Job) -> Outcome {
        (self.script.0)(job).await
    }
}

/// Skips what it handled before.
#[service(name = "careful", version = "1.0.0", subscribe("jobs", dedup = "1m"))]
#[derive(Debug)]
pub struct Careful {
    script: Script,
}

#[service]
impl Careful {
    #[event_handler(retry(max = 4, immediate = 1, backoff = "20ms..150ms"), timeout = "1s")]
    async fn on_job(&self, job: Job) -> Outcome {
        (self.script.0)(job).await
    }
}

/// In order by key; after a dead letter it goes on.
#[service(name = "sorted", version = "1.0.0", subscribe("jobs", concurrency = 8, ordered(shards = 4, after = "continue")))]
#[derive(Debug)]
pub struct Sorted {
    script: Script,
}

#[service]
impl Sorted {
    #[event_handler(retry(max = 2, immediate = 1, backoff = "20ms..40ms"), timeout = "1s")]
    async fn on_job(&self, job: Job) -> Outcome {
        (self.script.0)(job).await
    }
}

/// In order by key; after a dead letter the key is parked.
#[service(name = "parking", version = "1.0.0", subscribe("jobs", concurrency = 8, ordered(shards = 4, after = "park-key")))]
#[derive(Debug)]
pub struct Parking {
    script: Script,
}

#[service]
impl Parking {
    #[event_handler(retry(max = 2, immediate = 1, backoff = "20ms..40ms"), timeout = "1s")]
    async fn on_job(&self, job: Job) -> Outcome {
        (self.script.0)(job).await
    }
}

/// What comes of a job.
#[event(name = "faults.shipment", version = 1, topic = "shipments", key = label)]
#[derive(Clone, Debug)]
pub struct Shipment {
    /// The label of its job.
    pub label: String,
}

/// Publishes a shipment for each job, in one transaction with its settlement; the script says whether that is to be.
#[service(name = "forwarder", version = "1.0.0", subscribe("jobs", concurrency = 8))]
#[derive(Debug)]
pub struct Forwarder {
    shipments: Publisher<Shipment>,
    script: Script,
}

#[service]
impl Forwarder {
    #[event_handler(transactional, retry(max = 40, immediate = 1, backoff = "20ms..150ms"), timeout = "30s")]
    async fn on_job(&self, job: Job) -> Outcome {
        let published = self.shipments.publish(&Shipment { label: job.label() }).await;
        published.map_err(|error| Classified::retryable(error.to_string()))?;
        (self.script.0)(job).await
    }
}

/// Notes the shipments.
#[service(name = "collector", version = "1.0.0", subscribe("shipments"))]
#[derive(Debug)]
pub struct Collector {
    seen: Seen,
}

#[service]
impl Collector {
    #[event_handler]
    async fn on_shipment(&self, shipment: Shipment) {
        self.seen.add(shipment.label);
    }
}

/// An application of the [`Collector`].
pub fn collector(seen: Seen) -> AppBuilder {
    AppBuilder::new("faults").service::<Collector>().event_handler::<__comms_Collector_on_shipment>().provide(seen)
}

/// Listens to everything below `shop`.
#[service(name = "watcher", version = "1.0.0", subscribe("shop.#"))]
#[derive(Debug)]
pub struct Watcher {
    seen: Seen,
}

#[service]
impl Watcher {
    #[event_handler]
    async fn on_shipped(&self, event: Shipped) {
        self.seen.add(format!("shipped {}", event.number));
    }

    #[event_handler]
    async fn on_paid(&self, event: Paid) {
        self.seen.add(format!("paid {}", event.number));
    }
}

/// Moves money.
#[command(name = "faults.transfer", version = 1, owner = "bank", reply = String, error = Refusal)]
#[derive(Clone, Debug)]
pub struct Transfer {
    /// So much.
    pub cents: u64,
}

/// Not enough is there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// So much is.
    pub available: u64,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "only {} cents are there", self.available)
    }
}

impl std::error::Error for Refusal {}

/// Has seven cents.
#[service(name = "bank", version = "1.0.0")]
#[derive(Debug)]
pub struct Bank;

#[service]
impl Bank {
    #[command(timeout = "5s")]
    async fn transfer(&self, transfer: Transfer) -> Result<String, Refusal> {
        if transfer.cents > 7 { Err(Refusal { available: 7 }) } else { Ok(format!("moved {}", transfer.cents)) }
    }
}

/// A service whose handler of jobs is a script.
pub trait Scripted: Service {
    /// Adds the service and its handler.
    fn wire(app: AppBuilder) -> AppBuilder;
}

macro_rules! scripted {
    ($($service:ident $handler:ident),* $(,)?) => {
        $(impl Scripted for $service {
            fn wire(app: AppBuilder) -> AppBuilder {
                app.service::<Self>().event_handler::<$handler>()
            }
        })*
    };
}

// As generated wiring names them.
scripted! {
    Worker __comms_Worker_on_job,
    Auditor __comms_Auditor_on_job,
    Careful __comms_Careful_on_job,
    Sorted __comms_Sorted_on_job,
    Parking __comms_Parking_on_job,
    Forwarder __comms_Forwarder_on_job,
}

/// An application of the service, with what its handler does.
pub fn scripted<S: Scripted>(script: Script) -> AppBuilder {
    S::wire(AppBuilder::new("faults")).provide(script)
}

/// An application of the [`Watcher`].
pub fn watcher(seen: Seen) -> AppBuilder {
    AppBuilder::new("faults")
        .service::<Watcher>()
        .event_handler::<__comms_Watcher_on_shipped>()
        .event_handler::<__comms_Watcher_on_paid>()
        .provide(seen)
}

/// An application of the [`Bank`].
pub fn bank() -> AppBuilder {
    AppBuilder::new("faults").service::<Bank>().request_handler::<__comms_Bank_transfer>()
}
