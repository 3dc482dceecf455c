//! A running application, and how it stops.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;

use crate::config::ShutdownConfig;
use crate::handler::Counters;
use crate::handler::runner::Runner;
use crate::inject::{InjectError, Injectable, Scope, Value};
use crate::metrics::Metrics;
use crate::publisher::Brokers;

use super::gauges::Gauges;
use super::health::Phase;
use super::routes::Serving;
use super::{Tasks, vitals};

/// A running application.
///
/// Dropping it aborts its handlers; their messages are delivered again. Call [`App::shutdown`] to finish them.
#[derive(Debug)]
pub struct App {
    runners: Vec<Runner>,
    gauges: Gauges,
    brokers: Brokers,
    scope: Scope,
    tasks: Tasks,
    pub(super) serving: Serving,
    shutdown: ShutdownConfig,
}

/// How a shutdown went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Stopped {
    /// Every message in hand was settled.
    Drained,
    /// Time ran out; what was in hand is delivered again.
    TimedOut,
}

impl App {
    pub(super) fn new(
        runners: Vec<Runner>,
        gauges: Gauges,
        brokers: Brokers,
        scope: Scope,
        tasks: Tasks,
        serving: Serving,
        shutdown: ShutdownConfig,
    ) -> Self {
        Self { runners, gauges, brokers, scope, tasks, serving, shutdown }
    }

    /// Background tasks run, and requests are answered, from here on.
    pub(super) fn begin(mut self) -> Self {
        self.tasks.start();
        self.serving.begin();
        vitals::probe(self.tasks.health(), &self.brokers, self.serving.states());
        self.tasks.health().enter(Phase::Running);
        self
    }

    /// A value that the application was given or made, a service as `Arc<S>` for example.
    ///
    /// # Errors
    /// When there is none of the type.
    pub fn get<T: Value>(&self) -> Result<T, InjectError> {
        self.scope.get()
    }

    /// Something that injects itself: a `Publisher`, a `CommandBus`, a `QueryBus`.
    ///
    /// # Errors
    /// When it can't be made.
    pub fn inject<T: Injectable>(&self) -> Result<T, InjectError> {
        T::inject(&self.scope)
    }

    /// The brokers by name.
    #[must_use]
    pub fn brokers(&self) -> &Brokers {
        &self.brokers
    }

    /// What each subscription has done, by `group.topic`.
    #[must_use]
    pub fn counters(&self) -> &BTreeMap<String, Arc<Counters>> {
        &self.gauges.counters
    }

    /// What the process counts.
    #[must_use]
    pub fn metrics(&self) -> &Metrics {
        &self.gauges.metrics
    }

    /// Asks the brokers how far each subscription is behind, now and whenever the interval has passed: for [`metrics`](Self::metrics), and for the
    /// health. The generated main does that as `[metrics] lag_interval` says. An interval of no time: never.
    pub fn watch_lag(&self, interval: Duration) {
        self.gauges.watch(interval, &self.tasks);
    }

    /// Where HTTP is served, with the port that it got; none without routes and gRPC services, or when the configuration switches it off.
    #[must_use]
    pub fn http_address(&self) -> Option<SocketAddr> {
        self.serving.address()
    }

    /// How many connections are open, at the ports of HTTP and gRPC.
    #[must_use]
    pub fn http_connections(&self) -> usize {
        self.serving.connections()
    }

    /// Where gRPC is served: the port of HTTP unless `[grpc]` has an address of its own; none without a gRPC service.
    #[must_use]
    pub fn grpc_address(&self) -> Option<SocketAddr> {
        self.serving.grpc_address()
    }

    /// Stops: is no longer ready, takes no further message and request, finishes and settles what is in hand, writes out what is buffered, closes.
    ///
    /// Where requests come through a port, it goes on as ever while it is already unready, for `unready_for` of `[shutdown]`: so long load
    /// balancers may still send some. From there on it is bounded by the shutdown timeout, and takes no time when nothing is in hand.
    pub async fn shutdown(self) -> Stopped {
        self.tasks.health().enter(Phase::Stopping);
        if !self.serving.states().is_empty() {
            tokio::time::sleep(self.shutdown.unready_for).await;
        }
        self.end().await
    }

    /// The same at once.
    pub(super) async fn end(mut self) -> Stopped {
        self.tasks.health().enter(Phase::Stopping);
        self.tasks.stop();
        self.serving.stop_taking();
        self.runners.iter().for_each(Runner::stop_taking);
        let drained = join_all(self.runners.iter_mut().map(Runner::drained));
        let finished = futures_util::future::join3(drained, self.tasks.ended(), self.serving.drained());
        let stopped = match tokio::time::timeout(self.shutdown.timeout, finished).await {
            Ok(_) => Stopped::Drained,
            Err(_elapsed) => Stopped::TimedOut,
        };
        // Aborts what did not finish, before the broker it settles on is closed.
        drop(std::mem::take(&mut self.runners));
        self.serving.close();
        self.tasks.abort().await;
        join_all(self.brokers.iter().map(|(_, broker)| broker.close())).await;
        stopped
    }
}
