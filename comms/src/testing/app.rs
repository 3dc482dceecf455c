//! A whole application in a test.

use std::collections::BTreeSet;
use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;

use super::recorder::Recorder;
use crate::app::{App, AppBuilder, StartError, Stopped, Wiring};
use crate::broker::memory::{Memory, MemoryConfig};
use crate::cqrs::{CallError, CommandBus, QueryBus};
use crate::error::BoxError;
use crate::handler::{Happening, Observed};
use crate::inject::{InjectError, Value};
use crate::message::{Command, Envelope, Event, Message, Query};
use crate::publisher::Publisher;

/// How many published messages are remembered for the assertions.
const RECORD: usize = 100_000;

/// How long a cascade may take, on the clock of the test.
const PATIENCE: Duration = Duration::from_secs(24 * 60 * 60);

/// An application on its generated wiring, on memory brokers, in the process of the test.
///
/// Under `#[tokio::test(start_paused = true)]` time is virtual: retries that would return in an hour return
/// at once, in the right order, because nothing else is left to do.
///
/// ```no_run
/// # mod billing { pub struct Wiring; impl comms::Wiring for Wiring {
/// #     const PACKAGE: &'static str = "billing"; const TOPOLOGY: &'static str = "{}";
/// #     fn wire(app: comms::AppBuilder) -> comms::AppBuilder { app } } }
/// # async fn test(order_placed: impl comms::Event) -> Result<(), comms::BoxError> {
/// use comms::testing::TestApp;
/// let app = TestApp::of::<billing::Wiring>().start().await?;
/// app.publish(&order_placed).await?;      // returns once the whole cascade has settled
/// app.assert_handled("on_order_placed", 1);
/// # Ok(()) }
/// ```
#[derive(Debug)]
pub struct TestApp {
    app: App,
    brokers: Vec<Memory>,
    recorder: Arc<Recorder>,
}

/// A [`TestApp`] before it starts.
#[derive(Debug)]
#[must_use = "nothing runs until `start`"]
pub struct TestAppBuilder(pub(super) AppBuilder);

impl TestAppBuilder {
    /// Hands over a value, a fake for example, in the place of what a provider would make.
    pub fn provide<T: Value>(self, value: T) -> Self {
        Self(self.0.provide(value))
    }

    /// Starts it; every broker that its messages and subscriptions name is a memory broker of its own.
    ///
    /// # Errors
    /// [`StartError`], as in production.
    pub async fn start(self) -> Result<TestApp, StartError> {
        let recorder = Arc::new(Recorder::default());
        let mut app = self.0.observer(Arc::clone(&recorder) as _);
        // Requests come through `TestApp::http`.
        app.config.http.enabled = false;
        app.config.grpc.enabled = false;
        let mut brokers = Vec::new();
        for name in broker_names(&app) {
            let memory = Memory::with_config(MemoryConfig { record: RECORD, ..MemoryConfig::default() });
            app = app.broker(name, Arc::new(memory.clone()));
            brokers.push(memory);
        }
        Ok(TestApp { app: app.start().await?, brokers, recorder })
    }
}

fn broker_names(app: &AppBuilder) -> BTreeSet<String> {
    let subscribed = app.services.iter().flat_map(|service| service.decl.subscriptions).map(|subscription| subscription.broker);
    let published = app.messages.iter().map(|entry| entry.message.broker);
    subscribed.chain(published).chain(["default"]).map(ToOwned::to_owned).collect()
}

impl TestApp {
    /// The application of the wiring.
    pub fn of<W: Wiring>() -> TestAppBuilder {
        Self::with(AppBuilder::of::<W>())
    }

    /// An application that was registered by hand.
    pub fn with(app: AppBuilder) -> TestAppBuilder {
        TestAppBuilder(app)
    }

    /// Publishes an event, as a stranger would, and waits until its whole cascade has settled: every message
    /// that followed from it is handled or dead-lettered, retries included.
    ///
    /// # Errors
    /// When the event can't be published.
    pub async fn publish<E: Event>(&self, event: &E) -> Result<(), BoxError> {
        self.app.inject::<Publisher<E>>()?.publish(event).await?;
        self.settled().await;
        Ok(())
    }

    /// Publishes a message as it is, attributes and all, for what no publisher of ours would send, and waits as [`publish`](Self::publish) does.
    ///
    /// # Errors
    /// When the broker does not exist or refuses it.
    pub async fn publish_envelope(&self, broker: &str, envelope: Envelope) -> Result<(), BoxError> {
        let broker = self.app.brokers().get(broker).ok_or_else(|| format!("no broker is called `{broker}`"))?;
        broker.publish(Arc::new(envelope)).await.await?;
        self.settled().await;
        Ok(())
    }

    /// Sends a command to its handler and waits until what it published has settled.
    ///
    /// # Errors
    /// As [`CommandBus::send`].
    ///
    /// # Panics
    /// Never: an application always has its buses.
    pub async fn send<C: Command>(&self, command: C) -> Result<C::Reply, CallError<C::Error>> {
        let reply = self.bus::<CommandBus>().send(command).await;
        self.settled().await;
        reply
    }

    /// Asks a query of its handler.
    ///
    /// # Errors
    /// As [`QueryBus::ask`].
    pub async fn ask<Q: Query>(&self, query: Q) -> Result<Q::Reply, CallError<Q::Error>> {
        self.bus::<QueryBus>().ask(query).await
    }

    fn bus<B: crate::inject::Injectable>(&self) -> B {
        self.app.inject().unwrap_or_else(|error| panic!("an application always has its buses: {error}"))
    }

    /// Waits until every message on every broker has settled.
    ///
    /// # Panics
    /// When that takes more than a day, on the clock of the test.
    pub async fn settled(&self) {
        let all = async {
            loop {
                for broker in &self.brokers {
                    broker.settled().await;
                }
                // A message handled on one broker may have published on another in the meantime.
                if self.brokers.iter().all(|broker| broker.in_flight().total() == 0) {
                    return;
                }
            }
        };
        if tokio::time::timeout(PATIENCE, all).await.is_err() {
            panic!("the cascade did not settle within {PATIENCE:?}. So far:\n{}", self.recorder.story());
        }
    }

    /// A value of the application, a service as `Arc<S>` for example.
    ///
    /// # Errors
    /// When there is none of the type.
    pub fn get<T: Value>(&self) -> Result<T, InjectError> {
        self.app.get()
    }

    /// The events of the type that were published, by the test too, in order.
    ///
    /// # Panics
    /// When one of them can't be decoded.
    #[must_use]
    pub fn published<E: Event>(&self) -> Vec<E> {
        let published = self.brokers.iter().flat_map(Memory::published);
        let of_type = published.filter(|published| published.envelope.metadata.name == E::TYPE.name);
        of_type.map(|published| decoded(&published.envelope)).collect()
    }

    /// Asserts that an event like this was published.
    ///
    /// # Panics
    /// When none was; the message lists what was.
    #[track_caller]
    pub fn assert_published<E: Event + PartialEq + Debug>(&self, event: &E) {
        let published = self.published::<E>();
        assert!(
            published.contains(event),
            "expected `{}` to have been published:\n  {event:?}\nbut of this type there was only:\n  {published:?}\n{}",
            E::TYPE.name,
            self.story()
        );
    }

    /// Asserts how many messages the handler has handled with success.
    ///
    /// # Panics
    /// When it was another number; the message tells what happened.
    #[track_caller]
    pub fn assert_handled(&self, handler: &str, times: usize) {
        let handled = self.observed(handler, |happening| *happening == Happening::Handled).len();
        assert!(handled == times, "expected `{handler}` to have handled {times}, but it handled {handled}.\n{}", self.story());
    }

    /// Asserts how many attempts of the handler have failed and were followed by another.
    ///
    /// # Panics
    /// When it was another number; the message tells what happened.
    #[track_caller]
    pub fn assert_retried(&self, handler: &str, times: usize) {
        let retried = self.observed(handler, |happening| matches!(happening, Happening::Retried { .. })).len();
        assert!(retried == times, "expected `{handler}` to have retried {times} times, but it was {retried}.\n{}", self.story());
    }

    /// Asserts how many messages the handler has given up.
    ///
    /// # Panics
    /// When it was another number; the message tells what happened.
    #[track_caller]
    pub fn assert_dead_lettered(&self, handler: &str, times: usize) {
        let given_up = self.observed(handler, |happening| matches!(happening, Happening::DeadLettered { .. })).len();
        assert!(given_up == times, "expected `{handler}` to have given up {times}, but it was {given_up}.\n{}", self.story());
    }

    /// What happened at the handler.
    #[must_use]
    pub fn happenings(&self, handler: &str) -> Vec<Observed> {
        self.observed(handler, |_| true)
    }

    fn observed(&self, handler: &str, select: impl Fn(&Happening) -> bool) -> Vec<Observed> {
        self.recorder.select(|observed| observed.handler == handler && select(&observed.happening))
    }

    /// Everything that happened, a line each, as failed assertions show it.
    #[must_use]
    pub fn story(&self) -> String {
        format!("What happened:\n{}", self.recorder.story())
    }

    /// The memory brokers, by nothing but their order; most applications have one.
    #[must_use]
    pub fn brokers(&self) -> &[Memory] {
        &self.brokers
    }

    /// The application itself.
    #[must_use]
    pub fn app(&self) -> &App {
        &self.app
    }

    /// Stops it as production does.
    pub async fn shutdown(self) -> Stopped {
        self.app.shutdown().await
    }
}

fn decoded<M: Message>(envelope: &Envelope) -> M {
    M::decode(envelope.metadata.content_type.as_deref(), &envelope.payload).unwrap_or_else(|error| panic!("{error}"))
}
