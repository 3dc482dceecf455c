//! The part of the suite that holds of a broker that keeps nothing, and what Redis Pub/Sub does of its own. Needs `redis-server` and
//! `redis-cli` on PATH.

use std::sync::Arc;
use std::time::Duration;

use comms::broker::redis::{GAP, RedisPubSub, RedisPubSubConfig};
use comms::broker::{AtMostOnce, Broker, BrokerErrorKind, ConnectionState, Delivery};
use comms::testing::servers;
use comms_conformance::backends::redis::Channels;
use comms_conformance::world::{assert_kind, publish, text};
use comms_conformance::{Member, World};

comms_conformance::tests! { Channels,
    publishing {
        a_confirmed_message_reaches_its_subscription,
        a_message_without_a_subscription_has_the_declared_result,
        an_empty_payload_arrives,
        a_large_payload_arrives_byte_for_byte,
        a_message_over_the_limit_is_too_large,
        all_attributes_survive_unicode_included,
        a_message_without_attributes_arrives,
        many_messages_in_flight_are_all_confirmed,
        concurrent_publishers_keep_their_own_order,
        publishing_after_close_is_closed,
        the_backend_declares_its_capabilities,
        two_connections_that_publish_at_once_lose_nothing,
    }
    groups {
        a_pattern_gets_every_topic_that_matches_and_no_other,
        each_group_gets_every_message,
        a_new_group_starts_with_what_is_new,
        a_new_group_starts_with_the_earliest_where_that_is_kept,
        an_ephemeral_group_ends_with_its_consumer,
        a_consumer_waits_and_ends_only_when_the_broker_is_closed,
        subscribing_after_close_is_closed,
    }
    settling {
        a_released_message_comes_again,
        a_dropped_delivery_is_released,
        no_more_than_prefetch_is_unsettled,
        a_message_that_is_released_again_and_again_stays_as_it_was,
    }
    retrying {
        a_retried_message_comes_back_after_its_delay_with_its_attempt,
    }
}

const PATIENCE: Duration = Duration::from_secs(60);

/// A server of its own, and a connection with these options.
struct Own {
    server: servers::Redis,
    broker: Arc<RedisPubSub>,
    world: World,
}

impl Own {
    async fn start(options: &str) -> Self {
        let server = servers::Redis::start().await.expect("a server");
        let broker = connect(&server, options).await;
        Self { server, broker, world: World::new::<Channels>().await }
    }

    async fn join(&self, topic: &str) -> Member {
        let broker: Arc<dyn Broker> = Arc::clone(&self.broker) as _;
        let mut subscription = self.world.subscription(topic, "g");
        subscription.concurrency = 1;
        self.world.join_by(&broker, &subscription).await
    }

    /// Publishes until the member gets one of them.
    async fn next(&self, member: &mut Member, topic: &str) -> Delivery {
        let sending = async {
            loop {
                let _ = publish(&*self.broker, self.world.message(topic, "after")).await;
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        tokio::select! {
            delivery = member.next() => delivery,
            () = sending => unreachable!(),
        }
    }
}

async fn connect(server: &servers::Redis, options: &str) -> Arc<RedisPubSub> {
    let url = server.url().replace("redis://", "redis+pubsub://");
    let config: RedisPubSubConfig = format!("{url}?{options}").parse().expect("a URL");
    Arc::new(RedisPubSub::connect(config, "pubsub").await.expect("a connection"))
}

async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let waiting = async {
        while !holds().await {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    assert!(tokio::time::timeout(PATIENCE, waiting).await.is_ok(), "never was: {what}");
}

fn gap(delivery: &Delivery) -> Option<u64> {
    delivery.envelope().metadata.extensions.get(GAP).map(|gap| gap.parse().expect("milliseconds"))
}

#[test]
fn the_type_says_that_messages_may_be_lost() {
    fn may_lose<B: AtMostOnce>() {}
    may_lose::<RedisPubSub>();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn order_is_refused() {
    let world = World::new::<Channels>().await;
    let error = world.refused(&world.ordered("orders", "sorted", 2)).await;
    assert_kind(&error, BrokerErrorKind::Unsupported);
    assert!(error.to_string().contains("at most once"), "{error}");
    let letters = world.broker.admin().dead_letters(&world.subscription("orders", "g"), &Default::default()).await;
    assert_kind(&letters.unwrap_err(), BrokerErrorKind::Unsupported);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_member_of_a_group_gets_every_message() {
    let world = World::new::<Channels>().await;
    let subscription = world.subscription("prices.#", "g");
    let (mut one, mut two) = (world.join(&subscription).await, world.join(&subscription).await);
    world.publish_texts("prices", &["1"]).await;
    world.publish_texts("prices.eu", &["2"]).await;
    world.publish_texts("pricesless", &["not for them"]).await;
    assert_eq!((one.handle(2).await, two.handle(2).await), (vec!["1".to_owned(), "2".to_owned()], vec!["1".to_owned(), "2".to_owned()]));
    one.nothing().await;
}

/// A server that stands still, and one that is killed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_connection_is_repaired_and_the_gap_is_reported() {
    for kills in [false, true] {
        let own = Own::start("heartbeat=250ms").await;
        let (mut literal, mut pattern) = (own.join("prices").await, own.join("#").await);
        assert_eq!((own.broker.state(), own.broker.gaps()), (ConnectionState::Connected, 0));
        assert_eq!(gap(&own.next(&mut literal, "prices").await), None);
        assert_eq!(gap(&pattern.next().await), None);
        match kills {
            true => own.server.kill().await.expect("killed"),
            false => own.server.pause().await.expect("paused"),
        }
        until("the state says so", async || matches!(own.broker.state(), ConnectionState::Reconnecting { .. })).await;
        tokio::time::sleep(Duration::from_millis(300)).await;
        match kills {
            true => own.server.restart().await.expect("restarted"),
            false => own.server.resume().await.expect("resumed"),
        }
        until("both are back", async || own.broker.gaps() == 2 && own.broker.state() == ConnectionState::Connected).await;
        for member in [&mut literal, &mut pattern] {
            let first = loop {
                let delivery = own.next(member, "prices").await;
                let found = gap(&delivery);
                delivery.ack();
                if found.is_some() {
                    break found;
                }
            };
            assert!(first.is_some_and(|gap| gap >= 300), "{first:?}");
            let next = own.next(member, "prices").await;
            assert_eq!(gap(&next), None, "once is enough");
            next.ack();
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_slow_handler_has_no_room_for_is_lost_and_reported() {
    let own = Own::start("buffer=3").await;
    let mut member = own.join("prices").await;
    for n in 0..10 {
        publish(&*own.broker, own.world.message("prices", &n.to_string())).await.expect("published");
    }
    until("it is noticed", async || own.broker.gaps() == 1).await;
    // What is in hand does not count as waiting.
    let held: Vec<String> = member.handle(3).await;
    assert_eq!(held, ["0", "1", "2"]);
    let next = own.next(&mut member, "prices").await;
    assert!(text(&next) != "3" && gap(&next).is_some(), "{next:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_sent_and_not_answered_is_unknown_and_is_not_sent_again() {
    let own = Own::start("heartbeat=250ms").await;
    let other = connect(&own.server, "").await;
    let broker: Arc<dyn Broker> = other;
    let mut member = own.world.join_by(&broker, &own.world.subscription("prices", "g")).await;
    own.server.pause().await.expect("paused");
    let publishing = publish(&*own.broker, own.world.message("prices", "once"));
    let error = tokio::time::timeout(PATIENCE, publishing).await.expect("in time").unwrap_err();
    assert_kind(&error, BrokerErrorKind::Unknown);
    assert!(error.to_string().contains("is not sent again"), "{error}");
    own.server.resume().await.expect("resumed");
    until("connected again", async || own.broker.state() == ConnectionState::Connected).await;
    publish(&*own.broker, own.world.message("prices", "last")).await.expect("published");
    let mut seen = Vec::new();
    while seen.last().map(String::as_str) != Some("last") {
        seen.extend(member.handle(1).await);
    }
    assert!(seen.iter().filter(|text| *text == "once").count() <= 1, "{seen:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_program_that_knows_nothing_of_us_publishes_with_plain_commands() {
    let own = Own::start("prefix=shop").await;
    let mut member = own.join("prices").await;
    let channel = format!("shop:{}", own.world.topic("prices"));
    assert_eq!(own.server.cli(&["PUBLISH", &channel, "plain"]).await.expect("published").trim(), "1");
    let line = r#"{"specversion":"1.0","id":"17","type":"shop.price","source":"/shell"}"#;
    own.server.cli(&["PUBLISH", &channel, &format!("{line}\n42")]).await.expect("published");
    let (plain, full) = (member.next().await, member.next().await);
    assert_eq!((text(&plain), text(&full)), ("plain".to_owned(), "42".to_owned()));
    let metadata = &full.envelope().metadata;
    assert_eq!((metadata.id.to_string().as_str(), &*metadata.name), ("17", "shop.price"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_user_without_the_right_to_the_channels_is_told_at_once() {
    let rules = servers::Redis::builder()
        .user("guest on >pw ~* &other:* +@all")
        .user("ticker on >pw allchannels -@all +ping +client|setname +publish +subscribe +psubscribe");
    let server = rules.start().await.expect("a server");
    let world = World::new::<Channels>().await;
    for (user, may) in [("guest", false), ("ticker", true)] {
        let config: RedisPubSubConfig = format!("redis+pubsub://{user}:pw@{}", server.address()).parse().expect("a URL");
        let broker = RedisPubSub::connect(config, "x").await.expect("it may log in");
        let publishing = publish(&broker, world.message("prices", "1")).await;
        for topic in ["prices", "#"] {
            let subscribing = broker.subscribe(Arc::new(world.subscription(topic, "g")));
            let subscribed = tokio::time::timeout(Duration::from_secs(5), subscribing).await.expect("at once");
            match may {
                true => drop(subscribed.expect("subscribed")),
                false => assert_kind(&subscribed.err().expect("refused"), BrokerErrorKind::Authentication),
            }
        }
        match may {
            true => drop(publishing.expect("published")),
            false => assert_kind(&publishing.unwrap_err(), BrokerErrorKind::Authentication),
        }
    }
}
