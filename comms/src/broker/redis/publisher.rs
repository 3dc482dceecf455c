//! Publishing: one task that owns everything not yet confirmed.
//!
//! Callers hand a job over without waiting; the task keeps the order, sends ahead of the answers, and after a lost
//! connection sends again, in order, what was not answered.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::future::BoxFuture;
use futures_util::stream::FuturesUnordered;
use redis::aio::MultiplexedConnection;
use redis::{RedisError, RedisResult, Value};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{Instant, sleep, sleep_until, timeout};
use tokio_util::sync::CancellationToken;

use super::answers::{Settled, answer, expect, late, refuse, unanswered};
use super::connection::{Link, LinkState, up};
use super::error::{again, is_fatal, redirection};
use super::to::To;
use super::writer::Writer;
use crate::broker::{BrokerError, BrokerErrorKind, Receipt};
use crate::message::Envelope;

/// How many jobs may wait to be taken up by the task.
pub(super) const QUEUED: usize = 256;

/// How many messages go in one write.
const BATCH: usize = 128;

/// How many writes may be unanswered before a further one waits to be full: what comes meanwhile shares it, so that a busy publisher makes
/// few writes and an idle one waits for nothing.
const WRITES: usize = 2;

/// How soon to try again what the server will not take for now.
const PAUSE: Duration = Duration::from_millis(100);

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
    window: usize,
    writer: Writer,
    link: Arc<Link>,
    jobs: mpsc::Receiver<Job>,
    closing: CancellationToken,
    /// Not sent yet, or to be sent again, in order.
    waiting: VecDeque<Job>,
    /// Sent and not answered, by the number of their write.
    flights: BTreeMap<u64, Vec<Job>>,
    next: u64,
    /// Not later than the earliest deadline of all: those that were answered meanwhile may be what it was.
    due: Option<Instant>,
}

/// Why sending on one connection ended.
enum End {
    Closed,
    Lost,
}

impl Publisher {
    pub(super) fn new(window: usize, writer: Writer, link: Arc<Link>, jobs: mpsc::Receiver<Job>, closing: CancellationToken) -> Self {
        Self { window, writer, link, jobs, closing, waiting: VecDeque::new(), flights: BTreeMap::new(), next: 0, due: None }
    }

    /// Ends once `closing` is cancelled and everything is answered, or when everybody is gone.
    pub(super) async fn run(mut self) {
        while let Some((connection, mut state)) = self.next_connection().await {
            // A server that lost its data knows no topics.
            self.writer.forget();
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
            let deadline = self.due;
            tokio::select! {
                result = &mut future => return Some(result),
                () = at(deadline) => self.expire(),
                job = self.jobs.recv(), if self.waiting.len() < self.window => self.take_up([job?]),
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
            let deadline = self.due;
            tokio::select! {
                Some((number, result)) = answers.next() => match self.settle(number, result) {
                    Settled::Done => {}
                    Settled::Later => hold_until = Some(Instant::now() + PAUSE),
                    Settled::Lost => return End::Lost,
                },
                count = self.jobs.recv_many(&mut batch, BATCH.min(room)), if room > 0 => match count {
                    0 => return End::Closed,
                    _ => self.take_up(batch.drain(..)),
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
        while self.may_write() {
            let jobs: Vec<Job> = self.waiting.drain(..self.waiting.len().min(BATCH)).collect();
            let (pipeline, new) = self.writer.pipeline(&jobs);
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

    fn may_write(&self) -> bool {
        match self.writer.to.replicas() {
            // The server answers nothing on this connection while it waits for replicas: waits must not add up.
            Some(_) => !self.waiting.is_empty() && self.flights.is_empty(),
            None => self.waiting.len() >= BATCH || (!self.waiting.is_empty() && self.flights.len() < WRITES),
        }
    }

    /// Answers the jobs of a write.
    fn settle(&mut self, number: u64, result: RedisResult<Vec<Value>>) -> Settled {
        let mut values = match result {
            Ok(values) => values,
            Err(error) if error.is_io_error() => return Settled::Lost,
            Err(error) if self.passes(&error) => return self.put_back(number, None, redirection(&error).is_some()),
            Err(error) => {
                self.flights.remove(&number).into_iter().flatten().for_each(|job| refuse(job, &error));
                return Settled::Done;
            }
        };
        let replicated = match self.writer.to.replicas() {
            Some(replicas) => replicas.confirm(values.pop().unwrap_or(Value::Nil)),
            None => Ok(()),
        };
        let (mut later, mut redirected) = (Vec::new(), false);
        for (job, value) in self.flights.remove(&number).into_iter().flatten().zip(values) {
            match value.extract_error() {
                Ok(value) => answer(job, replicated.as_ref().map(|()| Receipt::new(self.writer.to.reach(&value))).map_err(again)),
                Err(error) if self.passes(&error) => {
                    tracing::debug!(%error, "Redis does not take the message for now; trying again");
                    redirected |= redirection(&error).is_some();
                    later.push(job);
                }
                Err(error) => refuse(job, &error),
            }
        }
        if later.is_empty() { Settled::Done } else { self.put_back(number, Some(later), redirected) }
    }

    /// Whether waiting mends it; the connection may be the wrong one.
    fn passes(&self, error: &RedisError) -> bool {
        let passes = self.link.dialer().error("publish", error).kind() == BrokerErrorKind::Connection;
        if passes {
            self.link.failed(error);
        }
        passes
    }

    /// What the server did not take for now, or all of a write. When another server has to be asked, what was written behind it has to wait as well.
    fn put_back(&mut self, number: u64, jobs: Option<Vec<Job>>, redirected: bool) -> Settled {
        if let Some(jobs) = jobs {
            self.flights.insert(number, jobs);
        }
        match redirected && matches!(self.writer.to, To::Streams(_)) {
            true => Settled::Lost,
            false => self.send_later(number),
        }
    }

    /// It goes first next time.
    fn send_later(&mut self, number: u64) -> Settled {
        self.writer.forget();
        let jobs = self.flights.remove(&number).into_iter().flatten().rev();
        jobs.for_each(|job| self.waiting.push_front(job));
        Settled::Later
    }

    /// Everything that was sent and not answered is to be sent again, if that may be.
    fn take_back(&mut self) {
        if matches!(self.writer.to, To::Channels { .. }) {
            std::mem::take(&mut self.flights).into_values().flatten().for_each(|job| answer(job, Err(unanswered())));
            return;
        }
        for (_, jobs) in std::mem::take(&mut self.flights).into_iter().rev() {
            jobs.into_iter().rev().filter(|job| job.answer.is_some()).for_each(|job| self.waiting.push_front(job));
        }
    }

    fn take_up(&mut self, jobs: impl IntoIterator<Item = Job>) {
        for job in jobs {
            self.due = Some(self.due.map_or(job.deadline, |due| due.min(job.deadline)));
            self.waiting.push_back(job);
        }
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
        self.due = self.waiting.iter().chain(self.flights.values().flatten()).map(|job| job.deadline).min();
    }

    fn fail_all(&mut self, error: &BrokerError) {
        self.waiting.drain(..).for_each(|job| answer(job, Err(again(error))));
    }
}

const NEVER: Duration = Duration::from_secs(86_400);

async fn at(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => sleep_until(deadline).await,
        None => std::future::pending().await,
    }
}
