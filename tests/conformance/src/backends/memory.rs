//! The embedded broker, plain and with a log.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use comms::broker::memory::Memory;
use comms::broker::{Broker, Capabilities};
use futures_util::future::{BoxFuture, ready};

use crate::{Backend, Server, Setup};

/// `memory:name`: not replayable, reports what is unrouted.
pub struct Plain(Named);

/// `memory:name?log=100000`: replayable.
pub struct WithLog(Named);

/// A broker with a name of its own, so that a URL leads to it too.
struct Named {
    url: String,
    /// Keeps it alive between the case's connections.
    first: Memory,
}

impl Named {
    fn open(setup: Setup, options: &str) -> Self {
        static BROKERS: AtomicU64 = AtomicU64::new(0);
        let capacity = format!("capacity={}", setup.capacity.unwrap_or(20_000));
        let query = [capacity, setup.query(), options.to_owned()].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("&");
        let url = format!("memory:conformance-{}?{query}", BROKERS.fetch_add(1, Ordering::Relaxed));
        let first = Memory::open(&url).expect("a memory broker");
        Self { url, first }
    }
}

macro_rules! backend {
    ($name:ident, $options:literal, $log:literal) => {
        impl Backend for $name {
            async fn start(setup: Setup) -> Self {
                Self(Named::open(setup, $options))
            }

            fn url(&self) -> String {
                self.0.url.clone()
            }

            fn connect(&self) -> BoxFuture<'_, Arc<dyn Broker>> {
                Box::pin(ready(Arc::new(self.0.first.connect()) as Arc<dyn Broker>))
            }

            fn capabilities(&self) -> Capabilities {
                let mut capabilities = Capabilities::none();
                capabilities.delayed = true;
                capabilities.transactional = true;
                capabilities.replayable = $log;
                capabilities.reports_unrouted = !$log;
                capabilities
            }

            fn server(&self) -> Option<&dyn Server> {
                None
            }

            fn patience(&self) -> Duration {
                Duration::from_secs(10)
            }

            fn silence(&self) -> Duration {
                Duration::from_millis(30)
            }

            fn delay(&self) -> (Duration, Duration) {
                (Duration::from_millis(200), Duration::from_secs(2))
            }
        }
    };
}

backend!(Plain, "", false);
backend!(WithLog, "log=100000", true);
