//! The suite on Redis Streams of a cluster of three, and what a cluster has of its own. Needs `redis-server` and `redis-cli` on PATH.

#[path = "redis_cluster/channels.rs"]
mod channels;
#[path = "redis_streams/flow.rs"]
mod flow;
#[path = "redis_cluster/nodes.rs"]
mod nodes;
#[path = "redis_cluster/slots.rs"]
mod slots;

use std::sync::Arc;
use std::time::Duration;

use comms::broker::redis::{Redis, RedisConfig};
use comms::broker::{Broker, BrokerError};
use comms::testing::servers::RedisCluster;
use comms_conformance::World;
use comms_conformance::backends::redis::Clustered;

comms_conformance::handing_over!(Clustered);
comms_conformance::operating!(Clustered);

const PATIENCE: Duration = Duration::from_secs(60);
/// Losses that are noticed while a test waits.
const QUICK: &str = "heartbeat=500ms&lease=4s&publish_timeout=60s&connect_timeout=60s";

async fn connect(url: &str) -> Result<Arc<dyn Broker>, BrokerError> {
    let config: RedisConfig = url.parse()?;
    Ok(Arc::new(Redis::connect(config, "redis-cluster").await?))
}

async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let waiting = async {
        while !holds().await {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    assert!(tokio::time::timeout(PATIENCE, waiting).await.is_ok(), "never was: {what}");
}

/// What all keys of the world's topics begin with.
fn tagged(world: &World) -> String {
    let topic = world.topic("x");
    format!("comms:{{{}}}", topic.split('.').next().expect("a first word"))
}

/// The number of the master that has them.
async fn master(cluster: &RedisCluster, world: &World) -> Option<usize> {
    cluster.master_of(&tagged(world)).await.ok().flatten()
}
