//! The service as a user writes it. The article that a call is about says what happens to it.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use comms::grpc::prost_types::Timestamp;
use comms::grpc::{GrpcError, Inbound, Outbound};
use comms::handler::{Location, ServiceDecl};
use comms::inject::{InjectError, Scope};
use comms::{Class, Classify, Context, Service};
use tokio::sync::Notify;

use crate::money::Money;
use crate::proto::shop::common::v1::Article;
use crate::proto::shop::inventory::v1::{Delivery, Inventory, Level, Offer, Receipt, Reservation, ReserveRequest, WatchRequest};

/// What goes wrong in a stock.
#[derive(Debug, thiserror::Error)]
pub enum StockError {
    /// Permanent.
    #[error("there is no article `{0}`")]
    Missing(String),
    /// Retryable.
    #[error("the shelf is being moved")]
    Busy,
    /// Unknown, with a text that is nobody's business.
    #[error("password=hunter2 was refused")]
    Broken,
    /// The stream of requests failed.
    #[error(transparent)]
    Caller(#[from] GrpcError),
}

impl Classify for StockError {
    fn class(&self) -> Class {
        match self {
            Self::Missing(_) => Class::Permanent,
            Self::Busy => Class::Retryable,
            Self::Broken => Class::Unknown,
            Self::Caller(error) => error.class(),
        }
    }
}

/// What tests see of the handlers.
#[derive(Debug, Default)]
pub struct Seen {
    /// Handlers that began.
    pub begun: AtomicUsize,
    /// Handlers, and their streams, that are at work.
    pub at_work: AtomicUsize,
    /// Answers that streams were asked for.
    pub produced: AtomicUsize,
    /// Streams of requests that a handler took for whole.
    pub whole: AtomicUsize,
    /// Streams of requests that ended with an error.
    pub broken: AtomicUsize,
    /// When the last handler, or its stream, ended or was dropped.
    pub ended: Mutex<Option<Instant>>,
    /// Lets one call for the article `held` go on.
    pub gate: Notify,
}

impl Seen {
    /// Counts as work until it is dropped.
    fn work(self: &Arc<Self>) -> AtWork {
        self.begun.fetch_add(1, Ordering::SeqCst);
        self.at_work.fetch_add(1, Ordering::SeqCst);
        AtWork(Arc::clone(self))
    }
}

struct AtWork(Arc<Seen>);

impl Drop for AtWork {
    fn drop(&mut self) {
        *self.0.ended.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
        self.0.at_work.fetch_sub(1, Ordering::SeqCst);
    }
}

/// The stock.
#[derive(Debug, Default)]
pub struct Stock {
    /// What its handlers did.
    pub seen: Arc<Seen>,
}

// By hand, since this crate has no wiring.
impl Service for Stock {
    const DECL: ServiceDecl = ServiceDecl::new("inventory", "1.0.0", Location::new(file!(), line!()));
    type Dependencies = (Arc<Seen>,);

    fn build(scope: &Scope) -> Result<Self, InjectError> {
        Ok(Self { seen: scope.get()? })
    }
}

fn sku(article: Option<Article>) -> String {
    article.unwrap_or_default().sku
}

fn refuse(sku: &str) -> Result<(), StockError> {
    match sku {
        "missing" => Err(StockError::Missing(sku.to_owned())),
        "busy" => Err(StockError::Busy),
        "broken" => Err(StockError::Broken),
        "panic" => panic!("the shelf fell over"),
        _ => Ok(()),
    }
}

fn context() -> HashMap<String, String> {
    let context = Context::current();
    let values = [
        ("correlation", context.correlation().map(ToString::to_string)),
        ("trace", context.trace().map(|trace| format!("{:032x}", trace.trace_id()))),
        ("deadline", context.deadline().map(|deadline| deadline.to_string())),
    ];
    values.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
}

impl Inventory for Stock {
    type Error = StockError;

    async fn reserve(&self, request: ReserveRequest) -> Result<Reservation, StockError> {
        let _work = self.seen.work();
        let sku = sku(request.article);
        refuse(&sku)?;
        match sku.as_str() {
            "slow" => std::future::pending().await,
            "held" => self.seen.gate.notified().await,
            _ => {}
        }
        let total = Money::euros(i64::from(request.quantity) * 250);
        Ok(Reservation { total: Some(total), until: Some(Timestamp { seconds: 1_800_000_000, nanos: 0 }), context: context() })
    }

    async fn watch(&self, request: WatchRequest) -> Result<Outbound<Level, StockError>, StockError> {
        let work = self.seen.work();
        let sku = sku(request.article);
        refuse(&sku)?;
        let padding = vec![7; request.padding as usize];
        Ok(Outbound::produce(move |levels| async move {
            for number in 0..request.count {
                levels.send(Level { number, padding: padding.clone() }).await?;
                work.0.produced.fetch_add(1, Ordering::SeqCst);
            }
            match sku.as_str() {
                "late" => Err(StockError::Missing(sku)),
                "late panic" => panic!("the shelf fell over while it was watched"),
                "endless" => std::future::pending().await,
                _ => Ok(()),
            }
        }))
    }

    async fn receive(&self, mut deliveries: Inbound<Delivery>) -> Result<Receipt, StockError> {
        let _work = self.seen.work();
        let mut receipt = Receipt::default();
        loop {
            match deliveries.message().await {
                Ok(Some(delivery)) => {
                    receipt.deliveries += 1;
                    receipt.quantity += delivery.quantity;
                    let sku = sku(delivery.article);
                    refuse(&sku)?;
                    if sku == "slow" {
                        std::future::pending::<()>().await;
                    }
                }
                Ok(None) => {
                    self.seen.whole.fetch_add(1, Ordering::SeqCst);
                    return Ok(receipt);
                }
                Err(error) => {
                    self.seen.broken.fetch_add(1, Ordering::SeqCst);
                    return Err(error.into());
                }
            }
        }
    }

    async fn haggle(&self, mut offers: Inbound<Offer>) -> Result<Outbound<Offer, StockError>, StockError> {
        let work = self.seen.work();
        Ok(Outbound::produce(move |answers| async move {
            let _work = work;
            while let Some(offer) = offers.message().await? {
                let price = offer.price.unwrap_or_default();
                answers.send(Offer { price: Some(Money { cents: price.cents / 2, ..price }) }).await?;
            }
            Ok(())
        }))
    }

    async fn close(&self, (): ()) -> Result<(), StockError> {
        Ok(())
    }
}
