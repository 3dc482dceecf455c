//! What librdkafka's clients report of themselves, for the metrics.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use rdkafka::Statistics;
use rdkafka::statistics::{Broker, Window};

use crate::metrics::{ClientSnapshot, NodeSnapshot, QueueSnapshot};

/// Of all clients of a broker; those that are gone are forgotten.
#[derive(Debug, Default)]
pub(super) struct Reports(Mutex<Vec<Weak<Report>>>);

/// What one client said last. It goes with the client.
#[derive(Debug)]
pub(super) struct Report {
    client: String,
    last: Mutex<Option<ClientSnapshot>>,
}

impl Reports {
    pub(super) fn open(&self, client: &str) -> Arc<Report> {
        let report = Arc::new(Report { client: client.to_owned(), last: Mutex::default() });
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|one| one.strong_count() > 0);
        all.push(Arc::downgrade(&report));
        report
    }

    /// One for each name: of two members of one group, the later one.
    pub(super) fn all(&self) -> Vec<ClientSnapshot> {
        let all: Vec<Arc<Report>> = self.0.lock().unwrap_or_else(PoisonError::into_inner).iter().filter_map(Weak::upgrade).collect();
        let known = all.into_iter().filter_map(|one| Some((one.client.clone(), one.lock().clone()?)));
        known.collect::<BTreeMap<_, _>>().into_values().collect()
    }
}

impl Report {
    pub(super) fn take(&self, statistics: &Statistics) {
        let mut last = self.lock();
        let before = last.take().map(|last| last.nodes).unwrap_or_default();
        let known = statistics.brokers.values().filter(|broker| broker.nodeid >= 0 && broker.source == "learned");
        let mut nodes: Vec<NodeSnapshot> = known.map(|broker| node(broker, before.iter().find(|node| node.node == broker.name))).collect();
        nodes.sort_unstable_by(|a, b| a.node.cmp(&b.node));
        let publishes = statistics.client_type == "producer";
        *last = Some(ClientSnapshot {
            client: self.client.clone(),
            nodes,
            publish_queue: publishes.then_some(QueueSnapshot { messages: statistics.msg_cnt, bytes: statistics.msg_size }),
            fetch_queue: (!publishes).then(|| fetched(statistics)),
        });
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<ClientSnapshot>> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A while without a request says nothing of how long one takes: what was known stays.
fn node(broker: &Broker, before: Option<&NodeSnapshot>) -> NodeSnapshot {
    let measured = broker.rtt.as_ref().filter(|window| window.cnt > 0);
    let of = |value: fn(&Window) -> i64| measured.map(|window| Duration::from_micros(count(value(window))));
    NodeSnapshot {
        node: broker.name.clone(),
        connected: broker.state == "UP",
        round_trip: of(|window| window.avg).or_else(|| before?.round_trip),
        slow_round_trip: of(|window| window.p99).or_else(|| before?.slow_round_trip),
        unsent: count(broker.outbuf_cnt),
        unanswered: count(broker.waitresp_cnt),
        timed_out: broker.req_timeouts,
    }
}

fn fetched(statistics: &Statistics) -> QueueSnapshot {
    let partitions = statistics.topics.values().flat_map(|topic| topic.partitions.values());
    partitions.fold(QueueSnapshot::default(), |sum, partition| QueueSnapshot {
        messages: sum.messages + count(partition.fetchq_cnt),
        bytes: sum.bytes + partition.fetchq_size,
    })
}

/// A gauge that librdkafka reads without a lock may be below zero for a moment.
fn count(value: i64) -> u64 {
    u64::try_from(value).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn broker(name: &str, nodeid: i32, source: &str, state: &str) -> Broker {
        let rtt = Window { cnt: 4, avg: 1500, p99: 9000, ..Window::default() };
        let (name, source, state) = (name.to_owned(), source.to_owned(), state.to_owned());
        Broker { name, nodeid, source, state, rtt: Some(rtt), req_timeouts: 3, outbuf_cnt: 2, waitresp_cnt: -1, ..Broker::default() }
    }

    fn statistics(brokers: Vec<Broker>) -> Statistics {
        let brokers = brokers.into_iter().map(|broker| (broker.name.clone(), broker)).collect();
        Statistics { client_type: "producer".to_owned(), msg_cnt: 7, msg_size: 700, brokers, ..Statistics::default() }
    }

    #[test]
    fn servers_are_those_with_a_number_and_what_was_measured_stays() {
        let reports = Reports::default();
        let report = reports.open("publisher");
        assert_eq!(reports.all(), [], "it has said nothing yet");
        let first = vec![
            broker("k2:9092/2", 2, "learned", "UP"),
            broker("k1:9092/1", 1, "learned", "DOWN"),
            broker("k1:9092/bootstrap", -1, "configured", "UP"),
            broker("GroupCoordinator", 1, "logical", "UP"),
        ];
        report.take(&statistics(first));
        let idle = broker("k2:9092/2", 2, "learned", "UP");
        let idle = Broker { rtt: Some(Window::default()), ..idle };
        let known = reports.all().remove(0);
        assert_eq!(
            known.nodes.iter().map(|node| (node.node.as_str(), node.connected)).collect::<Vec<_>>(),
            [("k1:9092/1", false), ("k2:9092/2", true)]
        );
        assert_eq!(known.publish_queue, Some(QueueSnapshot { messages: 7, bytes: 700 }));
        assert_eq!(known.fetch_queue, None);
        report.take(&statistics(vec![idle]));
        let [node] = reports.all().remove(0).nodes.try_into().unwrap();
        assert_eq!((node.round_trip, node.slow_round_trip), (Some(Duration::from_micros(1500)), Some(Duration::from_micros(9000))));
        assert_eq!((node.unsent, node.unanswered, node.timed_out), (2, 0, 3));
        drop(report);
        assert_eq!(reports.all(), [], "it is gone with its client");
    }
}
