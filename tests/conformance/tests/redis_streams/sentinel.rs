//! A failover by sentinels is survived; what it lost is counted.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Instant;

use comms::broker::BrokerErrorKind;
use comms::testing::servers;
use comms_conformance::World;
use comms_conformance::backends::redis::Streams;
use comms_conformance::world::{assert_kind, publish};

use super::flow::{judge, receive, send};
use super::{connect, until};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failover_is_survived_and_loses_nothing_that_a_replica_had() {
    let setup = servers::RedisSentinel::start().await.expect("sentinels");
    let error = connect(&setup.url().replace("sentinel=main", "sentinel=other")).await.unwrap_err();
    assert_kind(&error, BrokerErrorKind::Topology);
    assert!(error.to_string().contains("no master by the name `other`"), "{error}");
    // Any of them will do.
    setup.sentinels()[2].kill().await.expect("killed");

    const QUICK: &str = "heartbeat=500ms&lease=4s&publish_timeout=60s";
    let world = World::new::<Streams>().await;
    let mut lanes = Vec::new();
    for (topic, options) in [("plain", ""), ("waiting", "&wait=1&wait_timeout=300ms")] {
        let broker = connect(&format!("{}&{QUICK}{options}", setup.url())).await.expect("a connection");
        assert!(!broker.capabilities().durable, "a failover may lose what was confirmed");
        let member = world.join_by(&broker, &world.subscription(topic, "g")).await;
        lanes.push((topic, broker, member));
    }
    let (stop, counts) = (AtomicBool::new(false), [AtomicUsize::new(0), AtomicUsize::new(0)]);
    let confirmed = |lane: usize| counts[lane].load(Ordering::Relaxed);
    let old = setup.servers()[0].address();
    let failing = async {
        until("messages flow", async || confirmed(0) >= 200 && confirmed(1) >= 100).await;
        setup.servers()[0].kill().await.expect("killed");
        let killed = Instant::now();
        until("another master", async || setup.master().await.is_ok_and(|master| master.is_some_and(|master| master != old))).await;
        let broker = &lanes[0].1;
        until("it takes messages", async || publish(&**broker, world.message("probe", "x")).await.is_ok()).await;
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

/// Sentinels that want a user and a password, and speak TLS, as the servers do.
#[cfg(feature = "redis-tls")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sentinels_may_want_a_user_and_a_password_and_speak_tls() {
    let asker = "asker on >let:me -@all +sentinel|get-master-addr-by-name";
    let setup = servers::RedisSentinel::builder().password("theirs").user(asker).tls(true).start().await.expect("sentinels");
    let ca = setup.servers()[0].certificates().expect("TLS").ca_path();
    let url = format!("{}&ca={}&heartbeat=500ms&lease=4s&publish_timeout=60s", setup.url(), ca.display());
    for wrong in ["", "&sentinel_password=secret", "&sentinel_user=asker&sentinel_password=theirs"] {
        let wrong_url = format!("{url}{wrong}");
        let connecting = tokio::time::timeout(std::time::Duration::from_secs(20), connect(&wrong_url));
        let error = connecting.await.expect("at once").unwrap_err();
        assert_kind(&error, BrokerErrorKind::Authentication);
        assert!(error.to_string().contains("`sentinel_password`") && !error.to_string().contains("theirs"), "{wrong}: {error}");
    }
    let as_default = connect(&format!("{url}&sentinel_password=theirs")).await.expect("the password alone is that of `default`");
    as_default.close().await;

    let broker = connect(&format!("{url}&sentinel_user=asker&sentinel_password=let%3Ame")).await.expect("a connection");
    let world = World::new::<Streams>().await;
    let mut member = world.join_by(&broker, &world.subscription("orders", "billing")).await;
    publish(&*broker, world.message("orders", "before")).await.expect("published");
    assert_eq!(member.handle(1).await, ["before"]);
    setup.servers()[0].kill().await.expect("killed");
    until("the replica takes messages", async || publish(&*broker, world.message("orders", "after")).await.is_ok()).await;
    // The acknowledgement of the first may not have reached the replica: that one comes again then.
    while member.handle(1).await != ["after"] {}
    broker.close().await;
}
