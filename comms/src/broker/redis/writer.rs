//! The commands that publish.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use redis::Pipeline;
use tokio::time::Instant;

use super::fields;
use super::keys::Keys;
use super::publisher::Job;
use super::pubsub::wire;
use super::to::{Replicas, To};
use super::topics::Published;

/// How often the server is told of a topic: somebody may have deleted what it knew.
const KNOWN: Duration = Duration::from_secs(10);

/// Makes a topic known, for subscriptions to patterns.
const REGISTER: &str = "return redis.call('ZADD', KEYS[1], 'NX', redis.call('ZCARD', KEYS[1]), ARGV[1])";

/// Knows what the server was told.
pub(super) struct Writer {
    pub(super) to: To,
    keys: Keys,
    published: Arc<Published>,
    /// Topics that the server was told of, since a while.
    known: HashSet<Arc<str>>,
    known_until: Instant,
}

impl Writer {
    pub(super) fn new(to: To, keys: Keys, published: Arc<Published>) -> Self {
        Self { to, keys, published, known: HashSet::new(), known_until: Instant::now() }
    }

    /// What the server was told it may not know.
    pub(super) fn forget(&mut self) {
        self.known.clear();
    }

    /// The writes of the jobs, behind the names of the topics that are new; also how many of those there are.
    pub(super) fn pipeline(&mut self, jobs: &[Job]) -> (Pipeline, usize) {
        let mut pipeline = Pipeline::with_capacity(jobs.len());
        if let To::Channels { sharded } = self.to {
            for job in jobs {
                pipeline
                    .cmd(if sharded { "SPUBLISH" } else { "PUBLISH" })
                    .arg(self.keys.channel(&job.envelope.topic))
                    .arg(wire::write(&job.envelope));
            }
            return (pipeline, 0);
        }
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
        if let Some(Replicas { wanted, within }) = self.to.replicas() {
            pipeline.cmd("WAIT").arg(wanted).arg(u64::try_from(within.as_millis()).unwrap_or(u64::MAX));
        }
        (pipeline, new)
    }
}
