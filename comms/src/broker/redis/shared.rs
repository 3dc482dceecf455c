//! What the parts of one broker have in common.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::RedisConfig;
use super::connection::Link;
use super::dialer::Dialer;
use super::error::is_fatal;
use super::keys::Keys;
use super::publisher::{Job, Publisher, QUEUED};
use super::to::To;
use super::topics::{Published, keep_house};
use super::writer::Writer;
use crate::broker::{BrokerError, BrokerErrorKind};

/// How long closing waits for confirmations, and for members to leave.
const LAST: Duration = Duration::from_secs(5);

/// See the fields.
pub(super) struct Shared {
    pub(super) config: Arc<RedisConfig>,
    pub(super) keys: Keys,
    pub(super) link: Arc<Link>,
    pub(super) jobs: mpsc::Sender<Job>,
    pub(super) published: Arc<Published>,
    publisher: Mutex<Option<JoinHandle<()>>>,
    /// The members that read; closing waits until they have left.
    pub(super) members: TaskTracker,
    /// Consumers end and nothing new is taken.
    pub(super) stopping: CancellationToken,
    /// The publisher answers what is open and ends.
    publisher_closing: CancellationToken,
    link_closing: CancellationToken,
}

/// What a [`Shared`] is made from.
pub(super) struct Parts {
    pub(super) dialer: Dialer,
    pub(super) keys: Keys,
    pub(super) to: To,
    pub(super) stopping: CancellationToken,
}

impl Shared {
    /// Connects first.
    pub(super) async fn connect(parts: Parts) -> Result<Self, BrokerError> {
        let closing = CancellationToken::new();
        let link = Arc::new(Link::open(parts.dialer.clone(), closing.clone()).await?);
        let posting = match parts.to.replicas() {
            None => Arc::clone(&link),
            // What else goes over the connection would wait for the replicas as well.
            Some(_) => Arc::new(Link::open(parts.dialer.clone(), closing.clone()).await?),
        };
        Ok(Self::over(link, posting, parts, closing))
    }

    /// Connects meanwhile; must be called within a tokio runtime.
    pub(super) fn begin(parts: Parts) -> Self {
        let closing = CancellationToken::new();
        let link = Arc::new(Link::begin(parts.dialer.clone(), closing.clone()));
        let posting = match parts.to.replicas() {
            None => Arc::clone(&link),
            Some(_) => Arc::new(Link::begin(parts.dialer.clone(), closing.clone())),
        };
        Self::over(link, posting, parts, closing)
    }

    fn over(link: Arc<Link>, posting: Arc<Link>, parts: Parts, link_closing: CancellationToken) -> Self {
        let Parts { dialer: Dialer { config, .. }, keys, to, stopping } = parts;
        let published = Arc::new(Published::default());
        let (jobs, receiver) = mpsc::channel(QUEUED);
        let publisher_closing = CancellationToken::new();
        let writer = Writer::new(to, keys.clone(), Arc::clone(&published));
        let publisher = Publisher::new(config.window, writer, posting, receiver, publisher_closing.clone());
        let publisher = Mutex::new(Some(tokio::spawn(publisher.run())));
        if let To::Streams(_) = to {
            tokio::spawn(keep_house(Arc::clone(&link), keys.clone(), config.retain, Arc::clone(&published), stopping.clone()));
        }
        Self { config, keys, link, jobs, published, publisher, members: TaskTracker::new(), stopping, publisher_closing, link_closing }
    }

    /// Repeats what a lost connection makes fail, as long as a publish would.
    pub(super) async fn patiently<T, F>(&self, attempted: &str, work: impl Fn() -> F) -> Result<T, BrokerError>
    where
        F: Future<Output = Result<T, BrokerError>>,
    {
        let within = self.config.publish_timeout;
        let mut last = None;
        let repeat = async {
            loop {
                match work().await {
                    Err(error) if !is_fatal(error.kind()) => {
                        tracing::debug!(%error, "trying again");
                        last = Some(error);
                        sleep(Duration::from_millis(100)).await;
                    }
                    result => return result,
                }
            }
        };
        let result = timeout(within, repeat).await;
        result.unwrap_or_else(|_| {
            let message = format!("could not {attempted} within {within:?}: no connection to Redis that works");
            let error = BrokerError::new(BrokerErrorKind::Connection, message);
            Err(match last {
                Some(last) => error.with_source(last),
                None => error,
            })
        })
    }

    pub(super) async fn close(&self) {
        self.stopping.cancel();
        self.publisher_closing.cancel();
        let publisher = self.publisher.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(mut task) = publisher
            && timeout(LAST, &mut task).await.is_err()
        {
            task.abort();
        }
        self.members.close();
        // A server that does not answer must not hold up the process.
        let _ = timeout(LAST, self.members.wait()).await;
        self.link_closing.cancel();
        self.link.closed().await;
    }

    /// For when nobody waits: everything ends by itself.
    pub(super) fn abandon(&self) {
        self.stopping.cancel();
        self.publisher_closing.cancel();
        let (members, link) = (self.members.clone(), self.link_closing.clone());
        members.close();
        match tokio::runtime::Handle::try_current() {
            Ok(runtime) => drop(runtime.spawn(async move {
                let _ = timeout(LAST, members.wait()).await;
                link.cancel();
            })),
            Err(_) => link.cancel(),
        }
    }
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Shared").field(&self.config).finish()
    }
}
