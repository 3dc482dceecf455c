//! What Redis Streams promise beyond the suite, and what goes wrong there. Needs `redis-server` and `redis-cli` on PATH.

#[path = "redis_streams/admin.rs"]
mod admin;
#[path = "redis_streams/flow.rs"]
mod flow;
#[path = "redis_streams/sentinel.rs"]
mod sentinel;
#[path = "redis_streams/wait.rs"]
mod wait;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use comms::broker::redis::{Redis, RedisConfig};
use comms::broker::{Broker, BrokerError, BrokerErrorKind, Delivery, StartPosition, shard_of};
use comms::testing::servers;
use comms_conformance::World;
use comms_conformance::backends::redis::Streams;
use comms_conformance::world::{assert_kind, publish, text};

const PATIENCE: Duration = Duration::from_secs(60);

async fn connect(url: &str) -> Result<Arc<dyn Broker>, BrokerError> {
    let config: RedisConfig = url.parse()?;
    Ok(Arc::new(Redis::connect(config, "redis-streams").await?))
}

/// A world on the shared server, with further options.
async fn world_with(options: &str) -> (World, Arc<dyn Broker>) {
    let world = World::new::<Streams>().await;
    let broker = connect(&format!("{}&{options}", world.backend.url())).await.expect("a connection");
    (world, broker)
}

async fn cli(arguments: &[&str]) -> String {
    servers::Redis::shared().await.cli(arguments).await.expect("an answer").trim().to_owned()
}

/// The stream of a topic of the world.
fn stream(world: &World, topic: &str) -> String {
    format!("comms:topic:{}", world.topic(topic))
}

async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let waiting = async {
        while !holds().await {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    assert!(tokio::time::timeout(PATIENCE, waiting).await.is_ok(), "never was: {what}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_script_and_the_client_agree_on_the_shard_of_a_key() {
    let world = World::new::<Streams>().await;
    for shards in [1, 7, 64] {
        let mut subscription = world.ordered("orders", &format!("by-{shards}"), shards);
        subscription.concurrency = 64;
        let mut member = world.join(&subscription).await;
        let keys: Vec<String> = (0..40).map(|n| format!("Käufer №{n} {}", "x".repeat(n))).chain([String::new()]).collect();
        for key in &keys {
            world.publish(world.keyed("orders", key, "x")).await;
        }
        for _ in &keys {
            let delivery = member.next().await;
            let key = delivery.envelope().metadata.key.clone().unwrap_or_default();
            assert_eq!(delivery.shard().index, shard_of(&key, shards.try_into().unwrap()), "`{key}` of {shards}");
            delivery.ack();
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn trimming_keeps_what_a_group_has_not_settled_and_what_is_retained() {
    let (world, broker) = world_with("retain=10").await;
    // Both are trimmed in one go, the first one first.
    let mut slow = world.join_by(&broker, &world.subscription("a-slow", "slow")).await;
    let mut quick = world.join_by(&broker, &world.subscription("a-slow", "quick")).await;
    let mut other = world.join_by(&broker, &world.subscription("z-done", "quick")).await;
    for topic in ["a-slow", "z-done"] {
        for n in 0..300 {
            publish(&*broker, world.message(topic, &n.to_string())).await.expect("published");
        }
    }
    quick.handle(300).await;
    other.handle(300).await;
    let held = slow.take(20).await;
    let length = async |topic: &str| cli(&["XLEN", &stream(&world, topic)]).await;
    until("trimmed", async || length("z-done").await == "10").await;
    assert_eq!(length("a-slow").await, "300", "a group has settled nothing of it");
    held.into_iter().for_each(Delivery::ack);
    until("trimmed up to what is unsettled", async || length("a-slow").await == "280").await;
    assert_eq!(slow.handle(280).await.len(), 280);
    until("trimmed", async || length("a-slow").await == "10").await;

    let mut late = world.subscription("a-slow", "late");
    late.from = StartPosition::Earliest;
    let expected: Vec<String> = (290..300).map(|n| n.to_string()).collect();
    assert_eq!(world.join_by(&broker, &late).await.handle(10).await, expected);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_entry_of_a_foreign_producer_is_delivered_and_keeps_its_id() {
    let world = World::new::<Streams>().await;
    let mut member = world.join(&world.subscription("orders", "billing")).await;
    let stream = stream(&world, "orders");
    let forms: [&[&str]; 5] =
        [&[], &["type", "shop.ping"], &["ce", "{\"type\": \"shop.ping\"}"], &["ce", "{\"id\": null}"], &["ce", "{\"id\": []}"]];
    for attributes in forms {
        let id = cli(&[&["XADD", &stream, "*"], attributes, &["data", "{\"n\": 1}"]].concat()).await;
        let delivery = member.next().await;
        assert_eq!(text(&delivery), "{\"n\": 1}");
        let expected = format!("{}/{id}", world.topic("orders"));
        assert_eq!((delivery.envelope().metadata.id.to_string(), &*delivery.envelope().topic), (expected, world.topic("orders").as_str()));
        let first = Arc::clone(delivery.envelope());
        delivery.release();
        let again = member.next().await;
        assert_eq!((again.envelope(), again.is_again()), (&first, false), "it was not handled, and is the same message");
        again.ack();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_key_of_a_foreign_producer_keeps_its_messages_together_wherever_it_stands() {
    let world = World::new::<Streams>().await;
    let mut member = world.join(&world.ordered("orders", "sorted", 8)).await;
    let forms: [&[&str]; 4] = [
        &["partitionkey", "7"],
        &["ce", "{\"partitionkey\": \"7\"}"],
        &["ce", "{\"partitionkey\": 7}"],
        &["ce", "{}", "partitionkey", "7"],
    ];
    let stream = stream(&world, "orders");
    let mut ids = Vec::new();
    for (number, form) in forms.into_iter().cycle().take(16).enumerate() {
        let number = number.to_string();
        ids.push(cli(&[&["XADD", &stream, "*"], form, &["data", &number]].concat()).await);
    }
    let mut shards = BTreeSet::new();
    for (number, id) in ids.into_iter().enumerate() {
        let delivery = member.next().await;
        let metadata = &delivery.envelope().metadata;
        assert_eq!((text(&delivery), metadata.key.as_deref()), (number.to_string(), Some("7")));
        assert_eq!(metadata.id.to_string(), format!("{}/{id}", world.topic("orders")), "of its place in the topic, not in the shard");
        shards.insert(delivery.shard().index);
        delivery.ack();
    }
    assert_eq!(shards.len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_topic_that_came_up_while_no_member_was_there_is_read_from_its_beginning() {
    let world = World::new::<Streams>().await;
    let other = world.connect().await;
    world.publish_texts("shop.old", &["before the group"]).await;
    let patterns = [world.subscription("shop.#", "plain"), world.ordered("shop.#", "sorted", 3)];
    for subscription in &patterns {
        drop(world.join_by(&other, subscription).await);
    }
    other.close().await;
    world.publish_texts("shop.old", &["1"]).await;
    world.publish_texts("shop.new", &["2"]).await;
    for subscription in &patterns {
        let mut member = world.join(subscription).await;
        world.publish_texts(&format!("shop.{}", if subscription.order.is_some() { "y" } else { "x" }), &["3"]).await;
        // The ordered one gets that for the other too; among shards there is no order.
        let expected: &[&str] = if subscription.order.is_some() { &["1", "2", "3", "3"] } else { &["1", "2", "3"] };
        let mut handled = member.handle(expected.len()).await;
        handled.sort_unstable();
        assert_eq!(handled, expected, "{}", subscription.name());
        member.nothing().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_handler_that_takes_longer_than_the_lease_is_not_taken_for_dead() {
    const LEASE: &str = "lease=1s&heartbeat=250ms";
    let (world, first) = world_with(LEASE).await;
    let second = connect(&format!("{}&{LEASE}", world.backend.url())).await.expect("a connection");
    for subscription in [world.subscription("orders", "billing"), world.ordered("orders", "sorted", 2)] {
        let mut holder = world.join_by(&first, &subscription).await;
        world.publish(world.keyed("orders", "k", "1")).await;
        let held = holder.next().await;
        let mut idle = world.join_by(&second, &subscription).await;
        idle.nothing_for(Duration::from_secs(3)).await;
        held.ack();
        drop(holder);
        idle.nothing().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_group_that_was_to_end_with_a_crashed_process_is_ended_by_others() {
    let world = World::new::<Streams>().await;
    let (topic, group) = (stream(&world, "replies"), format!("~crashed:{}", world.topic("replies")));
    world.publish_texts("replies", &["1"]).await;
    cli(&["XGROUP", "CREATE", &topic, &group, "$"]).await;
    cli(&["SADD", "comms:groups", &group]).await;
    until("ended", async || cli(&["SISMEMBER", "comms:groups", &group]).await == "0").await;
    assert_eq!(cli(&["XINFO", "GROUPS", &topic]).await, "");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_consumer_goes_on_when_the_server_has_lost_its_data() {
    let server = servers::Redis::start().await.expect("a server");
    let broker = connect(&server.url()).await.expect("a connection");
    let world = World::new::<Streams>().await;
    for subscription in [world.subscription("orders", "billing"), world.ordered("orders", "sorted", 2), world.subscription("#", "all")] {
        let mut member = world.join_by(&broker, &subscription).await;
        server.cli(&["FLUSHALL"]).await.expect("flushed");
        let sending = async {
            loop {
                publish(&*broker, world.message("orders", "after")).await.expect("published");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        };
        tokio::select! {
            delivery = member.next() => delivery.ack(),
            () = sending => {}
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_password_is_told_at_once() {
    let server = servers::Redis::shared().await;
    let address = server.address();
    for url in [format!("redis://default:wrong@{address}"), format!("redis://{address}"), format!("redis://nobody:x@{address}/0?prefix=a")]
    {
        let error = tokio::time::timeout(Duration::from_secs(5), connect(&url)).await.expect("at once").unwrap_err();
        assert_kind(&error, BrokerErrorKind::Authentication);
        assert!(error.to_string().contains("password") && !error.to_string().contains("wrong@"), "{error}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_user_without_rights_is_told_what_it_lacks_at_once() {
    let builder = servers::Redis::builder().user("guest on >pw ~other:* +ping +client|setname").user("reader on >pw ~comms:* +@all -xadd");
    let server = builder.start().await.expect("a server");
    let world = World::new::<Streams>().await;
    for user in ["guest", "reader"] {
        let url = format!("redis://{user}:pw@{}", server.address());
        let broker = connect(&url).await.expect("it may log in");
        let publishing = publish(&*broker, world.message("orders", "1"));
        let error = tokio::time::timeout(Duration::from_secs(5), publishing).await.expect("at once").unwrap_err();
        assert_kind(&error, BrokerErrorKind::Authentication);
        assert!(error.to_string().contains("docs/brokers.md"), "{error}");
        if user == "guest" {
            let subscribing = broker.subscribe(Arc::new(world.subscription("orders", "billing")));
            let error = tokio::time::timeout(Duration::from_secs(5), subscribing).await.expect("at once").err().expect("refused");
            assert_kind(&error, BrokerErrorKind::Authentication);
        }
    }
}

/// As docs/brokers.md lists them.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_documented_rights_are_enough() {
    let rule = "shop on >pw ~comms:* -@all +ping +client|id +client|setname +client|unblock +config|get +eval +evalsha \
                +@stream +@sortedset +@hash +@set +exists +del +time";
    let server = servers::Redis::builder().user(rule).start().await.expect("a server");
    let broker = connect(&format!("redis://shop:pw@{}/0?durable=true", server.address())).await.expect("a connection");
    let world = World::new::<Streams>().await;
    let mut ephemeral = world.subscription("orders", "replies");
    ephemeral.ephemeral = true;
    for subscription in [world.subscription("orders", "billing"), world.ordered("orders", "sorted", 2), ephemeral] {
        let mut member = world.join_by(&broker, &subscription).await;
        publish(&*broker, world.keyed("orders", "k", "1")).await.expect("published");
        let delivery = member.next().await;
        let envelope = Arc::clone(delivery.envelope());
        delivery.retry(envelope, Duration::from_millis(10)).await.expect("retried");
        member.next().await.release();
        assert_eq!(member.handle(1).await, ["1"]);
    }
    broker.admin().plan(&[Arc::new(world.subscription("orders", "billing"))]).await.expect("a plan");
    broker.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_less_durable_than_declared_is_refused() {
    let server = servers::Redis::builder().persistent(false).start().await.expect("a server");
    let error = connect(&format!("{}?durable=true", server.url())).await.unwrap_err();
    assert_kind(&error, BrokerErrorKind::Topology);
    assert!(error.to_string().contains("appendonly no"), "{error}");
    let broker = connect(&server.url()).await.expect("without the claim it will do");
    assert!(!broker.capabilities().durable);

    let server = servers::Redis::builder().config("appendfsync everysec").start().await.expect("a server");
    let error = connect(&format!("{}?durable=true", server.url())).await.unwrap_err();
    assert!(error.to_string().contains("appendfsync everysec"), "{error}");
}

#[cfg(feature = "redis-tls")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tls_verifies_the_server_and_shows_the_client_s_certificate() {
    let server = servers::Redis::builder().require_client_certificate().start().await.expect("a server");
    let (url, files) = (server.tls_url().expect("it listens"), server.certificates().expect("it has some"));
    let (ca, cert, key) = (files.ca_path(), files.client_certificate_path(), files.client_key_path());
    let all = format!("{url}?ca={}&cert={}&key={}", ca.display(), cert.display(), key.display());
    let broker = connect(&all).await.expect("a connection");
    assert_eq!(broker.scheme(), "rediss");
    let world = World::new::<Streams>().await;
    let mut member = world.join_by(&broker, &world.subscription("orders", "billing")).await;
    publish(&*broker, world.message("orders", "1")).await.expect("published");
    assert_eq!(member.handle(1).await, ["1"]);

    let stranger = tempfile_dir();
    let others = servers::Certificates::generate(&stranger).expect("certificates");
    for (wrong, why) in [
        (url.clone(), "an authority that nobody trusts"),
        (format!("{url}?ca={}", others.ca_path().display()), "another authority"),
        (format!("{url}?ca={}", ca.display()), "no client certificate"),
    ] {
        let connecting = tokio::time::timeout(Duration::from_secs(20), connect(&wrong)).await;
        let error = connecting.unwrap_or_else(|_| panic!("{why}: no answer")).unwrap_err();
        assert_kind(&error, BrokerErrorKind::Authentication);
        assert!(error.to_string().contains("`ca`"), "{why}: {error}");
    }
    let missing = connect(&format!("{url}?ca=/no/such/file")).await.unwrap_err();
    assert_kind(&missing, BrokerErrorKind::Config);
    std::fs::remove_dir_all(stranger).expect("removed");
}

#[cfg(feature = "redis-tls")]
fn tempfile_dir() -> std::path::PathBuf {
    std::env::temp_dir().join(format!("comms-redis-tls-{}", std::process::id()))
}
