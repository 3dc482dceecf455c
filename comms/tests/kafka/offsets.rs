//! How far a group is behind, taking it elsewhere, and declaring it beforehand.

use std::sync::Arc;
use std::time::Duration;

use comms::broker::{Admin, Broker, BrokerErrorKind, Lag, Order, PlanStep, Position, StartPosition, Subscription};
use comms::testing::servers;
use jiff::Timestamp;

use crate::support::*;

async fn connected(options: &str) -> comms::broker::kafka::Kafka {
    let url = servers::Kafka::shared().await.url();
    connect(&url, &format!("partitions=2&{options}")).await.unwrap()
}

/// Until what is settled is committed, which takes a moment.
async fn lag_until(broker: &impl Admin, subscription: &Subscription, what: &str, enough: impl Fn(&Lag) -> bool) -> Lag {
    let deadline = tokio::time::Instant::now() + SOON;
    loop {
        let lag = broker.lag(subscription).await.unwrap();
        if enough(&lag) {
            return lag;
        }
        assert!(tokio::time::Instant::now() < deadline, "never {what}: {lag:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Everything that comes to a new member until nothing does, settled.
async fn all_of(broker: &comms::broker::kafka::Kafka, subscription: &Subscription, expected: usize) -> Vec<String> {
    let mut consumer = subscribe(broker, subscription).await;
    let mut bodies = Vec::new();
    for _ in 0..expected {
        let delivery = next(&mut consumer).await;
        bodies.push(body(&delivery));
        delivery.ack();
    }
    assert!(next_within(&mut consumer, Duration::from_millis(300)).await.is_none(), "no more than {bodies:?}");
    bodies.sort();
    bodies
}

/// A seek once the member that was dropped has left.
async fn moved(broker: &impl Admin, subscription: &Subscription, position: &Position) {
    let deadline = tokio::time::Instant::now() + SOON;
    while let Err(error) = broker.seek(subscription, position).await {
        let waits = error.kind() == BrokerErrorKind::Refused && tokio::time::Instant::now() < deadline;
        assert!(waits, "{error}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lag_is_what_is_not_settled_by_partition_and_what_waits_for_a_retry() {
    let broker = connected("ladder=10m").await;
    let listening = subscription("lagging", "lagged");
    let missing = broker.lag(&listening).await.unwrap_err();
    assert!(missing.kind() == BrokerErrorKind::Topology && missing.to_string().contains("no group `lagging.lagged`"), "{missing}");
    let mut consumer = subscribe(&broker, &listening).await;
    // Of one key, and so of one partition.
    for number in 0..6 {
        publish(&broker, "lagged", Some("k"), &number.to_string()).await.unwrap();
    }
    let mut held = Vec::new();
    for _ in 0..6 {
        held.push(next(&mut consumer).await);
    }
    let before = broker.lag(&listening).await.unwrap();
    assert_eq!((before.waiting, before.unsettled, before.delayed), (6, 0, 0), "{before:?}");
    let parts: Vec<&str> = before.parts.iter().map(|part| part.part.as_str()).collect();
    assert_eq!(parts, ["lagged/0", "lagged/1", "lagging.lagged.AGAIN/0"]);
    // The first is still open: nothing of it can be committed as an offset, and yet it is not waited for.
    held.remove(5).ack();
    held.remove(3).ack();
    let retried = held.remove(2);
    let again = retried.envelope().clone();
    retried.retry(again, Duration::from_secs(60)).await.unwrap();
    let after = lag_until(&broker, &listening, "three are settled", |lag| lag.waiting == 3).await;
    assert_eq!((after.delayed, after.total()), (1, 4), "{after:?}");
    let behind: Vec<(u64, &str)> =
        after.parts.iter().map(|part| (part.waiting, part.position.as_str())).filter(|part| part.0 > 0).collect();
    assert_eq!(behind, [(3, "0")]);
    drop(held);
    broker.close().await;
    assert_eq!(broker.lag(&listening).await.unwrap_err().kind(), BrokerErrorKind::Closed);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_group_reads_on_where_it_was_taken() {
    let broker = connected("").await;
    let listening = subscription("moved", "places");
    drop(subscribe(&broker, &listening).await);
    let publish_all = async |texts: &[&str]| {
        for text in texts {
            publish(&broker, "places", Some("k"), text).await.unwrap();
        }
    };
    publish_all(&["a", "b", "c"]).await;
    let time = Timestamp::now().checked_add(Duration::from_millis(2)).unwrap();
    while Timestamp::now() <= time {
        tokio::task::yield_now().await;
    }
    publish_all(&["d", "e"]).await;
    assert_eq!(all_of(&broker, &listening, 5).await, ["a", "b", "c", "d", "e"]);
    let part = {
        moved(&broker, &listening, &Position::Beginning).await;
        let lag = broker.lag(&listening).await.unwrap();
        assert_eq!(lag.waiting, 5, "{lag:?}");
        lag.parts.into_iter().find(|part| part.waiting == 5).expect("all in one").part
    };
    assert_eq!(all_of(&broker, &listening, 5).await, ["a", "b", "c", "d", "e"], "settled, and delivered again");
    moved(&broker, &listening, &Position::Time(time)).await;
    assert_eq!(all_of(&broker, &listening, 2).await, ["d", "e"]);
    moved(&broker, &listening, &Position::At { part: Some(part.clone()), place: "1".to_owned() }).await;
    assert_eq!(broker.lag(&listening).await.unwrap().waiting, 4);
    moved(&broker, &listening, &Position::End).await;
    assert_eq!(broker.lag(&listening).await.unwrap().total(), 0);
    publish_all(&["f"]).await;
    assert_eq!(all_of(&broker, &listening, 1).await, ["f"]);
    for (part, place, said) in [
        (Some(part.clone()), "99", "go from 0 to 6"),
        (Some(part), "x", "`x` is no offset"),
        (Some("places/7".to_owned()), "0", "the parts are places/0, places/1"),
        (None, "4", "go from 0 to 0"),
    ] {
        let position = Position::At { part, place: place.to_owned() };
        let error = broker.seek(&listening, &position).await.unwrap_err();
        assert!(error.kind() == BrokerErrorKind::Config && error.to_string().contains(said), "{error}");
    }
    broker.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_group_to_the_end_leaves_its_retries_behind() {
    let broker = connected("ladder=200ms").await;
    let listening = subscription("skipping", "skipped");
    let mut consumer = subscribe(&broker, &listening).await;
    publish(&broker, "skipped", None, "old").await.unwrap();
    let delivery = next(&mut consumer).await;
    let again = delivery.envelope().clone();
    delivery.retry(again, Duration::from_secs(1)).await.unwrap();
    drop(consumer);
    moved(&broker, &listening, &Position::End).await;
    assert_eq!(broker.lag(&listening).await.unwrap().total(), 0);
    let mut consumer = subscribe(&broker, &listening).await;
    publish(&broker, "skipped", None, "new").await.unwrap();
    let delivery = next(&mut consumer).await;
    assert_eq!(body(&delivery), "new");
    delivery.ack();
    assert!(next_within(&mut consumer, Duration::from_millis(1500)).await.is_none(), "it would have been due");
    broker.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_group_with_members_is_not_moved_and_they_are_named() {
    let broker = connected("client_id=billing-7").await;
    let listening = subscription("busy", "busy");
    let missing = broker.seek(&listening, &Position::End).await.unwrap_err();
    assert!(missing.to_string().contains("no group `busy.busy`"), "{missing}");
    let mut consumer = subscribe(&broker, &listening).await;
    publish(&broker, "busy", None, "1").await.unwrap();
    let error = broker.seek(&listening, &Position::End).await.unwrap_err();
    assert_eq!(error.kind(), BrokerErrorKind::Refused, "{error}");
    assert!(error.to_string().contains("`billing-7` on 127.0.0.1"), "{error}");
    let delivery = next(&mut consumer).await;
    assert_eq!(body(&delivery), "1");
    broker.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_topology_is_applied_once_and_what_differs_is_refused_before_anything_is_made() {
    let broker = connected("ladder=1s").await;
    let listening = std::sync::Arc::new(subscription("applied", "applying"));
    let made = broker.apply(std::slice::from_ref(&listening)).await.unwrap();
    let names: Vec<&str> = made.iter().map(|item| item.name.as_str()).collect();
    assert!(made.iter().all(|item| item.step == PlanStep::Create), "{made:?}");
    let expected = ["applying", "applied.applying.AGAIN", "applied.applying.RETRY-1s", "applied.applying.DLQ", "applied.applying"];
    assert_eq!(names, expected);
    assert!(broker.plan(std::slice::from_ref(&listening)).await.unwrap().iter().all(|item| item.step == PlanStep::Keep));
    assert!(broker.apply(std::slice::from_ref(&listening)).await.unwrap().is_empty());
    // It is a group from then on: what is published before the first member comes is not lost.
    publish(&broker, "applying", None, "early").await.unwrap();
    assert_eq!(all_of(&broker, &listening, 1).await, ["early"]);
    let mut other = subscription("applied", "applying");
    other.order = Some(Order { shards: 2.try_into().unwrap() });
    let mut fresh = subscription("fresh", "made-for-nothing");
    fresh.from = StartPosition::Earliest;
    let error = broker.apply(&[fresh.clone().into(), other.into()]).await.unwrap_err();
    assert!(error.kind() == BrokerErrorKind::Topology && error.to_string().contains("the group `applied.applying`"), "{error}");
    let planned = broker.plan(&[fresh.into()]).await.unwrap();
    assert!(planned.iter().all(|item| item.step == PlanStep::Create), "nothing was made: {planned:?}");
    broker.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_no_declaration_has_any_more_is_planned_as_an_orphan_and_left_alone() {
    let before = connected("ladder=1s,5s").await;
    let (kept, gone) = (Arc::new(subscription("lost", "kept")), Arc::new(subscription("lost", "gone.#")));
    let foreign = Arc::new(subscription("stranger", "gone.too"));
    let declared = [kept.clone(), gone, foreign];
    let deadline = tokio::time::Instant::now() + SOON;
    // A broker that was just started has no coordinator for groups yet.
    while let Err(error) = before.apply(&declared).await {
        assert!(error.kind() == BrokerErrorKind::Connection && tokio::time::Instant::now() < deadline, "{error}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    before.close().await;
    let broker = connected("ladder=1s").await;
    let orphans = async || {
        let planned = broker.plan(std::slice::from_ref(&kept)).await.unwrap();
        let orphans = planned.into_iter().filter(|item| item.step == PlanStep::Orphan);
        orphans.map(|item| (item.kind, item.name, item.detail)).collect::<Vec<_>>()
    };
    let found = orphans().await;
    let names: Vec<String> = found.iter().map(|(kind, name, _)| format!("{kind} {name}")).collect();
    let expected = [
        "group lost.gone.#",
        "topic lost.gone.ALL.AGAIN",
        "topic lost.gone.ALL.DLQ",
        "topic lost.gone.ALL.RETRY-1s",
        "topic lost.gone.ALL.RETRY-5s",
        "topic lost.kept.RETRY-5s",
    ];
    assert_eq!(names, expected);
    assert!(
        found[0].2.ends_with("--delete --group lost.gone.#") && found[5].2.ends_with("--delete --topic lost.kept.RETRY-5s"),
        "{found:?}"
    );
    assert!(broker.apply(std::slice::from_ref(&kept)).await.unwrap().is_empty());
    assert_eq!(orphans().await, found, "they are still there");
    broker.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_group_of_a_pattern_has_the_parts_of_all_its_topics_or_none() {
    let broker = connected("prefix=dev.").await;
    let mut listening = subscription("p", "pattern.*");
    listening.order = Some(Order { shards: 2.try_into().unwrap() });
    broker.apply(&[listening.clone().into()]).await.unwrap();
    assert_eq!(broker.lag(&listening).await.unwrap(), Lag::none());
    broker.seek(&listening, &Position::End).await.unwrap();
    for topic in ["pattern.b", "pattern.a", "other.a"] {
        publish(&broker, topic, Some("k"), "1").await.unwrap();
    }
    let lag = broker.lag(&listening).await.unwrap();
    let parts: Vec<&str> = lag.parts.iter().map(|part| part.part.as_str()).collect();
    assert_eq!((parts.join(" ").as_str(), lag.waiting), ("dev.pattern.a/0 dev.pattern.a/1 dev.pattern.b/0 dev.pattern.b/1", 2));
    let waiting = lag.parts.iter().find(|part| part.waiting == 1).unwrap();
    let position = Position::At { part: Some(waiting.part.clone()), place: "1".to_owned() };
    broker.seek(&listening, &position).await.unwrap();
    assert_eq!(broker.lag(&listening).await.unwrap().waiting, 1, "one part was moved, the others were not");
    broker.close().await;
}
