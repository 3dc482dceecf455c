//! Sharded channels.

use std::sync::Arc;
use std::time::Duration;

use comms::broker::redis::{GAP, RedisPubSub, RedisPubSubConfig};
use comms::broker::{Broker, BrokerErrorKind, Delivery, Reach};
use comms::testing::servers::RedisCluster;
use comms_conformance::backends::redis::Clustered;
use comms_conformance::world::{assert_kind, publish, text};
use comms_conformance::{Member, World};

use super::{QUICK, master, tagged, until};

async fn connect(cluster: &RedisCluster) -> Arc<RedisPubSub> {
    let url = cluster.url().replace("redis://", "redis+pubsub://");
    let options = QUICK.replace("&lease=4s", "");
    let config: RedisPubSubConfig = format!("{url}&{options}").parse().expect("a URL");
    Arc::new(RedisPubSub::connect(config, "channels").await.expect("a connection"))
}

/// Publishes until the member gets one of them.
async fn next(broker: &RedisPubSub, world: &World, member: &mut Member) -> Delivery {
    let sending = async {
        loop {
            let _ = publish(broker, world.message("prices", "after")).await;
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::select! {
        delivery = member.next() => delivery,
        () = sending => unreachable!(),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_subscription_follows_its_channel_over_the_nodes_and_reports_the_gap() {
    let (cluster, world) = (RedisCluster::start().await.expect("a cluster"), World::new::<Clustered>().await);
    let broker = connect(&cluster).await;
    let shared: Arc<dyn Broker> = Arc::clone(&broker) as _;
    let error = shared.subscribe(Arc::new(world.subscription("prices.#", "g"))).await.err().expect("refused");
    assert_kind(&error, BrokerErrorKind::Unsupported);
    assert!(error.to_string().contains("SSUBSCRIBE"), "{error}");
    let nobody = publish(&*broker, world.message("prices", "lost")).await.expect("published");
    assert_eq!(nobody.reach, Reach::Unrouted);

    let mut member = world.join_by(&shared, &world.subscription("prices", "g")).await;
    let receipt = publish(&*broker, world.message("prices", "1")).await.expect("published");
    assert_eq!(receipt.reach, Reach::Subscribed);
    assert_eq!(member.handle(1).await, ["1"]);
    // It is a sharded channel, and no other.
    let owner = master(&cluster, &world).await.expect("a master");
    let channel = format!("{}:{}", tagged(&world), world.topic("prices"));
    let shards = cluster.nodes()[owner].cli(&["PUBSUB", "SHARDCHANNELS"]).await.expect("an answer");
    assert!(shards.contains(&channel), "{shards}");

    // Its slot goes to another node.
    let to = (owner + 1) % 3;
    cluster.move_slot_of(&tagged(&world), to).await.expect("moved");
    until("the move is noticed", async || broker.gaps() == 1).await;
    let delivery = next(&broker, &world, &mut member).await;
    assert!(delivery.envelope().metadata.extensions.contains_key(GAP), "{:?}", delivery.envelope());
    delivery.ack();

    // Its node is killed and comes back.
    cluster.nodes()[to].kill().await.expect("killed");
    cluster.nodes()[to].restart().await.expect("restarted");
    cluster.ready().await.expect("whole again");
    until("the loss is noticed", async || broker.gaps() >= 2).await;
    loop {
        let delivery = next(&broker, &world, &mut member).await;
        let gap = delivery.envelope().metadata.extensions.contains_key(GAP);
        assert_eq!(text(&delivery), "after");
        delivery.ack();
        if gap {
            break;
        }
    }
    broker.close().await;
}
