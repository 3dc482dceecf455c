//! RabbitMQ: real servers, started by the tests.

use std::sync::Arc;
use std::time::Duration;

use comms::broker::rabbitmq::{RabbitMq, RabbitMqConfig};
use comms::broker::{Broker, Capabilities};
use comms::testing::servers;
use futures_util::future::BoxFuture;

use crate::{Backend, Server, Setup};

/// A ladder that begins low, so that the suite waits little; timeouts that a restart on a busy machine fits into.
const OPTIONS: &str = "ladder=300ms,2s,10s&connect_timeout=90s&publish_timeout=90s";

/// A server of the case's own when it kills it, else the one of this test binary.
pub struct Rabbit {
    own: Option<servers::RabbitMq>,
    url: String,
}

impl Backend for Rabbit {
    async fn start(setup: Setup) -> Self {
        let own = match setup.kills {
            true => Some(servers::RabbitMq::start().await.expect("a RabbitMQ server")),
            false => None,
        };
        let base = match &own {
            Some(server) => server.url(),
            None => servers::RabbitMq::shared().await.url(),
        };
        let query = [OPTIONS.to_owned(), setup.query()].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("&");
        Self { own, url: format!("{base}?{query}") }
    }

    fn url(&self) -> String {
        self.url.clone()
    }

    fn connect(&self) -> BoxFuture<'_, Arc<dyn Broker>> {
        Box::pin(async {
            let config: RabbitMqConfig = self.url.parse().expect("a URL");
            let broker = RabbitMq::connect(config, "conformance").await.expect("a connection");
            Arc::new(broker) as Arc<dyn Broker>
        })
    }

    fn capabilities(&self) -> Capabilities {
        let mut capabilities = Capabilities::none();
        capabilities.durable = true;
        capabilities.delayed = true;
        capabilities.reports_unrouted = true;
        capabilities.settle_within = Some(Duration::from_secs(30 * 60));
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

impl Server for servers::RabbitMq {
    fn kill(&self) -> BoxFuture<'_, ()> {
        Box::pin(async {
            // RabbitMQ confirms messages durably, but not declarations.
            self.sync_declarations().await.expect("declarations synced");
            Self::kill(self).await.expect("killed");
        })
    }

    fn restart(&self) -> BoxFuture<'_, ()> {
        Box::pin(async { Self::restart(self).await.expect("restarted") })
    }

    fn log(&self) -> String {
        Self::log(self)
    }
}
