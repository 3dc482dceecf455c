//! Nodes that are killed, users, and TLS.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use comms::broker::BrokerErrorKind;
use comms::testing::servers::RedisCluster;
use comms_conformance::World;
use comms_conformance::backends::redis::Clustered;
use comms_conformance::world::{assert_kind, publish};

use super::flow::{judge, receive, send};
use super::{QUICK, connect, master, tagged, until};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replica_steps_in_for_a_master_and_loses_nothing_that_it_had() {
    let (cluster, world) = (RedisCluster::with_replicas().await.expect("a cluster"), World::new::<Clustered>().await);
    let mut lanes = Vec::new();
    for (topic, options) in [("plain", ""), ("waiting", "&wait=1&wait_timeout=300ms")] {
        let broker = connect(&format!("{}&{QUICK}{options}", cluster.url())).await.expect("a connection");
        assert!(!broker.capabilities().durable, "a failover may lose what was confirmed");
        let member = world.join_by(&broker, &world.subscription(topic, "g")).await;
        lanes.push((topic, broker, member));
    }
    let (stop, counts) = (AtomicBool::new(false), [AtomicUsize::new(0), AtomicUsize::new(0)]);
    let confirmed = |lane: usize| counts[lane].load(Ordering::Relaxed);
    let old = master(&cluster, &world).await.expect("a master");
    let failing = async {
        until("messages flow", async || confirmed(0) >= 200 && confirmed(1) >= 100).await;
        cluster.nodes()[old].kill().await.expect("killed");
        let killed = Instant::now();
        until("the replica has the slot", async || master(&cluster, &world).await == Some(old + 3)).await;
        let before = confirmed(0);
        until("messages flow again", async || confirmed(0) >= before + 200).await;
        stop.store(true, Ordering::Relaxed);
        killed
    };
    let [plain, waiting] = [0, 1].map(|lane: usize| send(Arc::clone(&lanes[lane].1), &world, lanes[lane].0, &stop, &counts[lane]));
    let (killed, plain, waiting) = tokio::join!(failing, plain, waiting);
    let last = Arc::clone(&lanes[0].1);
    for ((topic, _, member), confirmed) in lanes.iter_mut().zip([plain, waiting]) {
        // With nobody to replicate to, `wait` confirms nothing any more.
        publish(&*last, world.message(topic, "1000000")).await.expect("published");
        let seen = receive(member, 1_000_000).await;
        judge(topic, &confirmed, &seen, killed);
    }
}

/// As docs/brokers.md lists them.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_documented_rights_are_enough() {
    let (world, cluster) = (World::new::<Clustered>().await, Clustered::cluster().await);
    let rights = "+ping +client|id +client|setname +client|unblock +eval +evalsha +@stream +@sortedset +@hash +@set +exists +del +time";
    let grant = async |user: &str, more: &str| {
        for node in cluster.nodes() {
            let rule =
                ["ACL", "SETUSER", user, "on", ">pw", "~comms:*", "-@all"].into_iter().chain(rights.split(' ')).chain(more.split(' '));
            let rule: Vec<&str> = rule.filter(|part| !part.is_empty()).collect();
            assert_eq!(node.cli(&rule).await.expect("an answer").trim(), "OK");
        }
    };
    let url = |user: &str| cluster.url().replace("default:secret@", &format!("{user}:pw@"));
    grant("lacking", "").await;
    let error = connect(&url("lacking")).await.unwrap_err();
    assert_kind(&error, BrokerErrorKind::Authentication);
    assert!(error.to_string().contains("docs/brokers.md"), "{error}");
    grant("shop", "+cluster|slots").await;
    let broker = connect(&url("shop")).await.expect("a connection");
    for subscription in [world.subscription("orders", "billing"), world.ordered("orders", "sorted", 2)] {
        let mut member = world.join_by(&broker, &subscription).await;
        publish(&*broker, world.keyed("orders", "k", "1")).await.expect("published");
        let delivery = member.next().await;
        let envelope = Arc::clone(delivery.envelope());
        delivery.retry(envelope, Duration::from_millis(10)).await.expect("retried");
        assert_eq!(member.handle(1).await, ["1"]);
    }
    broker.close().await;
}

#[cfg(feature = "redis-tls")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cluster_may_speak_tls() {
    let (cluster, world) = (RedisCluster::with_tls().await.expect("a cluster"), World::new::<Clustered>().await);
    let error = connect(&cluster.url()).await.unwrap_err();
    assert_kind(&error, BrokerErrorKind::Authentication);
    let ca = cluster.nodes()[0].certificates().expect("it speaks TLS").ca_path();
    let broker = connect(&format!("{}&ca={}", cluster.url(), ca.display())).await.expect("a connection");
    assert_eq!(broker.scheme(), "rediss");
    let mut member = world.join_by(&broker, &world.subscription("orders", "billing")).await;
    publish(&*broker, world.message("orders", "1")).await.expect("published");
    assert_eq!(member.handle(1).await, ["1"]);
    let key = format!("{}:topic:{}", tagged(&world), world.topic("orders"));
    let owner = master(&cluster, &world).await.expect("a master");
    assert_eq!(cluster.nodes()[owner].cli(&["XLEN", &key]).await.expect("an answer").trim(), "1");
    broker.close().await;
}
