//! Each fault on each broker, under the same load. With `COMMS_FAULT_TABLE=<file>` the rows of the table in docs/brokers.md are written there.

use std::time::{Duration, Instant};

use comms::testing::proxy::Proxy;
use comms_faults::PATIENCE;
use comms_faults::load::Load;
use comms_faults::world::World;

/// How long a network stays broken, or a server stands still.
const A_WHILE: Duration = Duration::from_secs(2);

const NO_WORD: &str = "a member goes without a word";
const REBALANCE: &str = "a member leaves, another one comes";
const KILLED: &str = "the server is killed (-9) and started again";
const PAUSED: &str = "the server stands still for 2 s (SIGSTOP)";
const CUT: &str = "the network is cut for 2 s";
const HALF_OPEN: &str = "the network swallows everything for 2 s (half-open)";
const FULL: &str = "the server's disk is full, until 2 s after it says so";
const FULL_AND_ENDED: &str = "the server's disk is full, it ends, and is started again once there is room";
const MASTER_KILLED: &str = "the master of the topics is killed (-9) and started again";
const LOST_OF_THREE: &str = "one of the three, which leads, is killed (-9)";

async fn members(broker: &str, world: World) {
    let mut load = Load::begin(&world, async {}).await;
    let began = Instant::now();
    load.lose_a_member();
    load.end(broker, NO_WORD, began, began).await;
}

async fn rebalance(broker: &str, world: World) {
    let mut load = Load::begin(&world, async {}).await;
    let began = Instant::now();
    load.replace_a_member(&world).await;
    load.end(broker, REBALANCE, began, began).await;
}

async fn cut(broker: &str, world: World, proxy: &Proxy) {
    let load = Load::begin(&world, async {}).await;
    let began = Instant::now();
    proxy.cut().await;
    tokio::time::sleep(A_WHILE).await;
    proxy.heal().await.unwrap();
    load.end(broker, CUT, began, Instant::now()).await;
}

async fn half_open(broker: &str, world: World, proxy: &Proxy) {
    let load = Load::begin(&world, async {}).await;
    let began = Instant::now();
    proxy.half_open().await.unwrap();
    tokio::time::sleep(A_WHILE).await;
    proxy.heal().await.unwrap();
    load.end(broker, HALF_OPEN, began, Instant::now()).await;
}

/// Until the server says so of itself.
async fn noticed(says: impl AsyncFn() -> String, word: &str) {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let said = says().await;
        if said.contains(word) {
            return;
        }
        assert!(Instant::now() < deadline, "`{word}` is not in: {said}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// A server of the test's own that is killed, and one that is stopped for a while. `$declared` is what has to have happened before.
macro_rules! server {
    ($broker:literal, $server:expr, $world:expr, $declared:expr) => {
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn killed() {
            let server = $server;
            let load = Load::begin(&$world(&server), $declared(&server)).await;
            let began = Instant::now();
            server.kill().await.unwrap();
            server.restart().await.unwrap();
            load.end($broker, KILLED, began, Instant::now()).await;
        }

        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn paused() {
            let server = $server;
            let load = Load::begin(&$world(&server), $declared(&server)).await;
            let began = Instant::now();
            server.pause().await.unwrap();
            tokio::time::sleep(A_WHILE).await;
            server.resume().await.unwrap();
            load.end($broker, PAUSED, began, Instant::now()).await;
        }
    };
}

mod memory {
    use super::*;

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn member_lost() {
        members("memory", World::memory()).await;
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn rebalanced() {
        rebalance("memory", World::memory()).await;
    }
}

mod rabbitmq {
    use comms::testing::servers::{RabbitMq, RabbitMqCluster};

    use super::*;

    server!("RabbitMQ", RabbitMq::start().await.unwrap(), |server: &RabbitMq| World::at(&server.url()), declared);

    async fn declared(server: &RabbitMq) {
        server.sync_declarations().await.unwrap();
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn member_lost() {
        members("RabbitMQ", World::rabbitmq().await).await;
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn rebalanced() {
        rebalance("RabbitMQ", World::rabbitmq().await).await;
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn network_cut() {
        let (world, proxy) = World::rabbitmq_through_a_proxy("heartbeat=1s").await;
        cut("RabbitMQ", world, &proxy).await;
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn network_half_open() {
        let (world, proxy) = World::rabbitmq_through_a_proxy("heartbeat=1s").await;
        half_open("RabbitMQ", world, &proxy).await;
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn disk_full() {
        let server = RabbitMq::builder().disk(96 << 20).start().await.unwrap();
        let load = Load::begin(&World::at(&server.url()), declared(&server)).await;
        let began = Instant::now();
        server.fill_disk().await.unwrap();
        noticed(async || server.ctl(&["eval", "rabbit_alarm:get_alarms()."]).await.unwrap(), "disk").await;
        tokio::time::sleep(A_WHILE).await;
        server.free_disk().await.unwrap();
        load.end("RabbitMQ", FULL, began, Instant::now()).await;
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn leader_killed() {
        let cluster = RabbitMqCluster::start().await.unwrap();
        let declared = async { cluster.sync_declarations().await.unwrap() };
        let load = Load::begin(&World::at(&cluster.url()), declared).await;
        let began = Instant::now();
        cluster.kill(0).await.unwrap();
        load.end("RabbitMQ, three nodes", LOST_OF_THREE, began, began).await;
    }
}

mod kafka {
    use comms::testing::servers::{Kafka, KafkaCluster};

    use super::*;

    server!("Kafka", Kafka::start().await.unwrap(), |server: &Kafka| World::kafka_at(&server.url(), ""), declared);

    async fn declared(_: &Kafka) {}

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn member_lost() {
        members("Kafka", World::kafka().await).await;
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn rebalanced() {
        rebalance("Kafka", World::kafka().await).await;
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn networks() {
        let server = Kafka::builder().proxied().start().await.unwrap();
        let (url, proxy) = (server.proxy_url().unwrap(), server.proxy().unwrap());
        cut("Kafka", World::kafka_at(&url, "prefix=cut."), proxy).await;
        half_open("Kafka", World::kafka_at(&url, "prefix=open."), proxy).await;
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn disk_full() {
        let server = Kafka::builder().disk(64 << 20).start().await.unwrap();
        let load = Load::begin(&World::kafka_at(&server.url(), ""), async {}).await;
        let began = Instant::now();
        server.fill_disk().await.unwrap();
        server.free_disk().await.unwrap();
        server.restart().await.unwrap();
        load.end("Kafka", FULL_AND_ENDED, began, Instant::now()).await;
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn leader_killed() {
        let cluster = KafkaCluster::start().await.unwrap();
        let load = Load::begin(&World::kafka_at(&cluster.url(), ""), async {}).await;
        let began = Instant::now();
        cluster.kill(0).await.unwrap();
        load.end("Kafka, three brokers", LOST_OF_THREE, began, began).await;
    }
}

mod redis {
    use comms::testing::servers::{Redis, RedisCluster};

    use super::*;

    server!("Redis", Redis::start().await.unwrap(), |server: &Redis| World::at(&server.url()), declared);

    async fn declared(_: &Redis) {}

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn member_lost() {
        members("Redis", World::redis().await).await;
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn rebalanced() {
        rebalance("Redis", World::redis().await).await;
    }

    /// One that keeps every command before it answers: it ends by itself then.
    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn disk_full_and_ended() {
        let server = Redis::builder().disk(32 << 20).start().await.unwrap();
        let load = Load::begin(&World::at(&server.url()), async {}).await;
        let began = Instant::now();
        server.fill_disk().await.unwrap();
        noticed(async || server.cli(&["PING"]).await.unwrap_or_else(|_| "gone".to_owned()), "gone").await;
        server.free_disk().await.unwrap();
        server.restart().await.unwrap();
        load.end("Redis", FULL_AND_ENDED, began, Instant::now()).await;
    }

    /// One that writes to its disk every second: it refuses then what would be written.
    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn disk_full() {
        let server = Redis::builder().disk(32 << 20).config("appendfsync everysec").start().await.unwrap();
        let load = Load::begin(&World::with(&server.url(), "durable=false"), async {}).await;
        let began = Instant::now();
        server.fill_disk().await.unwrap();
        noticed(async || server.cli(&["INFO", "persistence"]).await.unwrap(), "aof_last_write_status:err").await;
        tokio::time::sleep(A_WHILE).await;
        server.free_disk().await.unwrap();
        load.end("Redis", FULL, began, Instant::now()).await;
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn network_cut() {
        let (world, proxy) = World::redis_through_a_proxy("").await;
        cut("Redis", world, &proxy).await;
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn network_half_open() {
        let (world, proxy) = World::redis_through_a_proxy("").await;
        half_open("Redis", world, &proxy).await;
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn master_killed() {
        let cluster = RedisCluster::start().await.unwrap();
        let load = Load::begin(&World::redis_cluster(&cluster.url()), async {}).await;
        let master = &cluster.nodes()[cluster.master_of("comms:{jobs}").await.unwrap().unwrap()];
        let began = Instant::now();
        master.kill().await.unwrap();
        master.restart().await.unwrap();
        cluster.ready().await.unwrap();
        load.end("Redis Cluster, three masters", MASTER_KILLED, began, Instant::now()).await;
    }
}
