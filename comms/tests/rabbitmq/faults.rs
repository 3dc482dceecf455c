//! Lost connections and servers.

use std::sync::Arc;
use std::time::{Duration, Instant};

use comms::broker::{Broker, BrokerErrorKind, ConnectionState, DeadLetterFilter, Reach, Subscription};
use comms::testing::proxy::Proxy;
use comms::testing::servers;
use lapin::ConnectionProperties;

use crate::support::*;

async fn behind_a_proxy(options: &str) -> (World, Proxy) {
    let server = servers::RabbitMq::shared().await;
    let proxy = Proxy::start(server.address()).await.unwrap();
    (World::at(&server.url_at(proxy.addr()), options).await, proxy)
}

#[tokio::test]
async fn a_cut_connection_is_replaced_and_nothing_confirmed_is_lost() {
    let (world, proxy) = behind_a_proxy("").await;
    let mut consumer = world.subscribe(&world.subscription("g", "orders")).await;
    world.publish("orders", "before").await;
    let old = next(&mut consumer).await;
    proxy.cut().await;
    let waiting = world.broker.publish(Arc::new(envelope("orders", "during"))).await;
    until("the loss is noticed", async || matches!(world.broker.state(), ConnectionState::Reconnecting { .. })).await;
    proxy.heal().await.unwrap();
    assert_eq!(waiting.await.unwrap().reach, Reach::Subscribed);
    let mut bodies = Vec::new();
    for _ in 0..2 {
        let delivery = next(&mut consumer).await;
        bodies.push(body(&delivery));
        delivery.ack();
    }
    bodies.sort();
    assert_eq!(bodies, ["before", "during"]);
    // Settling what the old connection delivered does nothing, and harms nothing.
    old.ack();
    world.publish("orders", "after").await;
    assert_eq!(take(&mut consumer, 1).await, ["after"]);
    assert_eq!(world.broker.state(), ConnectionState::Connected);
}

#[tokio::test]
async fn a_silent_server_is_noticed_by_its_missing_heartbeat() {
    let (world, proxy) = behind_a_proxy("heartbeat=1s").await;
    let mut consumer = world.subscribe(&world.subscription("g", "orders")).await;
    proxy.half_open().await.unwrap();
    let confirm = world.broker.publish(Arc::new(envelope("orders", "x"))).await;
    until("the silence is noticed", async || matches!(world.broker.state(), ConnectionState::Reconnecting { .. })).await;
    proxy.heal().await.unwrap();
    confirm.await.unwrap();
    assert_eq!(take(&mut consumer, 1).await, ["x"]);
}

#[tokio::test]
async fn a_publish_that_waits_too_long_ends_as_unknown() {
    let (world, proxy) = behind_a_proxy("publish_timeout=300ms").await;
    proxy.cut().await;
    let error = world.send(envelope("orders", "x")).await.unwrap_err();
    assert_eq!(error.kind(), BrokerErrorKind::Unknown);
    proxy.heal().await.unwrap();
    until("it works again", async || world.send(envelope("orders", "x")).await.is_ok()).await;
}

#[tokio::test]
async fn connections_that_break_again_and_again_lose_nothing() {
    let (world, proxy) = behind_a_proxy("").await;
    let subscription = world.subscription("g", "orders");
    let mut consumer = world.subscribe(&subscription).await;
    let publishing = async {
        let mut confirms = Vec::new();
        for n in 0..600 {
            confirms.push(world.broker.publish(Arc::new(envelope("orders", &n.to_string()))).await);
            if n % 150 == 149 {
                proxy.drop_connections().await;
            }
        }
        for confirm in confirms {
            confirm.await.unwrap();
        }
    };
    let consuming = async {
        let mut seen = std::collections::HashSet::new();
        while seen.len() < 600 {
            let delivery = next(&mut consumer).await;
            seen.insert(body(&delivery));
            delivery.ack();
        }
    };
    tokio::join!(publishing, consuming);
}

/// Whoever opens a channel at the moment of the cut must not wait for an answer that nobody gives any more.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn messages_flow_soon_after_each_of_many_cuts() {
    let (world, proxy) = behind_a_proxy("heartbeat=1s").await;
    let mut consumer = world.subscribe(&world.subscription("g", "orders")).await;
    for round in 0..10 {
        let (before, during) = (format!("{round} before"), format!("{round} during"));
        let confirm = world.broker.publish(Arc::new(envelope("orders", &before))).await;
        proxy.cut().await;
        let waiting = world.broker.publish(Arc::new(envelope("orders", &during))).await;
        until("the loss is noticed", async || matches!(world.broker.state(), ConnectionState::Reconnecting { .. })).await;
        proxy.heal().await.unwrap();
        let healed = Instant::now();
        confirm.await.unwrap();
        waiting.await.unwrap();
        let mut missing = std::collections::HashSet::from([before, during]);
        while !missing.is_empty() {
            let delivery = next(&mut consumer).await;
            missing.remove(&body(&delivery));
            delivery.ack();
        }
        let took = healed.elapsed();
        assert!(took < Duration::from_secs(6), "round {round}: it took {took:?} to go on");
    }
}

#[tokio::test]
async fn who_asks_something_when_the_connection_is_cut_is_answered_soon() {
    let (world, proxy) = behind_a_proxy("").await;
    let subscription = world.subscription("g", "orders");
    let _consumer = world.subscribe(&subscription).await;
    let (admin, all) = (world.broker.admin(), DeadLetterFilter::default());
    for round in 0..20 {
        // One of the two is first, each time by another while.
        let (cut_after, ask_after) = if round % 2 == 0 { (200 * round, 0) } else { (0, 200 * round) };
        let cut = async {
            tokio::time::sleep(Duration::from_micros(cut_after)).await;
            proxy.cut().await;
            tokio::time::sleep(Duration::from_millis(200)).await;
            proxy.heal().await.unwrap();
        };
        let asking = async {
            tokio::time::sleep(Duration::from_micros(ask_after)).await;
            tokio::time::timeout(Duration::from_secs(5), admin.dead_letters(&subscription, &all)).await
        };
        let (answer, ()) = tokio::join!(asking, cut);
        match answer.unwrap_or_else(|_| panic!("round {round}: nothing was answered")) {
            Ok(letters) => assert_eq!(letters.len(), 0),
            Err(error) => assert_eq!(error.kind(), BrokerErrorKind::Connection, "{error}"),
        }
        until("the connection is back", async || world.broker.state() == ConnectionState::Connected).await;
    }
}

#[tokio::test]
async fn a_lost_connection_is_no_crash_of_the_process_that_survives_it() {
    let (world, proxy) = behind_a_proxy("").await;
    let subscription = world.subscription("g", "orders");
    let mut consumer = world.subscribe(&subscription).await;
    world.publish("orders", "x").await;
    let mut held = next(&mut consumer).await;
    assert!(!held.is_again());
    for _ in 0..6 {
        proxy.drop_connections().await;
        held = next(&mut consumer).await;
        // No attempt; but whoever must not do a thing twice is told.
        assert_eq!((held.attempt(), held.is_again()), (1, true));
    }
    // Another process knows nothing of that: for it, the message may be one that kills.
    let other = connect(&format!("{}?exchange={}", servers::RabbitMq::shared().await.url(), world.id)).await.unwrap();
    let mut successor = other.subscribe(Arc::new(subscription)).await.unwrap();
    drop((held, consumer));
    assert!(next(&mut successor).await.attempt() > 6);
}

#[tokio::test]
async fn what_was_confirmed_survives_kill_and_restart_of_the_server() {
    let server = servers::RabbitMq::start().await.unwrap();
    let world = World::at(&server.url(), "").await;
    let subscription = world.subscription("g", "orders");
    let mut consumer = world.subscribe(&subscription).await;
    server.sync_declarations().await.unwrap();
    for n in 0..50 {
        world.publish("orders", &n.to_string()).await;
    }
    let in_hand = next(&mut consumer).await;
    server.kill().await.unwrap();
    let during = world.broker.publish(Arc::new(envelope("orders", "50"))).await;
    server.restart().await.unwrap();
    during.await.unwrap();
    drop(in_hand);
    let mut seen = std::collections::HashSet::new();
    while seen.len() < 51 {
        let delivery = next(&mut consumer).await;
        seen.insert(body(&delivery));
        delivery.ack();
    }
}

#[tokio::test]
async fn a_deleted_queue_is_declared_again_and_consumed_on() {
    let world = World::new("").await;
    let subscription = world.subscription("g", "orders");
    let mut consumer = world.subscribe(&subscription).await;
    let url = servers::RabbitMq::shared().await.url();
    let connection = lapin::Connection::connect(&url, ConnectionProperties::default()).await.unwrap();
    let channel = connection.create_channel().await.unwrap();
    channel.queue_delete(subscription.name().into(), Default::default()).await.unwrap();
    nothing(&mut consumer).await;
    until("it is bound again", async || world.publish("orders", "x").await == Reach::Subscribed).await;
    assert_eq!(take(&mut consumer, 1).await, ["x"]);
}

#[tokio::test]
async fn a_deleted_exchange_is_declared_again() {
    let world = World::new("publish_timeout=5s").await;
    world.publish("orders", "x").await;
    let url = servers::RabbitMq::shared().await.url();
    let connection = lapin::Connection::connect(&url, ConnectionProperties::default()).await.unwrap();
    let channel = connection.create_channel().await.unwrap();
    channel.exchange_delete(world.id.as_str().into(), Default::default()).await.unwrap();
    assert_eq!(world.publish("orders", "x").await, Reach::Unrouted);
}

#[tokio::test]
async fn a_forbidden_topic_fails_alone_and_at_once() {
    let server = servers::RabbitMq::start().await.unwrap();
    let world = World::at(&server.url(), "exchange=limited").await;
    let _consumer = world.subscribe(&world.subscription("g", "#")).await;
    let user = url_user(&server.url());
    server.ctl(&["set_topic_permissions", "-p", "/", &user, "limited", "^allowed", ".*"]).await.unwrap();
    let broker = connect(&format!("{}?exchange=limited", server.url())).await.unwrap();
    let mut confirms = Vec::new();
    for n in 0..20 {
        let topic = if n == 7 { "forbidden" } else { "allowed" };
        confirms.push((topic, broker.publish(Arc::new(envelope(topic, ""))).await));
    }
    for (topic, confirm) in confirms {
        match (topic, tokio::time::timeout(Duration::from_secs(10), confirm).await.unwrap()) {
            ("forbidden", Err(error)) => assert_eq!(error.kind(), BrokerErrorKind::Authentication),
            ("allowed", Ok(receipt)) => assert_eq!(receipt.reach, Reach::Subscribed),
            (topic, result) => panic!("{topic}: {result:?}"),
        }
    }
}

fn url_user(url: &str) -> String {
    url.split_once("://").unwrap().1.split_once(':').unwrap().0.to_owned()
}

#[tokio::test]
async fn a_server_short_of_memory_takes_acknowledgements_and_makes_publishers_wait() {
    let server = servers::RabbitMq::start().await.unwrap();
    let world = World::at(&server.url(), "").await;
    let subscription = world.subscription("g", "orders");
    let mut consumer = world.subscribe(&subscription).await;
    for n in 0..3 {
        world.publish("orders", &n.to_string()).await;
    }
    server.raise_memory_alarm().await.unwrap();
    let mut waiting = world.broker.publish(Arc::new(envelope("orders", "3"))).await;
    assert_eq!(take(&mut consumer, 3).await, ["0", "1", "2"]);
    until("they are acknowledged", async || depth(&server, &subscription.name()).await == 0).await;
    assert!(tokio::time::timeout(Duration::from_millis(300), &mut waiting).await.is_err());
    server.clear_memory_alarm().await.unwrap();
    waiting.await.unwrap();
    assert_eq!(take(&mut consumer, 1).await, ["3"]);
    a_blocked_connection_says_so_and_holds_up_publish(&server, &subscription).await;
}

/// On the same server: another one would take its time to start.
async fn a_blocked_connection_says_so_and_holds_up_publish(server: &servers::RabbitMq, subscription: &Subscription) {
    const ROOM: usize = 4 + 256; // The window, and what may wait to be taken up by the publisher.
    let world = World::at(&server.url(), "window=4&exchange=blocked").await;
    let mut subscription = subscription.clone();
    subscription.group = world.group("blocked");
    let mut consumer = world.subscribe(&subscription).await;
    server.raise_memory_alarm().await.unwrap();
    let changed = world.broker.state_changed().expect("RabbitMQ tells");
    // Only who publishes is told.
    let mut confirms = vec![world.broker.publish(Arc::new(envelope("orders", "0"))).await];
    tokio::time::timeout(SOON, changed).await.expect("told in time");
    let ConnectionState::Blocked { reason } = world.broker.state() else { panic!("{:?}", world.broker.state()) };
    assert!(reason.contains("memory"), "{reason}");
    let further = async {
        for n in 1..ROOM + 20 {
            confirms.push(world.broker.publish(Arc::new(envelope("orders", &n.to_string()))).await);
        }
    };
    let mut further = Box::pin(further);
    assert!(tokio::time::timeout(Duration::from_millis(500), &mut further).await.is_err(), "publish waits");
    server.clear_memory_alarm().await.unwrap();
    tokio::time::timeout(SOON, further).await.expect("publish goes on");
    assert!((ROOM + 20..).contains(&confirms.len()));
    for confirm in confirms {
        assert_eq!(tokio::time::timeout(SOON, confirm).await.unwrap().unwrap().reach, Reach::Subscribed);
    }
    assert_eq!(take(&mut consumer, ROOM + 20).await, (0..ROOM + 20).map(|n| n.to_string()).collect::<Vec<_>>());
    assert_eq!(world.broker.state(), ConnectionState::Connected);
}

#[tokio::test]
async fn closing_is_bounded_when_the_server_is_gone() {
    let (world, proxy) = behind_a_proxy("").await;
    let mut consumer = world.subscribe(&world.subscription("g", "orders")).await;
    proxy.cut().await;
    let waiting = world.broker.publish(Arc::new(envelope("orders", "x"))).await;
    tokio::time::timeout(SOON, world.broker.close()).await.expect("closed in time");
    assert_eq!(waiting.await.unwrap_err().kind(), BrokerErrorKind::Unknown);
    assert!(std::future::poll_fn(|context| consumer.poll_next(context)).await.is_none());
    assert_eq!(world.broker.state(), ConnectionState::Closed);
}
