//! The text format of Prometheus, version 0.0.4.
//!
//! Names follow OpenTelemetry's conventions for messaging, HTTP and RPC where those have one, as its exporters for Prometheus write them: dots
//! as `_`, the unit in the name, `_total` for counts. What they don't have begins with `comms_`.

use std::fmt::Write as _;

use super::clients::{ClientSnapshot, NodeSnapshot, QueueSnapshot};
use super::histogram::{BOUNDS, HistogramSnapshot};
use super::snapshot::{BrokerSnapshot, PublisherSnapshot, RequestName, RequestSnapshot, Snapshot, SubscriptionSnapshot};

pub(super) fn text(snapshot: &Snapshot) -> String {
    let mut text = Text::default();
    subscriptions(&mut text, &snapshot.subscriptions);
    lag(&mut text, &snapshot.subscriptions);
    publishers(&mut text, &snapshot.publishers);
    text.family("comms_broker_connected", "gauge", "Whether work flows to and from the broker: 1, or 0.");
    for broker in &snapshot.brokers {
        let labels = labels(&[("comms_broker", &broker.name), ("messaging_system", broker.system)]);
        text.line("comms_broker_connected", &labels, u64::from(broker.connected));
    }
    clients(&mut text, &snapshot.brokers);
    requests(&mut text, &snapshot.requests);
    text.written
}

fn subscriptions(text: &mut Text, all: &[SubscriptionSnapshot]) {
    text.family("comms_messages_settled_total", "counter", "Messages that were settled, by outcome.");
    for one in all {
        let outcomes =
            [("handled", one.handled), ("duplicate", one.duplicates), ("skipped", one.skipped), ("dead_lettered", one.dead_lettered)];
        for (outcome, count) in outcomes {
            text.line("comms_messages_settled_total", &of(one, &[("outcome", outcome)]), count);
        }
    }
    let counts: [Described; 3] = [
        ("comms_messages_retried_total", "counter", "Failed attempts that were followed by another.", |one| one.retried),
        ("comms_messages_redelivered_total", "counter", "Messages that the broker had delivered before.", |one| one.redelivered),
        ("comms_messages_in_flight", "gauge", "Messages in the hands of handlers.", |one| one.in_flight),
    ];
    for (name, kind, help, value) in counts {
        text.family(name, kind, help);
        all.iter().for_each(|one| text.line(name, &of(one, &[]), value(one)));
    }
    let name = "messaging_process_duration_seconds";
    text.family(name, "histogram", "How long messages took from being taken up to being settled or given back.");
    all.iter().for_each(|one| text.histogram(name, &of(one, &[]), &one.handle_time));
}

/// A metric with its kind, its help, and where its value is found.
type Described = (&'static str, &'static str, &'static str, fn(&SubscriptionSnapshot) -> u64);

fn lag(text: &mut Text, all: &[SubscriptionSnapshot]) {
    let known = || all.iter().filter_map(|one| Some((one, one.lag.as_ref()?)));
    text.family(
        "comms_subscription_lag_messages",
        "gauge",
        "How far the group is behind, all its members together, by state of the messages.",
    );
    for (one, lag) in known() {
        for (state, count) in [("waiting", lag.waiting), ("unsettled", lag.unsettled), ("delayed", lag.delayed)] {
            text.line("comms_subscription_lag_messages", &of(one, &[("state", state)]), count);
        }
    }
    text.family("comms_subscription_part_lag_messages", "gauge", "Messages that no member has yet, by part of the topic.");
    for (one, lag) in known() {
        for (part, waiting) in &lag.parts {
            text.line("comms_subscription_part_lag_messages", &of(one, &[("part", part)]), *waiting);
        }
    }
    text.family(
        "comms_subscription_lag_timestamp_seconds",
        "gauge",
        "When the broker last said how far the group is behind, in seconds since 1970.",
    );
    for (one, lag) in known() {
        text.line("comms_subscription_lag_timestamp_seconds", &of(one, &[]), lag.asked.as_second());
    }
}

fn publishers(text: &mut Text, all: &[PublisherSnapshot]) {
    let labelled = |one: &PublisherSnapshot, more: &[(&str, &str)]| {
        let own = [
            ("comms_broker", one.broker.as_str()),
            ("comms_event", one.event),
            ("messaging_destination_name", one.topic),
            ("messaging_system", one.system),
        ];
        labels(&[&own, more].concat())
    };
    text.family("messaging_client_sent_messages_total", "counter", "Messages that were handed over to the broker.");
    all.iter().for_each(|one| text.line("messaging_client_sent_messages_total", &labelled(one, &[]), one.counts.published));
    text.family("comms_messages_published_total", "counter", "Messages that were handed over, by what became of them.");
    for one in all {
        let counts = &one.counts;
        for (outcome, count) in [("confirmed", counts.confirmed), ("failed", counts.failed), ("unknown", counts.unknown)] {
            text.line("comms_messages_published_total", &labelled(one, &[("outcome", outcome)]), count);
        }
    }
    text.family("comms_messages_unrouted_total", "counter", "Messages that were confirmed and reached no subscription.");
    all.iter().for_each(|one| text.line("comms_messages_unrouted_total", &labelled(one, &[]), one.counts.unrouted));
}

/// A metric of a server, with its kind, its help, and where its value is found; of a queue, which is a gauge.
type OfNode = (&'static str, &'static str, &'static str, fn(&NodeSnapshot) -> Option<String>);
type OfQueue = (&'static str, &'static str, fn(&ClientSnapshot) -> Option<QueueSnapshot>, fn(QueueSnapshot) -> u64);

const OF_NODES: [OfNode; 6] = [
    ("comms_node_connected", "gauge", "Whether the client has a connection to the server: 1, or 0.", |node| {
        Some(u64::from(node.connected).to_string())
    }),
    ("comms_node_round_trip_seconds", "gauge", "How long answers of the server took of late, on average.", |node| {
        node.round_trip.map(|time| time.as_secs_f64().to_string())
    }),
    ("comms_node_slow_round_trip_seconds", "gauge", "How long the slowest hundredth of the answers took at least.", |node| {
        node.slow_round_trip.map(|time| time.as_secs_f64().to_string())
    }),
    ("comms_node_unsent_requests", "gauge", "Requests to the server that wait to be sent.", |node| Some(node.unsent.to_string())),
    ("comms_node_unanswered_requests", "gauge", "Requests that wait for the server's answer.", |node| Some(node.unanswered.to_string())),
    ("comms_node_requests_timed_out_total", "counter", "Requests that the server did not answer in time.", |node| {
        Some(node.timed_out.to_string())
    }),
];

const OF_QUEUES: [OfQueue; 4] = [
    (
        "comms_publish_queue_messages",
        "Messages in this process that are not confirmed.",
        |client| client.publish_queue,
        |queue| queue.messages,
    ),
    ("comms_publish_queue_bytes", "How large the messages are that are not confirmed.", |client| client.publish_queue, |queue| queue.bytes),
    (
        "comms_fetch_queue_messages",
        "Messages in this process that no handler was offered yet.",
        |client| client.fetch_queue,
        |queue| queue.messages,
    ),
    (
        "comms_fetch_queue_bytes",
        "How large the messages are that no handler was offered yet.",
        |client| client.fetch_queue,
        |queue| queue.bytes,
    ),
];

/// What the clients of brokers report of themselves.
fn clients(text: &mut Text, brokers: &[BrokerSnapshot]) {
    let labelled = |broker: &BrokerSnapshot, client: &ClientSnapshot, more: &[(&str, &str)]| {
        let own = [("comms_broker", broker.name.as_str()), ("comms_client", &client.client), ("messaging_system", broker.system)];
        labels(&[&own, more].concat())
    };
    let all = || brokers.iter().flat_map(|broker| broker.clients.iter().map(move |client| (broker, client)));
    for (name, kind, help, value) in OF_NODES {
        text.family(name, kind, help);
        for (broker, client) in all() {
            for node in &client.nodes {
                if let Some(value) = value(node) {
                    text.line(name, &labelled(broker, client, &[("comms_node", &node.node)]), value);
                }
            }
        }
    }
    for (name, help, queue, value) in OF_QUEUES {
        text.family(name, "gauge", help);
        for (broker, client) in all() {
            if let Some(queue) = queue(client) {
                text.line(name, &labelled(broker, client, &[]), value(queue));
            }
        }
    }
}

fn requests(text: &mut Text, all: &[RequestSnapshot]) {
    let http =
        || all.iter().filter_map(|one| if let RequestName::Http { method, route } = one.of { Some((one, method, route)) } else { None });
    let grpc = || {
        all.iter().filter_map(|one| if let RequestName::Grpc { service, method } = one.of { Some((one, service, method)) } else { None })
    };
    let outcome = "outcome";
    text.family(
        "comms_http_requests_total",
        "counter",
        "Requests to routes, by class of status; `abandoned` where the client went away before.",
    );
    for (one, method, route) in http() {
        for (class, count) in &one.outcomes {
            let labels = labels(&[("http_request_method", method), ("http_route", route), (outcome, class)]);
            text.line("comms_http_requests_total", &labels, *count);
        }
    }
    let name = "http_server_request_duration_seconds";
    text.family(name, "histogram", "How long requests to routes took, up to the end of the answer.");
    for (one, method, route) in http() {
        text.histogram(name, &labels(&[("http_request_method", method), ("http_route", route)]), &one.time);
    }
    text.family("comms_rpc_calls_total", "counter", "Calls of gRPC methods, by code; `abandoned` where the caller went away before.");
    for (one, service, method) in grpc() {
        for (code, count) in &one.outcomes {
            text.line("comms_rpc_calls_total", &labels(&[("rpc_service", service), ("rpc_method", method), (outcome, code)]), *count);
        }
    }
    let name = "rpc_server_call_duration_seconds";
    text.family(name, "histogram", "How long calls of gRPC methods took, up to the end of the answer.");
    for (one, service, method) in grpc() {
        text.histogram(name, &labels(&[("rpc_service", service), ("rpc_method", method)]), &one.time);
    }
}

fn of(one: &SubscriptionSnapshot, more: &[(&str, &str)]) -> String {
    let name = &one.of;
    let own = [
        ("comms_broker", name.broker.as_str()),
        ("comms_service", &name.service),
        ("messaging_consumer_group_name", &name.group),
        ("messaging_destination_name", &name.topic),
        ("messaging_system", name.system),
    ];
    labels(&[&own, more].concat())
}

/// `a="b",c="d"`, with everything in it that ends a value or a line escaped.
fn labels(pairs: &[(&str, &str)]) -> String {
    let pairs = pairs.iter().map(|(name, value)| {
        let value = value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
        format!("{name}=\"{value}\"")
    });
    pairs.collect::<Vec<_>>().join(",")
}

/// What is written so far. The heading of a metric is written with its first line: none without one.
#[derive(Default)]
struct Text {
    heading: String,
    written: String,
}

impl Text {
    fn family(&mut self, name: &str, kind: &str, help: &str) {
        self.heading = format!("# HELP {name} {help}\n# TYPE {name} {kind}\n");
    }

    fn line(&mut self, name: &str, labels: &str, value: impl std::fmt::Display) {
        self.written.push_str(&std::mem::take(&mut self.heading));
        // Writing to a text does not fail.
        let _ = writeln!(self.written, "{name}{{{labels}}} {value}");
    }

    fn histogram(&mut self, name: &str, labels: &str, histogram: &HistogramSnapshot) {
        let (bucket, mut below) = (format!("{name}_bucket"), 0);
        let bounds = BOUNDS.iter().map(ToString::to_string).chain(["+Inf".to_owned()]);
        for (bound, count) in bounds.zip(&histogram.buckets) {
            below += count;
            self.line(&bucket, &format!("{labels},le=\"{bound}\""), below);
        }
        self.line(&format!("{name}_sum"), labels, histogram.sum.as_secs_f64());
        self.line(&format!("{name}_count"), labels, below);
    }
}
