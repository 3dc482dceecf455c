//! Publishing: one task that owns a channel with confirms and everything not yet confirmed.
//!
//! Callers hand a job over without waiting; the task keeps the order, publishes ahead of the
//! confirmations, and after a lost connection publishes again, in order, what was not confirmed.

use std::sync::Arc;
use std::time::Duration;

use lapin::options::ConfirmSelectOptions;
use lapin::types::{FieldTable, ShortString};
use lapin::{Channel, ExchangeKind};
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep, sleep_until, timeout};
use tokio_util::sync::CancellationToken;

use super::RabbitMqConfig;
use super::connection::{LinkState, while_up};
use super::error::{again, broker_error, code_of, forbidden, is_fatal};
use super::flights::{Flights, Job, Letter};
use super::foreign;
use super::topology::declare_exchange;
use super::voyage::{End, Voyage};
use crate::broker::{BrokerError, BrokerErrorKind, Receipt};

/// How many jobs may wait to be taken up by the task.
pub(super) const QUEUED: usize = 256;

/// How long the server may take to open a channel.
const OPENING: Duration = Duration::from_secs(10);

/// Starts the task. It ends once `closing` is cancelled and everything is answered, or a moment after.
pub(super) fn start(
    config: Arc<RabbitMqConfig>,
    link: watch::Receiver<LinkState>,
    closing: CancellationToken,
) -> (mpsc::Sender<Job>, tokio::task::JoinHandle<()>) {
    let (sender, jobs) = mpsc::channel(QUEUED);
    let exchange = ShortString::try_new(config.exchange.as_str()).unwrap_or_default();
    let publisher = Publisher { config, exchange, link, jobs, flights: Flights::default(), careful: false, closing };
    (sender, tokio::spawn(publisher.run()))
}

pub(super) struct Publisher {
    pub(super) config: Arc<RabbitMqConfig>,
    pub(super) exchange: ShortString,
    pub(super) link: watch::Receiver<LinkState>,
    pub(super) jobs: mpsc::Receiver<Job>,
    pub(super) flights: Flights,
    /// The server closed the channel because of one message; until it is found they go one by one.
    pub(super) careful: bool,
    pub(super) closing: CancellationToken,
}

impl Publisher {
    async fn run(mut self) {
        while let Some(channel) = self.next_channel().await {
            match Voyage::on(channel).run(&mut self).await {
                End::Closed => return,
                End::Lost(error) => self.find_guilty(error),
                End::Stale(channel) => drop(timeout(OPENING, channel.close(200, "refuses for too long".into())).await),
            }
        }
    }

    /// A server closes the channel for a message that it won't take (no permission, too large) and
    /// doesn't say which. Publishing one at a time finds it.
    fn find_guilty(&mut self, error: Option<lapin::Error>) {
        let Some(error) = error.filter(|error| error.is_amqp_soft_error()) else { return };
        if code_of(&error) == Some(404) {
            return; // The exchange was deleted; the next channel declares it again.
        }
        if !self.careful && self.flights.len() > 1 {
            self.careful = true;
        } else if let Some(job) = self.flights.numbers().first().and_then(|&number| self.flights.take(number)) {
            let exchange = match &job.letter {
                Letter::Published(_) => &self.config.exchange,
                Letter::Routed(routed) => routed.exchange.as_str(),
                Letter::Copy(_) => "amq.default",
            };
            let needs = format!(
                "`write` on the exchange `{exchange}`, and on the topic where topics have permissions (rabbitmqctl list_topic_permissions)"
            );
            let refused = forbidden(&format!("publish the message to the exchange `{exchange}`"), &error, &needs);
            answer(job, Err(refused));
        }
    }

    /// The next working channel, while answering what can't wait. `None` once closed.
    async fn next_channel(&mut self) -> Option<Channel> {
        loop {
            let config = Arc::clone(&self.config);
            let opening = while_up(self.link.clone(), async move |connection| {
                // A server that does not answer must not hold this up.
                timeout(OPENING, open_channel(&config, &connection)).await.unwrap_or_else(|_| Err(no_answer()))
            });
            let opened = self.while_waiting(opening).await?;
            match opened {
                Ok(channel) => return Some(channel),
                Err(error) if error.kind() == BrokerErrorKind::Closed => {
                    self.give_up();
                    return None;
                }
                Err(error) => {
                    if is_fatal(error.kind()) {
                        self.fail_all(&error);
                    }
                    tracing::debug!(%error, "no channel to publish on yet");
                    self.while_waiting(sleep(Duration::from_millis(100))).await?;
                }
            }
        }
    }

    /// Awaits while deadlines go on to count. `None` when everything was closed meanwhile.
    async fn while_waiting<T>(&mut self, future: impl Future<Output = T>) -> Option<T> {
        let mut future = std::pin::pin!(future);
        loop {
            let deadline = self.flights.earliest_deadline();
            tokio::select! {
                result = &mut future => return Some(result),
                () = at(deadline) => self.expire(),
                job = self.jobs.recv(), if self.flights.len() < self.config.window => match job {
                    Some(job) => { self.flights.push(job); }
                    None => { self.give_up(); return None; }
                },
                () = self.closing.cancelled(), if self.flights.len() == 0 => return None,
            }
        }
    }

    pub(super) fn expire(&mut self) {
        for job in self.flights.take_expired(Instant::now()) {
            let waited = "the message was not confirmed by RabbitMQ before its deadline; whether it was taken is unknown";
            answer(job, Err(BrokerError::new(BrokerErrorKind::Unknown, waited)));
        }
    }

    /// What is open may have reached the server.
    fn give_up(&mut self) {
        let text = "the RabbitMQ connection was closed by this process before the message was confirmed; whether it was taken is unknown";
        self.fail_all(&BrokerError::new(BrokerErrorKind::Unknown, text));
    }

    fn fail_all(&mut self, error: &BrokerError) {
        for number in self.flights.numbers() {
            if let Some(job) = self.flights.take(number) {
                answer(job, Err(again(error)));
            }
        }
    }

    pub(super) fn room(&self) -> usize {
        let window = if self.careful { 1 } else { self.config.window };
        window.saturating_sub(self.flights.len())
    }
}

pub(super) fn answer(job: Job, result: Result<Receipt, BrokerError>) {
    // Whoever dropped the receiver has given up knowing.
    let _ = job.answer.send(result);
}

fn no_answer() -> BrokerError {
    BrokerError::new(BrokerErrorKind::Connection, format!("RabbitMQ did not open a channel to publish on within {OPENING:?}"))
}

async fn open_channel(config: &RabbitMqConfig, connection: &lapin::Connection) -> Result<Channel, BrokerError> {
    foreign::ensure_all(config, connection).await?;
    let channel = connection.create_channel().await.map_err(|error| broker_error("open a channel to publish on", &error))?;
    declare_exchange(&channel, &config.exchange, ExchangeKind::Topic, FieldTable::default()).await?;
    let confirms = channel.confirm_select(ConfirmSelectOptions::default()).await;
    confirms.map_err(|error| broker_error("switch on publisher confirms", &error))?;
    Ok(channel)
}

async fn at(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => sleep_until(deadline).await,
        None => std::future::pending().await,
    }
}
