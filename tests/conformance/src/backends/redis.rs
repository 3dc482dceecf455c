//! Redis Streams, on one server and on a cluster, and Redis Pub/Sub: real servers, started by the tests.

use std::sync::Arc;

use comms::broker::redis::{Redis, RedisConfig, RedisPubSub, RedisPubSubConfig};
use comms::broker::{Broker, Capabilities};
use comms::testing::servers;
use futures_util::future::BoxFuture;
use tokio::sync::OnceCell;

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
        connected(&self.url)
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
}

/// One server or a cluster, as the URL says.
fn connected(url: &str) -> BoxFuture<'_, Arc<dyn Broker>> {
    Box::pin(async move {
        let config: RedisConfig = url.parse().expect("a URL");
        let broker = Redis::connect(config, "conformance").await.expect("a connection");
        Arc::new(broker) as Arc<dyn Broker>
    })
}

/// A cluster of three masters: of the case's own when it kills it, else the one of this test binary.
pub struct Clustered {
    own: Option<servers::RedisCluster>,
    url: String,
}

impl Clustered {
    /// The cluster that all cases share.
    pub async fn cluster() -> &'static servers::RedisCluster {
        static SHARED: OnceCell<servers::RedisCluster> = OnceCell::const_new();
        SHARED.get_or_init(|| async { servers::RedisCluster::start().await.expect("a cluster") }).await
    }
}

impl Backend for Clustered {
    async fn start(setup: Setup) -> Self {
        let own = match setup.kills {
            true => Some(servers::RedisCluster::start().await.expect("a cluster")),
            false => None,
        };
        let base = match &own {
            Some(cluster) => cluster.url(),
            None => Self::cluster().await.url(),
        };
        Self { own, url: format!("{base}&connect_timeout=90s&publish_timeout=90s&{}", setup.query()) }
    }

    fn url(&self) -> String {
        self.url.clone()
    }

    fn connect(&self) -> BoxFuture<'_, Arc<dyn Broker>> {
        connected(&self.url)
    }

    fn capabilities(&self) -> Capabilities {
        let mut capabilities = Capabilities::none();
        // A replica that steps in may lack what was confirmed.
        capabilities.durable = false;
        capabilities.replayable = true;
        capabilities.delayed = true;
        capabilities
    }

    fn server(&self) -> Option<&dyn Server> {
        self.own.as_ref().map(|cluster| cluster as &dyn Server)
    }
}

/// Channels of the server of this test binary; no case kills it.
pub struct Channels {
    url: String,
}

impl Backend for Channels {
    async fn start(setup: Setup) -> Self {
        assert!(!setup.kills, "what survives a crash is no question to channels");
        let address = servers::Redis::shared().await.url();
        let (_, address) = address.split_once("://").expect("a URL");
        Self { url: format!("redis+pubsub://{address}?connect_timeout=90s&{}", setup.query()) }
    }

    fn url(&self) -> String {
        self.url.clone()
    }

    fn connect(&self) -> BoxFuture<'_, Arc<dyn Broker>> {
        Box::pin(async {
            let config: RedisPubSubConfig = self.url.parse().expect("a URL");
            let broker = RedisPubSub::connect(config, "conformance").await.expect("a connection");
            Arc::new(broker) as Arc<dyn Broker>
        })
    }

    fn capabilities(&self) -> Capabilities {
        let mut capabilities = Capabilities::none();
        capabilities.at_most_once = true;
        capabilities.reports_unrouted = true;
        capabilities
    }

    fn server(&self) -> Option<&dyn Server> {
        None
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

/// All of its nodes.
impl Server for servers::RedisCluster {
    fn kill(&self) -> BoxFuture<'_, ()> {
        Box::pin(async {
            for node in self.nodes() {
                node.kill().await.expect("killed");
            }
        })
    }

    fn restart(&self) -> BoxFuture<'_, ()> {
        Box::pin(async {
            for node in self.nodes() {
                node.restart().await.expect("restarted");
            }
            self.ready().await.expect("whole again");
        })
    }

    fn log(&self) -> String {
        self.nodes().iter().map(servers::Redis::log).collect::<Vec<_>>().join("\n--\n")
    }
}
