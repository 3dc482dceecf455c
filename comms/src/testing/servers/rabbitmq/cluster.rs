//! Three servers that replicate.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::thread;

use serde::Deserialize;

use super::RabbitMq;
use super::builder::RabbitMqBuilder;
use super::node::Node;
use super::settings::Name;
use crate::testing::servers::ServerError;
use crate::testing::servers::process::blocking;

/// Three RabbitMQ servers in one cluster: quorum queues have a member on each, and need two.
///
/// Any one of them may be killed; see [`RabbitMq`] for what each needs. Starting takes about twice as long as starting one.
#[derive(Debug)]
pub struct RabbitMqCluster {
    nodes: [RabbitMq; 3],
}

/// Of a queue, as the server says it.
#[derive(Deserialize)]
struct Led {
    name: String,
    leader: String,
}

impl RabbitMqCluster {
    /// Starts the three and returns when all of them are members and accept connections.
    ///
    /// # Errors
    /// As [`RabbitMq::start`].
    pub async fn start() -> Result<Self, ServerError> {
        blocking(|| {
            let options = RabbitMqBuilder::default();
            let first = Node::prepare_as(options.clone(), Name::of_member(0), None)?;
            let join = |index| Node::prepare_as(options.clone(), Name::of_member(index), Some(Arc::clone(&first.epmd)));
            let (second, third) = (join(1)?, join(2)?);
            // The others ask the first one to be taken in.
            first.start()?;
            both(|| second.start(), || third.start())?;
            Ok(Self { nodes: [first, second, third].map(|node| RabbitMq { node: Arc::new(node) }) })
        })
        .await
    }

    /// The servers, numbered from 0.
    #[must_use]
    pub fn nodes(&self) -> &[RabbitMq; 3] {
        &self.nodes
    }

    /// The addresses of all, for AMQP without TLS.
    #[must_use]
    pub fn addresses(&self) -> [SocketAddr; 3] {
        [0, 1, 2].map(|index: usize| self.nodes[index].address())
    }

    /// `amqp://user:password@127.0.0.1:port,127.0.0.1:port,127.0.0.1:port/%2f`.
    #[must_use]
    pub fn url(&self) -> String {
        self.url_from(0)
    }

    /// The same with this server first: clients try them in turn.
    #[must_use]
    pub fn url_from(&self, index: usize) -> String {
        let mut addresses = self.addresses().map(|address| address.to_string());
        addresses.rotate_left(index % 3);
        let first = self.nodes[0].address().to_string();
        self.nodes[0].url().replace(&first, &addresses.join(","))
    }

    /// The number of the server that leads a quorum queue of the default virtual host; nothing if there is no such queue, or no leader.
    ///
    /// # Errors
    /// As [`RabbitMq::ctl`], when no server runs; [`ServerError::Answer`] when the answer can't be read.
    pub async fn leader_of(&self, queue: &str) -> Result<Option<usize>, ServerError> {
        let running = self.nodes.iter().find(|node| node.pid().is_some()).unwrap_or(&self.nodes[0]);
        let output = running.ctl(&["list_queues", "--formatter", "json", "name", "leader"]).await?;
        let queues: Vec<Led> = serde_json::from_str(&output).map_err(|source| ServerError::Answer {
            command: "rabbitmqctl list_queues".to_owned(),
            output,
            source,
        })?;
        let leaders: HashMap<_, _> = queues.into_iter().map(|queue| (queue.name, queue.leader)).collect();
        Ok(leaders.get(queue).and_then(|leader| self.nodes.iter().position(|node| node.node.name.own == *leader)))
    }

    /// As [`RabbitMq::sync_declarations`], on all that run.
    ///
    /// # Errors
    /// As [`RabbitMq::ctl`].
    pub async fn sync_declarations(&self) -> Result<(), ServerError> {
        let running = self.nodes.iter().filter(|node| node.pid().is_some());
        futures_util::future::try_join_all(running.map(RabbitMq::sync_declarations)).await.map(drop)
    }

    /// Kills one of them as `kill -9` does.
    ///
    /// # Errors
    /// [`ServerError::Io`] when the operating system refuses.
    ///
    /// # Panics
    /// When there is no server of this number.
    pub async fn kill(&self, index: usize) -> Result<(), ServerError> {
        self.nodes[index].kill().await
    }

    /// Starts one again on its data; it is a member again when this returns.
    ///
    /// # Errors
    /// As [`RabbitMq::restart`].
    ///
    /// # Panics
    /// When there is no server of this number.
    pub async fn restart(&self, index: usize) -> Result<(), ServerError> {
        self.nodes[index].restart().await
    }
}

/// Side by side.
fn both<E: Send>(one: impl FnOnce() -> Result<(), E> + Send, other: impl FnOnce() -> Result<(), E>) -> Result<(), E> {
    thread::scope(|scope| {
        let one = scope.spawn(one);
        let other = other();
        one.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)).and(other)
    })
}
