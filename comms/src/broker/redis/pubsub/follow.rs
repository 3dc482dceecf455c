//! A subscription's connection, over all its losses.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use redis::Msg;
use tokio::time::{sleep, timeout};

use super::super::error::is_fatal;
use super::super::shared::Shared;
use super::inbox::Inbox;
use super::listening::Listening;
use super::{Gaps, wire};
use crate::broker::{BrokerError, Subscription, TopicPattern};

const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// What a subscription listens to.
pub(super) struct Follower {
    pub(super) shared: Arc<Shared>,
    pub(super) name: String,
    topic: TopicPattern,
    gaps: Arc<Gaps>,
    /// Among those of the same broker.
    number: u64,
}

impl Follower {
    pub(super) fn new(shared: Arc<Shared>, subscription: &Subscription, gaps: Arc<Gaps>) -> Self {
        let number = gaps.consumers.fetch_add(1, Ordering::Relaxed);
        Self { shared, name: subscription.name(), topic: subscription.topic.clone(), gaps, number }
    }

    /// Connects and subscribes: what is published from now on comes.
    pub(super) async fn open(&self) -> Result<Listening, BrokerError> {
        let dialer = self.shared.link.dialer();
        let attempted = format!("subscribe `{}`", self.name);
        let channel = || self.shared.keys.channel(self.topic.as_str());
        let patience = self.shared.config.heartbeat * 2;
        match (dialer.slot.is_some(), self.topic.is_literal()) {
            (true, _) => Listening::to_shard(dialer, &channel(), &attempted, patience).await,
            (false, true) => Listening::to_channel(dialer, &channel(), &attempted, patience).await,
            (false, false) => Listening::to_pattern(dialer, &self.glob(), &attempted, patience).await,
        }
    }

    /// At least what the pattern matches: up to its first placeholder, which may stand for no word at all.
    fn glob(&self) -> String {
        let words: Vec<&str> = self.topic.as_str().split('.').take_while(|word| !["*", "#"].contains(word)).collect();
        self.shared.keys.channel(&words.join(".")) + "*"
    }

    /// Takes up what comes, for ever.
    pub(super) async fn run(self, mut connection: Listening, inbox: Arc<Inbox>) {
        loop {
            let (reason, since) = self.follow(connection, &inbox).await;
            tracing::warn!(
                subscription = &*self.name,
                reason,
                "lost the connection of a subscription to Redis Pub/Sub; messages are missed until it is back"
            );
            self.gaps.away().insert(self.number, reason);
            self.shared.link.suspect();
            connection = self.reopen().await;
            let gap = since.elapsed();
            inbox.missed(gap);
            self.gaps.count.fetch_add(1, Ordering::Relaxed);
            self.gaps.away().remove(&self.number);
            tracing::warn!(subscription = &*self.name, ?gap, "subscribed again to Redis Pub/Sub; what was published in the gap is lost");
        }
    }

    /// Until the connection is lost: why, and when it was last known to work.
    async fn follow(&self, mut connection: Listening, inbox: &Inbox) -> (String, Instant) {
        let heartbeat = self.shared.config.heartbeat;
        let dialer = self.shared.link.dialer();
        let mut known_good = Instant::now();
        loop {
            match timeout(heartbeat, connection.next()).await {
                Ok(Some(message)) => {
                    known_good = Instant::now();
                    self.take_up(&message, inbox);
                }
                Ok(None) => return (connection.ended().to_owned(), known_good),
                Err(_) => match timeout(heartbeat, connection.ping(dialer)).await {
                    Ok(Ok(())) => known_good = Instant::now(),
                    Ok(Err(error)) => return (error.to_string(), known_good),
                    Err(_) => return (format!("no answer within {heartbeat:?}"), known_good),
                },
            }
        }
    }

    fn take_up(&self, message: &Msg, inbox: &Inbox) {
        let before = self.shared.keys.channel("").len();
        let Some(topic) = message.get_channel_name().get(before..).filter(|topic| self.topic.matches(topic)) else { return };
        if inbox.push(wire::read(topic.into(), message.get_payload_bytes().to_vec())) {
            self.gaps.count.fetch_add(1, Ordering::Relaxed);
            tracing::warn!(
                subscription = &*self.name,
                "handlers are slower than what is published over Redis Pub/Sub: messages are lost (`buffer` in the URL)"
            );
        }
    }

    /// However long it takes: a subscription doesn't end quietly.
    async fn reopen(&self) -> Listening {
        let mut pause = FIRST_PAUSE;
        loop {
            match self.open().await {
                Ok(connection) => return connection,
                Err(error) => {
                    match is_fatal(error.kind()) {
                        true => tracing::error!(%error, subscription = &*self.name, "can't subscribe again; trying on"),
                        false => tracing::debug!(%error, subscription = &*self.name, "can't subscribe again yet"),
                    }
                    self.gaps.away().insert(self.number, error.to_string());
                }
            }
            sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        self.gaps.away().remove(&self.number);
    }
}
