//! Kafka: real brokers, started by the tests.

use std::sync::Arc;
use std::time::Duration;

use comms::broker::kafka::{Kafka as Client, KafkaConfig};
use comms::broker::{Broker, Capabilities};
use comms::testing::servers;
use futures_util::future::BoxFuture;

use crate::{Backend, Server, Setup};

/// A ladder that begins low and members that notice each other soon, so that the suite waits little; timeouts that a restart
/// on a busy machine fits into.
const OPTIONS: &str = "ladder=300ms,2s,10s&connect_timeout=90s&heartbeat=100ms&refresh=200ms&session_timeout=30s";

/// A server of the case's own when it kills it, else the one of this test binary.
pub struct Kafka {
    own: Option<servers::Kafka>,
    url: String,
}

impl Backend for Kafka {
    async fn start(setup: Setup) -> Self {
        let own = match setup.kills {
            true => Some(servers::Kafka::start().await.expect("a Kafka broker")),
            false => None,
        };
        let base = match &own {
            Some(server) => server.url(),
            None => servers::Kafka::shared().await.url(),
        };
        let timeout = if setup.publish_timeout.is_none() { "publish_timeout=90s" } else { "" };
        let query = [OPTIONS.to_owned(), timeout.to_owned(), setup.query()].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>();
        Self { own, url: format!("{base}?{}", query.join("&")) }
    }

    fn url(&self) -> String {
        self.url.clone()
    }

    fn connect(&self) -> BoxFuture<'_, Arc<dyn Broker>> {
        Box::pin(async {
            let config: KafkaConfig = self.url.parse().expect("a URL");
            let broker = Client::connect(config, "conformance").await.expect("a connection");
            Arc::new(broker) as Arc<dyn Broker>
        })
    }

    fn capabilities(&self) -> Capabilities {
        let mut capabilities = Capabilities::none();
        capabilities.durable = true;
        capabilities.replayable = true;
        capabilities.delayed = true;
        capabilities.transactional = true;
        capabilities
    }

    fn server(&self) -> Option<&dyn Server> {
        self.own.as_ref().map(|server| server as &dyn Server)
    }

    fn patience(&self) -> Duration {
        Duration::from_secs(120)
    }

    fn delay(&self) -> (Duration, Duration) {
        (Duration::from_millis(300), Duration::from_secs(15))
    }
}

impl Server for servers::Kafka {
    fn kill(&self) -> BoxFuture<'_, ()> {
        Box::pin(async { Self::kill(self).await.expect("killed") })
    }

    fn restart(&self) -> BoxFuture<'_, ()> {
        Box::pin(async { Self::restart(self).await.expect("restarted") })
    }

    fn log(&self) -> String {
        Self::log(self)
    }
}
