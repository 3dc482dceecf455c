//! Redis Streams: real servers, started by the tests.

use std::sync::Arc;
use std::time::Duration;

use comms::broker::redis::{Redis, RedisConfig};
use comms::broker::{Broker, Capabilities};
use comms::testing::servers;
use futures_util::future::BoxFuture;

use crate::{Backend, Server, Setup};

/// Timeouts that a restart on a busy machine fits into.
const OPTIONS: &str = "durable=true&connect_timeout=90s&publish_timeout=90s";

/// A server of the case's own when it kills it, else the one of this test binary.
pub struct Streams {
    own: Option<servers::Redis>,
    url: String,
}

impl Backend for Streams {
    async fn start(setup: Setup) -> Self {
        let own = match setup.kills {
            true => Some(servers::Redis::start().await.expect("a Redis server")),
            false => None,
        };
        let base = match &own {
            Some(server) => server.url(),
            None => servers::Redis::shared().await.url(),
        };
        let query = [OPTIONS.to_owned(), setup.query()].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("&");
        Self { own, url: format!("{base}?{query}") }
    }

    fn url(&self) -> String {
        self.url.clone()
    }

    fn connect(&self) -> BoxFuture<'_, Arc<dyn Broker>> {
        Box::pin(async {
            let config: RedisConfig = self.url.parse().expect("a URL");
            let broker = Redis::connect(config, "conformance").await.expect("a connection");
            Arc::new(broker) as Arc<dyn Broker>
        })
    }

    fn capabilities(&self) -> Capabilities {
        let mut capabilities = Capabilities::none();
        capabilities.durable = true;
        capabilities.replayable = true;
        capabilities.delayed = true;
        capabilities
    }

    fn server(&self) -> Option<&dyn Server> {
        self.own.as_ref().map(|server| server as &dyn Server)
    }

    fn patience(&self) -> Duration {
        Duration::from_secs(60)
    }

    fn silence(&self) -> Duration {
        Duration::from_millis(500)
    }

    fn delay(&self) -> (Duration, Duration) {
        (Duration::from_millis(300), Duration::from_secs(5))
    }
}

impl Server for servers::Redis {
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
