//! Publishing: one task that owns everything not yet confirmed.
//!
//! Callers hand a job over without waiting; the task keeps the order, sends ahead of the answers, and after a lost
//! connection sends again, in order, what was not answered.

use std::collections::{BTreeMap, HashSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::future::BoxFuture;
use futures_util::stream::FuturesUnordered;
use redis::aio::MultiplexedConnection;
use redis::{Pipeline, RedisError, RedisResult, Value};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{Instant, sleep, sleep_until, timeout};
use tokio_util::sync::CancellationToken;

use super::connection::{Link, LinkState, up};
use super::error::{again, broker_error, is_fatal, kind_of};
use super::fields;
use super::keys::Keys;
use super::topics::Published;
use crate::broker::{BrokerError, BrokerErrorKind, Reach, Receipt};
use crate::message::Envelope;

/// How many jobs may wait to be taken up by the task.
pub(super) const QUEUED: usize = 256;

/// How many messages go in one write.
const BATCH: usize = 128;

/// How soon to try again what the server will not take for now.
const PAUSE: Duration = Duration::from_millis(100);

/// How often the server is told of a topic: somebody may have deleted what it knew.
const KNOWN: Duration = Duration::from_secs(10);

/// Makes a topic known, for subscriptions to patterns.
const REGISTER: &str = "return redis.call('ZADD', KEYS[1], 'NX', redis.call('ZCARD', KEYS[1]), ARGV[1])";

/// A message to be published.
pub(super) struct Job {
    pub(super) envelope: Arc<Envelope>,
    pub(super) deadline: Instant,
    /// None once it was answered because its deadline was over.
    pub(super) answer: Option<oneshot::Sender<Result<Receipt, BrokerError>>>,
}

type Answers = FuturesUnordered<BoxFuture<'static, (u64, RedisResult<Vec<Value>>)>>;

/// The task's own; see [`Publisher::run`].
pub(super) struct Publisher {
    pub(super) window: usize,
    pub(super) keys: Keys,
    pub(super) link: Arc<Link>,
    pub(super) jobs: mpsc::Receiver<Job>,
    pub(super) published: Arc<Published>,
    pub(super) closing: CancellationToken,
    /// Not sent yet, or to be sent again, in order.
    waiting: VecDeque<Job>,
    /// Sent and not answered, by the number of their write.
    flights: BTreeMap<u64, Vec<Job>>,
    next: u64,
    /// Topics that the server was told of, since a while.
    known: HashSet<Arc<str>>,
    known_until: Instant,
}

/// Why sending on one connection ended.
enum End {
    Closed,
    Lost,
}

impl Publisher {
    pub(super) fn new(
        window: usize,
        keys: Keys,
        link: Arc<Link>,
        jobs: mpsc::Receiver<Job>,
        published: Arc<Published>,
        closing: CancellationToken,
    ) -> Self {
        let (waiting, flights, known) = (VecDeque::new(), BTreeMap::new(), HashSet::new());
        Self { window, keys, link, jobs, published, closing, waiting, flights, next: 0, known, known_until: Instant::now() }
    }

    /// Ends once `closing` is cancelled and everything is answered, or when everybody is gone.
    pub(super) async fn run(mut self) {
        while let Some((connection, mut state)) = self.next_connection().await {
            // A server that lost its data knows no topics.
            self.known.clear();
            match self.send_on(connection, &mut state).await {
                End::Closed => break,
                End::Lost => self.take_back(),
            }
            // Whoever watches over the connection has to notice; until then it would be handed out again.
            self.link.suspect();
            if self.while_waiting(timeout(PAUSE, state.changed())).await.is_none() {
                break;
            }
        }
        let text = "the Redis connection was closed by this process before the message was confirmed; whether it was taken is unknown";
        self.take_back();
        self.fail_all(&BrokerError::new(BrokerErrorKind::Unknown, text));
    }

    /// The next connection, while answering what can't wait. `None` once closed.
    async fn next_connection(&mut self) -> Option<(MultiplexedConnection, watch::Receiver<LinkState>)> {
        loop {
            let mut state = self.link.watch();
            let found = self.while_waiting(up(&mut state)).await?;
            match found {
                Ok(connection) => return Some((connection, state)),
                Err(error) if error.kind() == BrokerErrorKind::Closed => return None,
                Err(error) => {
                    if is_fatal(error.kind()) {
                        self.fail_all(&error);
                    }
                    self.while_waiting(sleep(PAUSE)).await?;
                }
            }
        }
    }

    /// Awaits while deadlines go on to count. `None` when everything was closed meanwhile.
    async fn while_waiting<T>(&mut self, future: impl Future<Output = T>) -> Option<T> {
        let mut future = std::pin::pin!(future);
        loop {
            let deadline = self.earliest_deadline();
            tokio::select! {
                result = &mut future => return Some(result),
                () = at(deadline) => self.expire(),
                job = self.jobs.recv(), if self.waiting.len() < self.window => self.waiting.push_back(job?),
                () = self.closing.cancelled(), if self.waiting.is_empty() => return None,
            }
        }
    }

    /// Sends on one connection until it is lost.
    async fn send_on(&mut self, connection: MultiplexedConnection, state: &mut watch::Receiver<LinkState>) -> End {
        let mut answers = Answers::new();
        let mut batch = Vec::with_capacity(BATCH);
        let mut hold_until = None;
        loop {
            if hold_until.is_none_or(|until| Instant::now() >= until) {
                hold_until = None;
                self.send_waiting(&connection, &mut answers);
            }
            let room = self.window.saturating_sub(self.open());
            let deadline = self.earliest_deadline();
            tokio::select! {
                Some((number, result)) = answers.next() => match self.settle(number, result) {
                    Settled::Done => {}
                    Settled::Later => hold_until = Some(Instant::now() + PAUSE),
                    Settled::Lost => return End::Lost,
                },
                count = self.jobs.recv_many(&mut batch, BATCH.min(room)), if room > 0 => match count {
                    0 => return End::Closed,
                    _ => self.waiting.extend(batch.drain(..)),
                },
                () = at(deadline) => self.expire(),
                () = at(hold_until) => {}
                _ = state.changed() => {
                    state.mark_changed();
                    return End::Lost;
                }
                () = self.closing.cancelled(), if self.open() == 0 && self.jobs.is_empty() => return End::Closed,
            }
        }
    }

    fn open(&self) -> usize {
        self.waiting.len() + self.flights.values().map(Vec::len).sum::<usize>()
    }

    fn send_waiting(&mut self, connection: &MultiplexedConnection, answers: &mut Answers) {
        while !self.waiting.is_empty() {
            let jobs: Vec<Job> = self.waiting.drain(..self.waiting.len().min(BATCH)).collect();
            let (pipeline, new) = self.pipeline(&jobs);
            let number = self.next;
            self.next += 1;
            self.flights.insert(number, jobs);
            let mut connection = connection.clone();
            // Polled in the order in which they are pushed, and the connection keeps that order.
            answers.push(Box::pin(async move {
                let count = pipeline.len();
                let answers = connection.send_packed_commands(&pipeline, 0, count).await;
                (number, answers.and_then(|values| expect(values, new)))
            }));
        }
    }

    /// The writes of the jobs, behind the names of the topics that are new; also how many of those there are.
    fn pipeline(&mut self, jobs: &[Job]) -> (Pipeline, usize) {
        let mut pipeline = Pipeline::with_capacity(jobs.len());
        if Instant::now() >= self.known_until {
            self.known.clear();
            self.known_until = Instant::now() + KNOWN;
        }
        for job in jobs {
            let topic = &job.envelope.topic;
            if !self.known.contains(topic) {
                self.known.insert(Arc::clone(topic));
                self.published.add(topic);
                pipeline.cmd("EVAL").arg(REGISTER).arg(1).arg(self.keys.topics()).arg(topic.as_bytes());
            }
        }
        let new = pipeline.len();
        for job in jobs {
            let mut command = redis::cmd("XADD");
            command.arg(self.keys.topic(&job.envelope.topic)).arg("*");
            fields::write(&mut command, &job.envelope);
            pipeline.add_command(command);
        }
        (pipeline, new)
    }

    /// Answers the jobs of a write.
    fn settle(&mut self, number: u64, result: RedisResult<Vec<Value>>) -> Settled {
        let values = match result {
            Ok(values) => values,
            Err(error) if kind_of(&error) == BrokerErrorKind::Connection => {
                if error.is_io_error() {
                    return Settled::Lost;
                }
                return self.send_later(number, Vec::new());
            }
            Err(error) => {
                self.flights.remove(&number).into_iter().flatten().for_each(|job| refuse(job, &error));
                return Settled::Done;
            }
        };
        let mut later = Vec::new();
        for (job, value) in self.flights.remove(&number).into_iter().flatten().zip(values) {
            match value.extract_error() {
                Ok(_) => answer(job, Ok(Receipt::new(Reach::Unknown))),
                Err(error) if kind_of(&error) == BrokerErrorKind::Connection => {
                    tracing::debug!(%error, "Redis does not take the message for now; trying again");
                    later.push(job);
                }
                Err(error) => refuse(job, &error),
            }
        }
        if later.is_empty() { Settled::Done } else { self.send_later(number, later) }
    }

    /// What the server did not take for now goes first next time.
    fn send_later(&mut self, number: u64, mut jobs: Vec<Job>) -> Settled {
        jobs.extend(self.flights.remove(&number).into_iter().flatten());
        self.known.clear();
        jobs.into_iter().rev().for_each(|job| self.waiting.push_front(job));
        Settled::Later
    }

    /// Everything that was sent and not answered is to be sent again.
    fn take_back(&mut self) {
        for (_, jobs) in std::mem::take(&mut self.flights).into_iter().rev() {
            jobs.into_iter().rev().filter(|job| job.answer.is_some()).for_each(|job| self.waiting.push_front(job));
        }
    }

    fn earliest_deadline(&self) -> Option<Instant> {
        self.waiting.iter().chain(self.flights.values().flatten()).map(|job| job.deadline).min()
    }

    /// Answers those whose deadline is over. One that was sent keeps its place among the answers of its write.
    fn expire(&mut self) {
        let now = Instant::now();
        for job in self.flights.values_mut().flatten().filter(|job| job.deadline <= now) {
            if let Some(answer) = job.answer.take() {
                let _ = answer.send(Err(late()));
            }
            job.deadline = now + NEVER;
        }
        for job in std::mem::take(&mut self.waiting) {
            match job.deadline <= now {
                true => answer(job, Err(late())),
                false => self.waiting.push_back(job),
            }
        }
    }

    fn fail_all(&mut self, error: &BrokerError) {
        self.waiting.drain(..).for_each(|job| answer(job, Err(again(error))));
    }
}

const NEVER: Duration = Duration::from_secs(86_400);

/// What became of a write.
enum Settled {
    Done,
    Later,
    Lost,
}

/// The answers behind those to the names of new topics, all of which must have been taken.
fn expect(values: Vec<Value>, new: usize) -> Result<Vec<Value>, RedisError> {
    let mut values = values.into_iter();
    for value in values.by_ref().take(new) {
        value.extract_error()?;
    }
    Ok(values.collect())
}

fn refuse(job: Job, error: &RedisError) {
    let attempted = format!("publish to `{}`", job.envelope.topic);
    answer(job, Err(broker_error(&attempted, error)));
}

fn answer(job: Job, result: Result<Receipt, BrokerError>) {
    if let Some(answer) = job.answer {
        // Whoever dropped the receiver has given up knowing.
        let _ = answer.send(result);
    }
}

fn late() -> BrokerError {
    let waited = "the message was not confirmed by Redis before its deadline; whether it was taken is unknown";
    BrokerError::new(BrokerErrorKind::Unknown, waited)
}

async fn at(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => sleep_until(deadline).await,
        None => std::future::pending().await,
    }
}
