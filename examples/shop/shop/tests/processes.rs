//! The shop over a real RabbitMQ, a real Redis and a real Kafka, each service in a process of its own, with nothing changed but the configuration.

mod solo;

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use comms::config::Config;
use comms::testing::servers;
use comms::{App, AppBuilder, CommandBus, event_handler};
use shop_contracts::{OrderShipped, PaymentFailed, PlaceOrder};
use solo::Solo;
use tokio::process::Child;
use tokio::time::{Instant, sleep};

/// How often each order was seen to be done with.
type Done = Arc<Mutex<HashMap<String, u32>>>;

/// Listens, from this process, to what becomes of the orders. Wired by hand: a test has no generated wiring.
#[event_handler(service = "auditor")]
async fn on_order_shipped(event: OrderShipped, done: Done) {
    note(&done, event.order_id);
}

#[event_handler(service = "auditor")]
async fn on_payment_failed(event: PaymentFailed, done: Done) {
    note(&done, event.order_id);
}

fn note(done: &Done, order_id: String) {
    *done.lock().expect("no holder panics").entry(order_id).or_default() += 1;
}

async fn auditor(url: &str, done: &Done) -> App {
    let config = Config::from_toml(&format!("[brokers.default]\nurl = \"{url}\"")).expect("a configuration");
    AppBuilder::new("auditor")
        .provide(Done::clone(done))
        .event_function::<comms::handler!(on_order_shipped)>("auditor")
        .event_function::<comms::handler!(on_payment_failed)>("auditor")
        .config(config)
        .start()
        .await
        .expect("the auditor starts")
}

/// Places an order until it is accepted, as every caller over a network has to.
async fn place(commands: &CommandBus, order_id: String, customer: String) {
    let order = PlaceOrder { order_id, customer, article: "book".into(), quantity: 1 };
    let give_up = Instant::now() + Duration::from_secs(60);
    while let Err(error) = commands.send_within(order.clone(), Duration::from_secs(5)).await {
        assert!(Instant::now() < give_up, "{} was not accepted within a minute: {error}", order.order_id);
        sleep(Duration::from_millis(100)).await;
    }
}

/// Every order comes out one way or the other; the deadline is for a machine that is busy.
async fn wait_until_done(done: &Done, wanted: &BTreeSet<String>, patience: Duration) {
    let give_up = Instant::now() + patience;
    loop {
        let missing: Vec<String> = {
            let done = done.lock().expect("no holder panics");
            wanted.iter().filter(|order| !done.contains_key(*order)).cloned().collect()
        };
        if missing.is_empty() {
            return;
        }
        assert!(Instant::now() < give_up, "{} of {} orders never ended, the first is {}", missing.len(), wanted.len(), missing[0]);
        sleep(Duration::from_millis(50)).await;
    }
}

/// A group begins with what is published once it is declared, so the services have to be up before the count begins.
async fn wait_until_open(commands: &CommandBus, done: &Done) {
    for probe in 0..100 {
        place(commands, format!("probe-{probe}"), "probe".into()).await;
        sleep(Duration::from_millis(200)).await;
        if !done.lock().expect("no holder panics").is_empty() {
            return;
        }
    }
    panic!("no order came through the shop within 20 seconds");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_order_is_lost_and_nothing_restarted_when_the_broker_is_killed_in_the_middle_of_the_traffic() {
    let rabbitmq = servers::RabbitMq::start().await.expect("RabbitMQ starts");
    let crash = async {
        rabbitmq.kill().await.expect("the server is killed");
        rabbitmq.restart().await.expect("the server starts again on its data");
    };
    no_order_is_lost(&rabbitmq.url(), crash, wait_until_everything_is_handled(&rabbitmq)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_order_is_lost_and_nothing_restarted_when_redis_is_killed_in_the_middle_of_the_traffic() {
    let redis = servers::Redis::start().await.expect("Redis starts");
    let crash = async {
        redis.kill().await.expect("the server is killed");
        redis.restart().await.expect("the server starts again on its data");
    };
    let url = format!("{}?durable=true", redis.url());
    no_order_is_lost(&url, crash, wait_until_redis_has_everything_handled(&redis)).await;
}

#[cfg(feature = "kafka")]
#[tokio::test(flavor = "multi_thread")]
async fn no_order_is_lost_and_nothing_restarted_when_kafka_is_killed_in_the_middle_of_the_traffic() {
    let kafka = servers::Kafka::start().await.expect("Kafka starts");
    let crash = async {
        kafka.kill().await.expect("the broker is killed");
        kafka.restart().await.expect("the broker starts again on its data");
    };
    let url = kafka.url();
    no_order_is_lost(&url, crash, wait_until_operators_see_nothing_left(&url)).await;
}

/// No group of the services is behind, and no letter is dead, as the commands of the shop tell it.
#[cfg(feature = "kafka")]
async fn wait_until_operators_see_nothing_left(url: &str) {
    let give_up = Instant::now() + Duration::from_secs(60);
    for service in ["orders", "inventory", "billing", "notifications"] {
        while let behind = operator(url, &["offsets", "show", "--json", "--service", service]).await
            && behind["subscriptions"].as_array().expect("a list").iter().any(|one| is_behind(&one["lag"]))
        {
            assert!(Instant::now() < give_up, "`{service}` is still behind: {behind}");
        }
        let letters = operator(url, &["dlq", "list", "--json", "--service", service]).await;
        assert_eq!(letters["dead_letters"].as_array().map(Vec::len), Some(0), "{letters}");
    }
}

#[cfg(feature = "kafka")]
fn is_behind(lag: &serde_json::Value) -> bool {
    ["waiting", "unsettled", "delayed"].iter().any(|part| lag[part] != 0)
}

#[cfg(feature = "kafka")]
async fn operator(url: &str, arguments: &[&str]) -> serde_json::Value {
    let mut command = tokio::process::Command::new(env!("CARGO_BIN_EXE_shop"));
    command.args(arguments).env("COMMS__BROKERS__DEFAULT__URL", url).current_dir(env!("CARGO_TARGET_TMPDIR"));
    let output = command.output().await.expect("the command runs");
    let told = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{arguments:?}: {told}");
    serde_json::from_slice(&output.stdout).expect("JSON")
}

async fn no_order_is_lost(url: &str, crash: impl Future<Output = ()>, handled: impl Future<Output = ()>) {
    let (solo, done) = (Solo::over(url.to_owned()), Done::default());
    let app = auditor(solo.url(), &done).await;
    let commands: CommandBus = app.inject().expect("every application has its buses");
    let programs = [solo::INVENTORY, solo::PAYMENTS, solo::ORDERS, solo::BILLING, env!("CARGO_BIN_EXE_solo-notifications")];
    let mut services: Vec<Child> = programs.iter().map(|program| solo.start(program)).collect();
    wait_until_open(&commands, &done).await;

    let traffic = {
        let commands = commands.clone();
        tokio::spawn(async move {
            for number in 1..=300 {
                place(&commands, format!("o-{number}"), format!("customer-{}", number % 16)).await;
            }
        })
    };
    wait_until_done(&done, &orders(1..=50), Duration::from_secs(60)).await;
    crash.await;

    traffic.await.expect("every order is accepted");
    wait_until_done(&done, &orders(1..=300), Duration::from_secs(90)).await;
    handled.await;
    for (service, program) in services.iter_mut().zip(programs) {
        assert_eq!(service.try_wait().expect("its state can be read"), None, "{program} is still the same process");
    }
    app.shutdown().await;
}

/// Nothing is pending, unread, waiting or dead in any group, those of the customers' notifications included.
async fn wait_until_redis_has_everything_handled(redis: &servers::Redis) {
    const LEFT: &str = r"local left = {}
        for _, key in ipairs(redis.call('KEYS', 'comms:*')) do
            local kind = redis.call('TYPE', key).ok
            if kind == 'stream' then
                for _, g in ipairs(redis.call('XINFO', 'GROUPS', key)) do
                    local unread = #redis.call('XRANGE', key, '(' .. g[8], '+', 'COUNT', 1)
                    if g[6] + unread > 0 then left[#left + 1] = key .. ' of ' .. g[2] end
                end
                if string.match(key, ':dead$') and redis.call('XLEN', key) > 0 then left[#left + 1] = key end
            elseif string.match(key, ':delayed$') and redis.call('ZCARD', key) > 0 then left[#left + 1] = key end
        end
        return left";
    let groups = redis.cli(&["SMEMBERS", "comms:groups"]).await.expect("the server lists its groups");
    assert!(groups.contains("notifications:"), "{groups}");
    let give_up = Instant::now() + Duration::from_secs(60);
    loop {
        let left = redis.cli(&["EVAL", LEFT, "0"]).await.expect("the server counts");
        if left.trim().is_empty() {
            return;
        }
        assert!(Instant::now() < give_up, "these still hold messages: {left}");
        sleep(Duration::from_millis(200)).await;
    }
}

/// No queue of any service holds a message, those of the customers' notifications included; nobody's order is hopeless.
async fn wait_until_everything_is_handled(rabbitmq: &servers::RabbitMq) {
    let give_up = Instant::now() + Duration::from_secs(60);
    loop {
        let queues = rabbitmq.queues().await.expect("the server lists its queues");
        assert!(queues.iter().any(|queue| queue.name.starts_with("notifications.")), "{queues:?}");
        let left: Vec<_> = queues.into_iter().filter(|queue| queue.messages > 0).collect();
        if left.is_empty() {
            return;
        }
        assert!(Instant::now() < give_up, "these still hold messages: {left:?}");
        sleep(Duration::from_millis(200)).await;
    }
}

fn orders(numbers: std::ops::RangeInclusive<u32>) -> BTreeSet<String> {
    numbers.map(|number| format!("o-{number}")).collect()
}
