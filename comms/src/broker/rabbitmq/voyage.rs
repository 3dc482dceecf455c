//! What the publisher has on the wire of one channel.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt, StreamExt};
use lapin::message::BasicReturnMessage;
use lapin::options::BasicPublishOptions;
use lapin::types::ShortString;
use lapin::{BasicProperties, Channel, Confirmation};
use tokio::time::{Instant, Sleep, sleep_until, timeout};

use super::connection::LinkState;
use super::flights::{Flights, Job, Letter};
use super::headers::write_published;
use super::publisher::{Publisher, answer};
use super::returns::{Outcome, Returns};
use crate::broker::{BrokerError, BrokerErrorKind, Reach, Receipt};

type Answer = Result<Confirmation, lapin::Error>;
type Flight = Pin<Box<dyn Future<Output = (u64, Answer)> + Send>>;

/// Why a channel came to its end.
pub(super) enum End {
    /// Nothing is left to do.
    Closed,
    /// The channel or the connection is gone; what is open is published again.
    Lost(Option<lapin::Error>),
    /// The server goes on refusing on this channel, on which nothing flies any more; what is open is tried on another one.
    Stale(Arc<Channel>),
}

/// The time of one channel.
pub(super) struct Voyage {
    channel: Arc<Channel>,
    flying: FuturesUnordered<Flight>,
    returns: Returns,
    /// Refused by the server, to be published again: a queue that has no leader yet after a crash, or is full,
    /// takes the message later.
    refused: Vec<u64>,
    /// When, if there are any.
    try_again: Instant,
    /// How often in a row something was refused again.
    tries: u32,
}

/// How long a refused message waits before it is tried again.
const REFUSED_PAUSE: Duration = Duration::from_millis(200);

/// A refusal that comes so soon after a try is its answer.
const IN_A_ROW: Duration = Duration::from_secs(1);

/// After so many tries it is tried on another channel: one that was opened while the leader of a queue was dying refuses for ever what is
/// meant for that queue (RabbitMQ 3 asks the node that it first took for the leader's, and nobody else).
const STALE: u32 = 10;

impl Voyage {
    pub(super) fn on(channel: Channel) -> Self {
        Self {
            channel: Arc::new(channel),
            flying: FuturesUnordered::new(),
            returns: Returns::default(),
            refused: Vec::new(),
            try_again: Instant::now(),
            tries: 0,
        }
    }

    fn is_stale(&self) -> bool {
        self.tries >= STALE
    }

    pub(super) async fn run(mut self, publisher: &mut Publisher) -> End {
        if let Some(end) = self.repeat(publisher).await {
            return end;
        }
        let mut timer = std::pin::pin!(Timer::default());
        timer.as_mut().set(publisher.flights.earliest_deadline());
        let mut taken = Vec::new();
        let (mut told, mut closing) = (false, false);
        let mut link = publisher.link.clone();
        loop {
            if self.is_stale() && self.flying.is_empty() {
                return End::Stale(self.channel);
            }
            let room = if self.is_stale() { 0 } else { publisher.room() };
            let flights = &mut publisher.flights;
            let try_again = self.try_again;
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
                () = sleep_until(try_again), if !self.refused.is_empty() && !self.is_stale() => {
                    self.tries += 1;
                    for number in std::mem::take(&mut self.refused) {
                        self.launch(publisher, number);
                    }
                }
                changed = link.changed() => {
                    let lost = changed.is_err() || !matches!(&*link.borrow(), LinkState::Up(_));
                    if lost { return End::Lost(None); }
                }
                () = publisher.closing.cancelled(), if !told => {
                    told = true;
                    publisher.jobs.close();
                }
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
            Letter::Routed(routed) => {
                let (exchange, key, properties) = (routed.exchange.clone(), routed.key.clone(), routed.properties.clone());
                fly(Arc::clone(&self.channel), number, exchange, key, properties, routed.payload.clone()).boxed()
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
            match outcome {
                Outcome::Refused => self.refuse(number),
                Outcome::Accepted(reach) => {
                    if let Some(job) = flights.take(number) {
                        let result = settle(&job, reach);
                        answer(job, result);
                    }
                }
            }
        }
        Poll::Ready(None)
    }

    fn refuse(&mut self, number: u64) {
        if self.refused.is_empty() {
            let now = Instant::now();
            if now > self.try_again + IN_A_ROW {
                self.tries = 0;
            }
            self.try_again = now + REFUSED_PAUSE;
        }
        self.refused.push(number);
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
        Letter::Routed(routed) => {
            routed.exchange == message.exchange
                && routed.key == message.routing_key
                && routed.properties.message_id().as_ref().is_some_and(|own| own.as_str() == id)
        }
        Letter::Copy(copy) => {
            copy.queue == message.routing_key.as_str() && copy.properties.message_id().as_ref().is_some_and(|own| own.as_str() == id)
        }
    }
}

fn settle(job: &Job, reach: Reach) -> Result<Receipt, BrokerError> {
    match (reach, &job.letter) {
        (Reach::Unrouted, Letter::Copy(copy)) => Err(BrokerError::new(
            BrokerErrorKind::Topology,
            format!("could not move a message to the queue `{}`: it does not exist", copy.queue),
        )),
        _ => Ok(Receipt::new(reach)),
    }
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
