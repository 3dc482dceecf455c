//! Three brokers that replicate.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use super::Kafka;
use super::builder::KafkaBuilder;
use super::node::Node;
use super::settings::Seats;
use crate::testing::servers::ServerError;
use crate::testing::servers::process::{blocking, poll};

/// Three Apache Kafka brokers, each also a controller: topics are replicated thrice, and a write needs two.
///
/// Any one of them may be killed; see [`Kafka`] for what each needs.
#[derive(Debug)]
pub struct KafkaCluster {
    brokers: [Kafka; 3],
}

impl KafkaCluster {
    /// Starts the three and returns when all of them answer clients.
    ///
    /// # Errors
    /// As [`Kafka::start`].
    pub async fn start() -> Result<Self, ServerError> {
        blocking(|| {
            let options = KafkaBuilder::default();
            let [one, two, three] = Seats::reserve::<3>(&options)?;
            let prepare = |seat| Node::prepare(options.clone(), seat).map(Kafka::of);
            let cluster = Self { brokers: [prepare(one)?, prepare(two)?, prepare(three)?] };
            cluster.brokers.iter().try_for_each(|broker| broker.node.begin())?;
            cluster.await_ready(options.deadline).map(|()| cluster)
        })
        .await
    }

    fn await_ready(&self, within: Duration) -> Result<(), ServerError> {
        let deadline = Instant::now() + within;
        for broker in &self.brokers {
            let ready = poll(Some(deadline), || Ok(broker.node.is_ready().then_some(())))?;
            ready.ok_or_else(|| broker.node.daemon.timeout(format!("the broker on {} becoming ready", broker.address())))?;
        }
        Ok(())
    }

    /// The brokers, numbered from 0.
    #[must_use]
    pub fn brokers(&self) -> &[Kafka; 3] {
        &self.brokers
    }

    /// The addresses of all.
    #[must_use]
    pub fn addresses(&self) -> [SocketAddr; 3] {
        [0, 1, 2].map(|index: usize| self.brokers[index].address())
    }

    /// `kafka://127.0.0.1:port,127.0.0.1:port,127.0.0.1:port/`.
    #[must_use]
    pub fn url(&self) -> String {
        let addresses = self.addresses().map(|address| address.to_string());
        format!("kafka://{}/", addresses.join(","))
    }

    /// Kills one of them as `kill -9` does.
    ///
    /// # Errors
    /// [`ServerError::Io`] when the operating system refuses.
    ///
    /// # Panics
    /// When there is no broker of this number.
    pub async fn kill(&self, index: usize) -> Result<(), ServerError> {
        self.brokers[index].kill().await
    }

    /// Starts one again on its data.
    ///
    /// # Errors
    /// As [`Kafka::restart`].
    ///
    /// # Panics
    /// When there is no broker of this number.
    pub async fn restart(&self, index: usize) -> Result<(), ServerError> {
        self.brokers[index].restart().await
    }
}
