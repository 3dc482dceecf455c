//! The binaries as an operator uses them, on a real RabbitMQ, while the service runs and when it does not.

mod solo;

use std::process::Output;
use std::sync::Arc;
use std::time::Duration;

use comms::broker::rabbitmq::RabbitMq;
use comms::testing::servers;
use comms::{AppBuilder, CommandBus};
use serde_json::Value;
use shop_contracts::PlaceOrder;
use solo::Solo;
use tokio::time::{Instant, sleep};

const PATIENCE: Duration = Duration::from_secs(60);

async fn billing(solo: &Solo, arguments: &[&str]) -> Output {
    solo.command(solo::BILLING).args(arguments).output().await.expect("the binary runs")
}

/// The same, which does not wait long for a broker that is not there.
async fn billing_in_vain(solo: &Solo, argument: &[&str]) -> Output {
    let url = format!("{}?connect_timeout=1s", solo.url());
    solo.command(solo::BILLING).env("COMMS__BROKERS__DEFAULT__URL", url).args(argument).output().await.expect("the binary runs")
}

fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

async fn letters(solo: &Solo) -> Vec<Value> {
    let output = billing(solo, &["dlq", "list", "--json"]).await;
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let listed: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {output:?}"));
    listed["dead_letters"].as_array().unwrap_or_else(|| panic!("no list of letters: {listed}")).clone()
}

async fn until_there_are_letters(solo: &Solo, count: usize) -> Vec<Value> {
    let give_up = Instant::now() + PATIENCE;
    loop {
        let found = letters(solo).await;
        if found.len() == count {
            return found;
        }
        assert!(Instant::now() < give_up, "never {count} dead letters, but {found:?}");
        sleep(Duration::from_millis(200)).await;
    }
}

/// `mallory` has no account, so the event of her order becomes a dead letter of billing.
async fn place_an_order_of_mallory(url: &str) {
    let broker = RabbitMq::connect(url.parse().expect("a URL"), "till").await.expect("the server answers");
    let app = AppBuilder::new("till").broker("default", Arc::new(broker)).start().await.expect("it starts");
    let commands: CommandBus = app.inject().expect("every application has its buses");
    let order = PlaceOrder { order_id: "o-1".into(), customer: "mallory".into(), article: "book".into(), quantity: 1 };
    let give_up = Instant::now() + PATIENCE;
    while let Err(error) = commands.send(order.clone()).await {
        assert!(Instant::now() < give_up, "the order was not accepted: {error}");
        sleep(Duration::from_millis(200)).await;
    }
    app.shutdown().await;
}

#[tokio::test]
async fn dead_letters_are_listed_replayed_and_purged_with_and_without_the_service() {
    let rabbitmq = servers::RabbitMq::start().await.expect("RabbitMQ starts");
    let solo = Solo::over(rabbitmq.url());
    // Billing first: its group begins with what is published once it is declared.
    let mut billing_service = solo.start(solo::BILLING);
    let give_up = Instant::now() + PATIENCE;
    loop {
        let plan = billing(&solo, &["topology", "plan"]).await;
        let text = stdout(&plan);
        // A plan that could not be made says nothing at all.
        if plan.status.success() && !text.is_empty() && text.lines().all(|line| line.starts_with("keep ")) {
            break;
        }
        assert!(Instant::now() < give_up, "billing never declared its queues: {plan:?}");
        sleep(Duration::from_millis(200)).await;
    }
    let _others = [solo::PAYMENTS, solo::INVENTORY, solo::ORDERS].map(|program| solo.start(program));
    place_an_order_of_mallory(solo.url()).await;

    let found = until_there_are_letters(&solo, 1).await;
    assert!(found[0].to_string().contains("no account"), "{found:?}");
    // Replayed while the service runs, it fails again.
    let replayed = billing(&solo, &["dlq", "replay", "--all"]).await;
    assert_eq!(replayed.status.code(), Some(0), "{replayed:?}");
    until_there_are_letters(&solo, 1).await;

    billing_service.kill().await.expect("it is killed");
    assert_eq!(letters(&solo).await.len(), 1);
    let unsaid = billing(&solo, &["dlq", "purge"]).await;
    assert_eq!(unsaid.status.code(), Some(2), "what to purge must be said: {unsaid:?}");
    let purged = billing(&solo, &["dlq", "purge", "--all"]).await;
    assert_eq!(purged.status.code(), Some(0), "{purged:?}");
    assert_eq!(letters(&solo).await.len(), 0);
    assert_eq!(billing(&solo, &["check"]).await.status.code(), Some(0));

    rabbitmq.kill().await.expect("the server is killed");
    let unreachable = billing_in_vain(&solo, &["dlq", "list"]).await;
    assert_eq!(unreachable.status.code(), Some(4), "{unreachable:?}");
    let checked = billing_in_vain(&solo, &["check"]).await;
    assert_eq!(checked.status.code(), Some(4), "{checked:?}");
}
