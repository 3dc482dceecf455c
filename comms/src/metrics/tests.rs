use std::time::Duration;

use jiff::Timestamp;

use super::*;

fn subscription(topic: &str) -> SubscriptionName {
    SubscriptionName { group: "billing".into(), topic: topic.into(), service: "billing".into(), broker: "default".into(), system: "memory" }
}

/// Everything that can be counted, once or more.
fn sample() -> Metrics {
    let metrics = Metrics::new();
    let counters = Arc::new(Counters::default());
    counters.handled.fetch_add(7, Ordering::Relaxed);
    counters.retried.fetch_add(2, Ordering::Relaxed);
    counters.redelivered.fetch_add(1, Ordering::Relaxed);
    counters.handle_time.observe(Duration::from_millis(3), 4);
    counters.handle_time.observe(Duration::from_secs(60), 1);
    metrics.subscribed(subscription("orders"), counters);
    let odd = subscription("odd.\"\\\n#");
    metrics.subscribed(odd.clone(), Arc::default());
    let lag = LagSnapshot { asked: Timestamp::UNIX_EPOCH, waiting: 5, unsettled: 2, delayed: 1, parts: vec![("shard 0".into(), 5)] };
    metrics.lag(&odd, Some(lag));
    let publishers = metrics.publishers("default", "memory", "orders.order-placed", "orders");
    (0..6).for_each(|_| publishers.published());
    for how in [Published::Confirmed, Published::Unrouted, Published::Failed, Published::Unknown] {
        publishers.ended(how);
    }
    let client = |client: &str| ClientSnapshot {
        client: client.to_owned(),
        nodes: vec![NodeSnapshot { node: "k1:9092/1".to_owned(), connected: true, timed_out: 3, ..NodeSnapshot::default() }],
        ..ClientSnapshot::default()
    };
    let publisher = ClientSnapshot { publish_queue: Some(QueueSnapshot { messages: 4, bytes: 400 }), ..client("publisher") };
    let member = ClientSnapshot { fetch_queue: Some(QueueSnapshot { messages: 9, bytes: 90 }), ..client("billing.orders") };
    metrics.broker("default", "memory", move || (true, vec![member.clone(), publisher.clone()]));
    metrics.broker("audit", "amqp", || (false, Vec::new()));
    let route = Arc::new(RequestCounters::default());
    metrics.requests(RequestName::Http { method: "GET", route: "/orders/{id}" }, Arc::clone(&route));
    route.answered(200, Duration::from_millis(2));
    route.answered(204, Duration::from_millis(2));
    route.answered(503, Duration::from_millis(20));
    route.abandoned(Duration::from_secs(1));
    #[cfg(feature = "grpc")]
    {
        let method = Arc::new(RequestCounters::default());
        metrics.requests(RequestName::Grpc { service: "shop.Inventory", method: "Reserve" }, Arc::clone(&method));
        method.called(0, Duration::from_millis(1));
        method.called(5, Duration::from_millis(1));
        method.called(16, Duration::from_millis(1));
    }
    metrics
}

#[test]
fn the_text_says_what_was_counted() {
    let text = sample().text();
    let billing = r#"comms_broker="default",comms_service="billing",messaging_consumer_group_name="billing",messaging_destination_name="orders",messaging_system="memory""#;
    let publisher =
        r#"comms_broker="default",comms_event="orders.order-placed",messaging_destination_name="orders",messaging_system="memory""#;
    let route = r#"http_request_method="GET",http_route="/orders/{id}""#;
    for expected in [
        "# HELP comms_messages_settled_total Messages that were settled, by outcome.\n# TYPE comms_messages_settled_total counter\n"
            .to_owned(),
        format!("comms_messages_settled_total{{{billing},outcome=\"handled\"}} 7\n"),
        format!("comms_messages_retried_total{{{billing}}} 2\n"),
        format!("comms_messages_redelivered_total{{{billing}}} 1\n"),
        format!("messaging_process_duration_seconds_bucket{{{billing},le=\"0.0025\"}} 0\n"),
        format!("messaging_process_duration_seconds_bucket{{{billing},le=\"0.005\"}} 4\n"),
        format!("messaging_process_duration_seconds_bucket{{{billing},le=\"10\"}} 4\n"),
        format!("messaging_process_duration_seconds_bucket{{{billing},le=\"+Inf\"}} 5\n"),
        format!("messaging_process_duration_seconds_sum{{{billing}}} 60.012\n"),
        format!("messaging_process_duration_seconds_count{{{billing}}} 5\n"),
        format!("messaging_client_sent_messages_total{{{publisher}}} 6\n"),
        format!("comms_messages_published_total{{{publisher},outcome=\"confirmed\"}} 2\n"),
        format!("comms_messages_published_total{{{publisher},outcome=\"unknown\"}} 1\n"),
        format!("comms_messages_unrouted_total{{{publisher}}} 1\n"),
        "comms_broker_connected{comms_broker=\"audit\",messaging_system=\"amqp\"} 0\n".to_owned(),
        r#"comms_node_connected{comms_broker="default",comms_client="billing.orders",messaging_system="memory",comms_node="k1:9092/1"} 1"#.to_owned(),
        r#"comms_node_requests_timed_out_total{comms_broker="default",comms_client="publisher",messaging_system="memory",comms_node="k1:9092/1"} 3"#
            .to_owned(),
        r#"comms_publish_queue_bytes{comms_broker="default",comms_client="publisher",messaging_system="memory"} 400"#.to_owned(),
        r#"comms_fetch_queue_messages{comms_broker="default",comms_client="billing.orders",messaging_system="memory"} 9"#.to_owned(),
        format!("comms_http_requests_total{{{route},outcome=\"2xx\"}} 2\n"),
        format!("comms_http_requests_total{{{route},outcome=\"abandoned\"}} 1\n"),
        format!("http_server_request_duration_seconds_count{{{route}}} 4\n"),
        r#"messaging_destination_name="odd.\"\\\n#",messaging_system="memory",state="waiting"} 5"#.to_owned(),
        r#"part="shard 0"} 5"#.to_owned(),
    ] {
        assert!(text.contains(&expected), "{expected}\n not in\n{text}");
    }
    assert!(!text.contains(r#"messaging_destination_name="orders",messaging_system="memory",state="#), "nobody asked for its lag: {text}");
    #[cfg(feature = "grpc")]
    assert!(text.contains(r#"comms_rpc_calls_total{rpc_service="shop.Inventory",rpc_method="Reserve",outcome="NOT_FOUND"} 1"#), "{text}");
}

#[test]
fn what_has_no_value_has_no_heading() {
    assert_eq!(Metrics::new().text(), "");
}

#[test]
fn what_was_published_and_has_no_end_yet_is_open() {
    let counts = sample().snapshot().publishers[0].counts;
    assert_eq!((counts.published, counts.confirmed, counts.unrouted, counts.failed, counts.unknown, counts.open()), (6, 2, 1, 1, 1, 2));
}

/// The publishers of one event share their count, and a lag for a subscription that is not there is nobody's.
#[test]
fn one_name_has_one_count() {
    let metrics = sample();
    metrics.publishers("default", "memory", "orders.order-placed", "orders").published();
    metrics.lag(&subscription("returns"), None);
    let snapshot = metrics.snapshot();
    assert_eq!((snapshot.publishers.len(), snapshot.publishers[0].counts.published, snapshot.subscriptions.len()), (1, 7, 2));
    let json = serde_json::to_value(&snapshot).unwrap();
    assert_eq!(json["requests"].as_array().unwrap().iter().filter(|one| one["route"] == "/orders/{id}").count(), 1);
    assert_eq!((&json["subscriptions"][1]["topic"], &json["subscriptions"][1]["handled"]), (&"orders".into(), &7.into()));
}
