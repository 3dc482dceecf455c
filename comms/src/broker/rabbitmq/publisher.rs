//! Publishing: one task that owns a channel with confirms and everything not yet confirmed.
//!
//! Callers hand a job over without waiting; the task keeps the order, publishes ahead of the
//! confirmations, and after a lost connection publishes again, in order, what was not confirmed.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt, StreamExt};
use lapin::message::BasicReturnMessage;
use lapin::options::{BasicPublishOptions, ConfirmSelectOptions};
use lapin::types::{FieldTable, ShortString};
use lapin::{BasicProperties, Channel, Confirmation, ExchangeKind};
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, Sleep, sleep, sleep_until, timeout};
use tokio_util::sync::CancellationToken;

use super::RabbitMqConfig;
use super::connection::{LinkState, up};
use super::error::{again, broker_error, code_of, is_fatal};
use super::flights::{Flights, Job, Letter};
use super::headers::write_published;
use super::returns::{Outcome, Returns};
use super::topology::declare_exchange;
use crate::broker::{BrokerError, BrokerErrorKind, Receipt};

type Answer = Result<Confirmation, lapin::Error>;
type Flight = Pin<Box<dyn Future<Output = (u64, Answer)> + Send>>;

/// How many jobs may wait to be taken up by the task.
pub(super) const QUEUED: usize = 256;

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

struct Publisher {
    config: Arc<RabbitMqConfig>,
    exchange: ShortString,
    link: watch::Receiver<LinkState>,
    jobs: mpsc::Receiver<Job>,
    flights: Flights,
    /// The server closed the channel because of one message; until it is found they go one by one.
    careful: bool,
    closing: CancellationToken,
}

/// Why a channel came to its end.
enum End {
    /// Nothing is left to do.
    Closed,
    /// The channel or the connection is gone; what is open is published again.
    Lost(Option<lapin::Error>),
}

impl Publisher {
    async fn run(mut self) {
        while let Some(channel) = self.next_channel().await {
            match (Voyage { channel: Arc::new(channel), flying: FuturesUnordered::new(), returns: Returns::default() }).run(&mut self).await
            {
                End::Closed => return,
                End::Lost(error) => self.find_guilty(error),
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
            answer(job, Err(broker_error("publish the message", &error)));
        }
    }

    /// The next working channel, while answering what can't wait. `None` once closed.
    async fn next_channel(&mut self) -> Option<Channel> {
        loop {
            let mut link = self.link.clone();
            let config = Arc::clone(&self.config);
            let opening = async move {
                let connection = up(&mut link).await?;
                open_channel(&config, &connection).await
            };
            let opened = self.while_waiting(opening).await?;
            match opened {
                Ok(channel) => return Some(channel),
                Err(error) if error.kind() == BrokerErrorKind::Closed => {
                    self.fail_all(&error);
                    return None;
                }
                Err(error) => {
                    if is_fatal(error.kind()) {
                        self.fail_all(&error);
                    }
                    tracing::debug!(%error, "no channel to publish on yet");
                    self.while_waiting(sleep(std::time::Duration::from_millis(100))).await?;
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
                    None => { self.fail_all(&BrokerError::closed("publish")); return None; }
                },
                () = self.closing.cancelled(), if self.flights.len() == 0 => return None,
            }
        }
    }

    fn expire(&mut self) {
        for job in self.flights.take_expired(Instant::now()) {
            let waited = "the message was not confirmed by RabbitMQ before its deadline; whether it was taken is unknown";
            answer(job, Err(BrokerError::new(BrokerErrorKind::Unknown, waited)));
        }
    }

    fn fail_all(&mut self, error: &BrokerError) {
        for number in self.flights.numbers() {
            if let Some(job) = self.flights.take(number) {
                answer(job, Err(again(error)));
            }
        }
    }

    fn room(&self) -> usize {
        let window = if self.careful { 1 } else { self.config.window };
        window.saturating_sub(self.flights.len())
    }
}

/// The time of one channel.
struct Voyage {
    channel: Arc<Channel>,
    flying: FuturesUnordered<Flight>,
    returns: Returns,
}

impl Voyage {
    async fn run(mut self, publisher: &mut Publisher) -> End {
        if let Some(end) = self.repeat(publisher).await {
            return end;
        }
        let mut timer = std::pin::pin!(Timer::default());
        timer.as_mut().set(publisher.flights.earliest_deadline());
        let mut taken = Vec::new();
        let mut closing = false;
        let mut link = publisher.link.clone();
        loop {
            let room = publisher.room();
            let flights = &mut publisher.flights;
            tokio::select! {
                biased;
                error = std::future::poll_fn(|context| self.poll_confirmed(flights, context)) => {
                    if let Some(error) = error { return End::Lost(Some(error)); }
                    if closing && publisher.flights.len() == 0 { return End::Closed; }
                }
                count = publisher.jobs.recv_many(&mut taken, room), if room > 0 && !closing => {
                    if count == 0 { closing = true; }
                    for job in taken.drain(..) {
                        timer.as_mut().lower(job.deadline);
                        let number = publisher.flights.push(job);
                        self.launch(publisher, number);
                    }
                    if closing && publisher.flights.len() == 0 { return End::Closed; }
                }
                () = timer.as_mut() => {
                    publisher.expire();
                    timer.as_mut().set(publisher.flights.earliest_deadline());
                }
                changed = link.changed() => {
                    let lost = changed.is_err() || !matches!(&*link.borrow(), LinkState::Up(_));
                    if lost { return End::Lost(None); }
                }
                () = publisher.closing.cancelled(), if !closing => publisher.jobs.close(),
            }
        }
    }

    /// Publishes again what an earlier channel left unconfirmed; one by one while a guilty one is sought.
    async fn repeat(&mut self, publisher: &mut Publisher) -> Option<End> {
        for number in publisher.flights.numbers() {
            self.launch(publisher, number);
            while publisher.careful && publisher.flights.get(number).is_some() {
                let confirmed = std::future::poll_fn(|context| self.poll_confirmed(&mut publisher.flights, context));
                match timeout(publisher.config.publish_timeout, confirmed).await {
                    Ok(None) => {}
                    Ok(Some(error)) => return Some(End::Lost(Some(error))),
                    Err(_) => publisher.expire(),
                }
            }
        }
        publisher.careful = false;
        None
    }

    /// Puts the message on the wire, and what comes of it among the flying.
    fn launch(&mut self, publisher: &Publisher, number: u64) {
        let Some(job) = publisher.flights.get(number) else { return };
        let mut flight: Flight = match &job.letter {
            Letter::Published(envelope) => {
                // Checked when the job was made.
                let key = ShortString::try_new(&*envelope.topic).unwrap_or_default();
                let properties = write_published(&envelope.metadata);
                fly(Arc::clone(&self.channel), number, publisher.exchange.clone(), key, properties, envelope.payload.clone()).boxed()
            }
            Letter::Copy(copy) => {
                let key = ShortString::try_new(copy.queue.as_str()).unwrap_or_default();
                fly(Arc::clone(&self.channel), number, ShortString::default(), key, copy.properties.clone(), copy.payload.clone()).boxed()
            }
        };
        // lapin queues the frames at the first poll: done here, the order on the wire is the order of the jobs.
        match flight.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(answered) => self.flying.push(std::future::ready(answered).boxed()),
            Poll::Pending => self.flying.push(flight),
        }
    }

    /// Answers everything that is confirmed by now. Ready with the error that ended the channel, or
    /// with `None` after answers were given.
    fn poll_confirmed(&mut self, flights: &mut Flights, context: &mut Context<'_>) -> Poll<Option<lapin::Error>> {
        let mut any = false;
        while let Poll::Ready(Some((number, confirmed))) = self.flying.poll_next_unpin(context) {
            any = true;
            match confirmed {
                Err(error) => return Poll::Ready(Some(error)),
                Ok(confirmation) => self.note(flights, number, confirmation),
            }
        }
        if !any {
            return Poll::Pending;
        }
        for (number, outcome) in self.returns.finish_round(self.flying.is_empty()) {
            if let Some(job) = flights.take(number) {
                let result = settle(&job, outcome);
                answer(job, result);
            }
        }
        Poll::Ready(None)
    }

    fn note(&mut self, flights: &Flights, number: u64, confirmation: Confirmation) {
        let accepted = !confirmation.is_nack();
        let returned = confirmation.take_message().and_then(|message| owner(flights, &message));
        self.returns.note(number, accepted, returned);
    }
}

/// The number of the message that came back.
fn owner(flights: &Flights, message: &BasicReturnMessage) -> Option<u64> {
    let id = message.properties.message_id().as_ref()?.as_str();
    flights.iter().find(|(_, job)| is_of(job, id, message)).map(|(number, _)| number)
}

fn is_of(job: &Job, id: &str, message: &BasicReturnMessage) -> bool {
    match &job.letter {
        Letter::Published(envelope) => *envelope.topic == *message.routing_key.as_str() && envelope.metadata.id.to_string() == id,
        Letter::Copy(copy) => {
            copy.queue == message.routing_key.as_str() && copy.properties.message_id().as_ref().is_some_and(|own| own.as_str() == id)
        }
    }
}

fn settle(job: &Job, outcome: Outcome) -> Result<Receipt, BrokerError> {
    match (outcome, &job.letter) {
        (Outcome::Refused, _) => Err(refused()),
        (Outcome::Accepted(reach), Letter::Published(_)) => Ok(Receipt::new(reach)),
        (Outcome::Accepted(crate::broker::Reach::Unrouted), Letter::Copy(copy)) => Err(BrokerError::new(
            BrokerErrorKind::Topology,
            format!("could not move a message to the queue `{}`: it does not exist", copy.queue),
        )),
        (Outcome::Accepted(reach), Letter::Copy(_)) => Ok(Receipt::new(reach)),
    }
}

fn refused() -> BrokerError {
    let message =
        "RabbitMQ refused the message (basic.nack): a queue that it goes to is full or has lost its majority; see the server's log";
    BrokerError::new(BrokerErrorKind::Refused, message)
}

fn answer(job: Job, result: Result<Receipt, BrokerError>) {
    // Whoever dropped the receiver has given up knowing.
    let _ = job.answer.send(result);
}

async fn fly(
    channel: Arc<Channel>,
    number: u64,
    exchange: ShortString,
    key: ShortString,
    properties: BasicProperties,
    payload: bytes::Bytes,
) -> (u64, Answer) {
    let options = BasicPublishOptions { mandatory: true, ..BasicPublishOptions::default() };
    let answer = match channel.basic_publish(exchange, key, options, &payload, properties).await {
        Ok(confirm) => confirm.await,
        Err(error) => Err(error),
    };
    (number, answer)
}

async fn open_channel(config: &RabbitMqConfig, connection: &lapin::Connection) -> Result<Channel, BrokerError> {
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

/// A timer that is moved only when an earlier deadline comes in: nearly never, with equal timeouts.
#[derive(Default)]
struct Timer {
    sleep: Option<Pin<Box<Sleep>>>,
}

impl Timer {
    fn set(mut self: Pin<&mut Self>, deadline: Option<Instant>) {
        self.sleep = deadline.map(|deadline| Box::pin(sleep_until(deadline)));
    }

    fn lower(self: Pin<&mut Self>, deadline: Instant) {
        if self.sleep.as_ref().is_none_or(|sleep| deadline < sleep.deadline()) {
            self.set(Some(deadline));
        }
    }
}

impl Future for Timer {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        match &mut self.sleep {
            Some(sleep) => sleep.as_mut().poll(context),
            None => Poll::Pending,
        }
    }
}
