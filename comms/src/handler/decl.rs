//! What an attribute says of a service, a subscription or a handler: plain constants that generated code
//! builds, that `wiring` prints, and that configuration may override by name.

use std::time::Duration;

use super::batch::BatchDecl;
use crate::broker::StartPosition;
use crate::limit::Rate;
use crate::location::Location;

/// `retry(max = 5, immediate = 2, backoff = "100ms..30s")`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RetryDecl {
    /// How many retries follow the first attempt, over both levels.
    pub max: u32,
    /// How many of them are made at once, holding the slot; the others come back through the broker.
    /// In an ordered subscription all of them hold the slot.
    pub immediate: u32,
    /// The delay before the first retry; each further one doubles it, give or take a fifth.
    pub backoff: Duration,
    /// The longest delay.
    pub backoff_max: Duration,
}

impl RetryDecl {
    /// The bounded default: 8 retries, 2 of them at once, from 50 ms to 5 minutes.
    pub const DEFAULT: Self = Self { max: 8, immediate: 2, backoff: Duration::from_millis(50), backoff_max: Duration::from_secs(300) };

    /// So many retries after the first attempt.
    #[must_use]
    pub const fn max(mut self, max: u32) -> Self {
        self.max = max;
        self
    }

    /// So many of them at once, holding the slot.
    #[must_use]
    pub const fn immediate(mut self, immediate: u32) -> Self {
        self.immediate = immediate;
        self
    }

    /// Delays from the first to the second.
    #[must_use]
    pub const fn backoff(mut self, first: Duration, longest: Duration) -> Self {
        self.backoff = first;
        self.backoff_max = longest;
        self
    }
}

/// What an attribute on a handler says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct HandlerDecl {
    /// The name of the method or function.
    pub name: &'static str,
    /// The group whose subscription feeds it, where the service has several to the topic.
    pub group: Option<&'static str>,
    /// How failures are retried.
    pub retry: RetryDecl,
    /// How long one attempt may take.
    pub timeout: Duration,
    /// When a batch is handed over, if it takes batches.
    pub batch: Option<BatchDecl>,
    /// What it publishes and that its message is settled become visible together.
    pub transactional: bool,
    /// Where it stands.
    pub location: Location,
    /// The doc comment.
    pub doc: &'static str,
}

impl HandlerDecl {
    /// A handler with the defaults: [`RetryDecl::DEFAULT`], 30 seconds.
    #[must_use]
    pub const fn new(name: &'static str, location: Location) -> Self {
        Self {
            name,
            group: None,
            retry: RetryDecl::DEFAULT,
            timeout: Duration::from_secs(30),
            batch: None,
            transactional: false,
            location,
            doc: "",
        }
    }

    /// Fed by the subscription of this group.
    #[must_use]
    pub const fn group(mut self, group: &'static str) -> Self {
        self.group = Some(group);
        self
    }

    /// Retried like this.
    #[must_use]
    pub const fn retry(mut self, retry: RetryDecl) -> Self {
        self.retry = retry;
        self
    }

    /// Each attempt may take so long.
    #[must_use]
    pub const fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Called with batches.
    #[must_use]
    pub const fn batch(mut self, batch: BatchDecl) -> Self {
        self.batch = Some(batch);
        self
    }

    /// What it publishes becomes visible together with the settlement of its message, or not at all.
    #[must_use]
    pub const fn transactional(mut self) -> Self {
        self.transactional = true;
        self
    }

    /// With this doc comment.
    #[must_use]
    pub const fn doc(mut self, doc: &'static str) -> Self {
        self.doc = doc;
        self
    }
}

/// What happens to later messages of a key whose message was dead-lettered in an ordered subscription.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum AfterDeadLetter {
    /// They are handled: one message of the key is missing from then on.
    #[default]
    Continue,
    /// They follow it to the dead letters, in order, until an operator replays them.
    ParkKey,
}

/// `subscribe("orders", group = "billing-audit", ordered(shards = 16, after = "park-key"), concurrency = 16, dedup = "10m", throttle = "100/s", from = "earliest")`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SubscriptionDecl {
    /// The topic, or a pattern of topics.
    pub topic: &'static str,
    /// The named broker; `default` unless said otherwise.
    pub broker: &'static str,
    /// The group; the service's name unless said otherwise.
    pub group: Option<&'static str>,
    /// How many messages may be handled at once.
    pub concurrency: usize,
    /// The number of shards if messages of one key keep their order.
    pub ordered: Option<u16>,
    /// For ordered subscriptions.
    pub after: AfterDeadLetter,
    /// For how long ids of handled messages are remembered and their duplicates skipped.
    pub dedup: Option<Duration>,
    /// How many messages this process takes in a time, at most.
    pub throttle: Option<Rate>,
    /// Where a new group begins.
    pub from: StartPosition,
}

impl SubscriptionDecl {
    /// A subscription with the defaults: the service's group, unordered, 16 at once.
    #[must_use]
    pub const fn new(topic: &'static str) -> Self {
        Self {
            topic,
            broker: "default",
            group: None,
            concurrency: 16,
            ordered: None,
            after: AfterDeadLetter::Continue,
            dedup: None,
            throttle: None,
            from: StartPosition::New,
        }
    }

    /// On the named broker.
    #[must_use]
    pub const fn broker(mut self, broker: &'static str) -> Self {
        self.broker = broker;
        self
    }

    /// In this group.
    #[must_use]
    pub const fn group(mut self, group: &'static str) -> Self {
        self.group = Some(group);
        self
    }

    /// With so many at once.
    ///
    /// # Panics
    /// When it is 0; in a constant that is a build error.
    #[must_use]
    pub const fn concurrency(mut self, concurrency: usize) -> Self {
        assert!(concurrency > 0, "`concurrency` must be at least 1: it is how many messages are handled at once");
        self.concurrency = concurrency;
        self
    }

    /// Ordered by key, over so many shards.
    ///
    /// # Panics
    /// When it is 0; in a constant that is a build error.
    #[must_use]
    pub const fn ordered(mut self, shards: u16, after: AfterDeadLetter) -> Self {
        assert!(shards > 0, "`shards` must be at least 1");
        self.ordered = Some(shards);
        self.after = after;
        self
    }

    /// Skipping duplicates of what was handled within the time.
    #[must_use]
    pub const fn dedup(mut self, window: Duration) -> Self {
        self.dedup = Some(window);
        self
    }

    /// No faster than this, in this process.
    #[must_use]
    pub const fn throttle(mut self, rate: Rate) -> Self {
        self.throttle = Some(rate);
        self
    }

    /// A new group begins here.
    #[must_use]
    pub const fn from(mut self, from: StartPosition) -> Self {
        self.from = from;
        self
    }
}

/// The number of shards of `ordered` without a number.
pub const DEFAULT_SHARDS: u16 = 16;

/// What `#[service]` on a struct says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ServiceDecl {
    /// The name: group of its subscriptions, source of its messages, name in discovery.
    pub name: &'static str,
    /// Its version.
    pub version: &'static str,
    /// Tags for discovery and documents.
    pub tags: &'static [&'static str],
    /// Its explicit subscriptions; a topic with handlers and none of these gets the defaults.
    pub subscriptions: &'static [SubscriptionDecl],
    /// Where the struct stands.
    pub location: Location,
    /// The doc comment.
    pub doc: &'static str,
}

impl ServiceDecl {
    /// A service without tags or explicit subscriptions.
    #[must_use]
    pub const fn new(name: &'static str, version: &'static str, location: Location) -> Self {
        Self { name, version, tags: &[], subscriptions: &[], location, doc: "" }
    }

    /// With these tags.
    #[must_use]
    pub const fn tags(mut self, tags: &'static [&'static str]) -> Self {
        self.tags = tags;
        self
    }

    /// With these explicit subscriptions.
    #[must_use]
    pub const fn subscriptions(mut self, subscriptions: &'static [SubscriptionDecl]) -> Self {
        self.subscriptions = subscriptions;
        self
    }

    /// With this doc comment.
    #[must_use]
    pub const fn doc(mut self, doc: &'static str) -> Self {
        self.doc = doc;
        self
    }
}
