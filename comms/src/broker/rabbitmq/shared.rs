//! What the parts of one broker have in common.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use bytes::Bytes;
use lapin::{BasicProperties, Channel, Connection};
use tokio::sync::{OnceCell, mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::RabbitMqConfig;
use super::connection::{Link, while_up};
use super::error::{broker_error, is_fatal};
use super::flights::{Job, Letter, QueueCopy};
use super::foreign;
use super::publisher;
use super::queues;
use super::settle::Desk;
use super::topology::declare_queue;
use crate::broker::{BrokerError, BrokerErrorKind, Confirm};

/// How long closing waits for confirmations.
const LAST_CONFIRMS: Duration = Duration::from_secs(5);

/// Two connections: a server short of memory stops reading from those that publish, and
/// acknowledgements, which free memory, must still come through.
pub(super) struct Shared {
    pub(super) config: Arc<RabbitMqConfig>,
    name: String,
    pub(super) publishing: Link,
    consuming: OnceCell<Link>,
    pub(super) jobs: mpsc::Sender<Job>,
    publisher: Mutex<Option<JoinHandle<()>>>,
    rungs: Mutex<HashSet<String>>,
    /// Rungs that were looked for in vain, and when.
    absent: Mutex<HashMap<String, Instant>>,
    desks: Mutex<Vec<Weak<Desk>>>,
    /// Held by whoever reads dead letters; see [`Turn`](super::turn::Turn).
    pub(super) reading: tokio::sync::Mutex<()>,
    /// Consumers end and nothing new is taken.
    pub(super) stopping: CancellationToken,
    /// The publisher answers what is open and ends.
    publisher_closing: CancellationToken,
    links_closing: CancellationToken,
}

impl Shared {
    pub(super) async fn connect(config: Arc<RabbitMqConfig>, service: &str) -> Result<Self, BrokerError> {
        let name = config.connection_name.clone().unwrap_or_else(|| service.to_owned());
        let (publisher_closing, links_closing) = (CancellationToken::new(), CancellationToken::new());
        let publishing = Link::open(Arc::clone(&config), format!("{name} (publish)"), links_closing.clone()).await?;
        if !config.routes.is_empty() {
            // What is wrong with them is said now, and not when the first message is published.
            let look = || async { foreign::ensure_all(&config, &*publishing.up().await?).await };
            if let Err(error) = patiently(config.connect_timeout, "use the exchanges of the option `route`", look).await {
                links_closing.cancel();
                return Err(error);
            }
        }
        let (jobs, publisher) = publisher::start(Arc::clone(&config), publishing.watch(), publisher_closing.clone());
        Ok(Self {
            config,
            name,
            publishing,
            consuming: OnceCell::new(),
            jobs,
            publisher: Mutex::new(Some(publisher)),
            rungs: Mutex::default(),
            absent: Mutex::default(),
            desks: Mutex::default(),
            reading: tokio::sync::Mutex::default(),
            stopping: CancellationToken::new(),
            publisher_closing,
            links_closing,
        })
    }

    /// The connection to consume on, made with the first subscription.
    pub(super) async fn consuming(&self) -> Result<&Link, BrokerError> {
        let open = || Link::open(Arc::clone(&self.config), format!("{} (consume)", self.name), self.links_closing.clone());
        self.consuming.get_or_try_init(open).await
    }

    pub(super) fn links(&self) -> impl Iterator<Item = &Link> {
        std::iter::once(&self.publishing).chain(self.consuming.get())
    }

    /// How many messages the members of this process hold of a subscription, unsettled.
    pub(super) fn held(&self, subscription: &str) -> u64 {
        let desks = self.desks.lock().unwrap_or_else(PoisonError::into_inner);
        desks.iter().filter_map(Weak::upgrade).filter(|desk| desk.is_of(subscription)).map(|desk| desk.open()).sum()
    }

    pub(super) fn add_desk(&self, desk: &Arc<Desk>) {
        let mut desks = self.desks.lock().unwrap_or_else(PoisonError::into_inner);
        desks.retain(|desk| desk.strong_count() > 0);
        desks.push(Arc::downgrade(desk));
    }

    /// Publishes straight to a queue and waits until it is safe there.
    pub(super) async fn send_copy(&self, queue: String, properties: BasicProperties, payload: Bytes) -> Result<(), BrokerError> {
        let (answer, answered) = oneshot::channel();
        let letter = Letter::Copy(Box::new(QueueCopy { queue, properties, payload }));
        let deadline = Instant::now() + self.config.publish_timeout;
        self.jobs.send(Job { letter, deadline, answer }).await.map_err(|_| BrokerError::closed("publish"))?;
        Confirm::waiting(answered).await.map(|_| ())
    }

    /// The queue that holds messages back for the delay, rounded up to the next rung, or to the last one.
    pub(super) async fn rung_for(&self, queue: &str, delay: Duration) -> Result<String, BrokerError> {
        let ladder = &self.config.ladder;
        let Some(&rung) = ladder.iter().find(|&&rung| rung >= delay).or(ladder.last()) else {
            return Err(BrokerError::new(BrokerErrorKind::Config, "the ladder of delays is empty"));
        };
        let rung = queues::rung(&self.config, queue, rung);
        if !self.rungs.lock().unwrap_or_else(PoisonError::into_inner).contains(&rung.name) {
            self.with_channel("declare a queue for retries", |channel| {
                let rung = rung.clone();
                async move { declare_queue(&channel, &rung).await }
            })
            .await?;
            self.found_rung(&rung.name);
        }
        Ok(rung.name)
    }

    /// It exists.
    pub(super) fn found_rung(&self, rung: &str) {
        self.rungs.lock().unwrap_or_else(PoisonError::into_inner).insert(rung.to_owned());
        self.absent.lock().unwrap_or_else(PoisonError::into_inner).remove(rung);
    }

    /// It does not exist.
    pub(super) fn missed_rung(&self, rung: &str) {
        self.forget_rung(rung);
        self.absent.lock().unwrap_or_else(PoisonError::into_inner).insert(rung.to_owned(), Instant::now());
    }

    /// Whether it was looked for in vain a moment ago: each look is an error in the server's log.
    pub(super) fn is_missed(&self, rung: &str, within: Duration) -> bool {
        self.absent.lock().unwrap_or_else(PoisonError::into_inner).get(rung).is_some_and(|missed| missed.elapsed() < within)
    }

    /// To be declared again before the next use: somebody deleted it.
    pub(super) fn forget_rung(&self, rung: &str) {
        self.rungs.lock().unwrap_or_else(PoisonError::into_inner).remove(rung);
    }

    /// Does something on a channel of its own; a lost connection is waited out.
    pub(super) async fn with_channel<T, F>(&self, attempted: &str, work: impl Fn(Channel) -> F) -> Result<T, BrokerError>
    where
        F: Future<Output = Result<T, BrokerError>>,
    {
        let attempt = || {
            while_up(self.publishing.watch(), async |connection| {
                let channel = create_channel(&connection, attempted).await?;
                let result = work(channel.clone()).await;
                let _ = channel.close(200, "done".into()).await;
                result
            })
        };
        patiently(self.config.publish_timeout, attempted, attempt).await
    }

    pub(super) async fn close(&self) {
        self.stopping.cancel();
        self.publisher_closing.cancel();
        let publisher = self.publisher.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(mut task) = publisher
            && timeout(LAST_CONFIRMS, &mut task).await.is_err()
        {
            task.abort();
        }
        for desk in self.desks.lock().unwrap_or_else(PoisonError::into_inner).drain(..).filter_map(|desk| desk.upgrade()) {
            desk.flush();
        }
        self.links_closing.cancel();
        for link in self.links() {
            link.closed().await;
        }
    }

    /// For when nobody waits: everything ends by itself.
    pub(super) fn abandon(&self) {
        self.stopping.cancel();
        self.publisher_closing.cancel();
        self.links_closing.cancel();
    }
}

pub(super) async fn create_channel(connection: &Connection, attempted: &str) -> Result<Channel, BrokerError> {
    connection.create_channel().await.map_err(|error| broker_error(&format!("{attempted} (open a channel)"), &error))
}

/// Repeats what a lost connection makes fail, within the time.
pub(super) async fn patiently<T, F>(within: Duration, attempted: &str, work: impl Fn() -> F) -> Result<T, BrokerError>
where
    F: Future<Output = Result<T, BrokerError>>,
{
    let repeat = async {
        loop {
            match work().await {
                Err(error) if !is_fatal(error.kind()) => {
                    tracing::debug!(%error, "trying again");
                    sleep(Duration::from_millis(100)).await;
                }
                result => return result,
            }
        }
    };
    timeout(within, repeat).await.unwrap_or_else(|_| {
        Err(BrokerError::new(BrokerErrorKind::Connection, format!("could not {attempted} within {within:?}: no connection to RabbitMQ")))
    })
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Shared").field(&self.config).finish()
    }
}
