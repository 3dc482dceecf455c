//! From registration to a running application.

use std::collections::BTreeMap;
use std::num::NonZeroU16;
use std::sync::Arc;

use futures_util::future::join_all;

use super::assemble::assemble;
use super::gauges::Gauges;
use super::plans::{Planned, plan};
use super::problems::Problems;
use super::registry::{Binding, HandlerEntry, ServiceEntry};
use super::{App, AppBuilder, StartError, Tasks, broker_checks, factory};
use crate::broker::{Broker, Capabilities, Order, Subscription};
use crate::config::Config;
use crate::cqrs::{BusCore, LocalHandlers};
use crate::handler::plan::{Entry, Handlers, Plan};
use crate::handler::runner::Runner;
use crate::handler::{Counters, Free, NamedLayer, Observer};
use crate::inject::Scope;
use crate::limit::{Throttle, Throttles};
use crate::publisher::{Brokers, Source};

/// Everything is checked before anything is subscribed to: an application that is wrong takes no message.
pub(super) async fn start(app: AppBuilder) -> Result<App, StartError> {
    let mut problems = Problems::default();
    let plans = plan(&app.services, &app.handlers, &app.config, &mut problems);
    app.routes.check(&mut problems);
    let served = app.routes.served();
    app.clients.check(&app.config, &served, &mut problems);
    let source: Arc<str> = app.services.first().map_or(app.name.as_str(), |service| service.decl.name).into();
    let brokers = connect(&app.brokers, &app.config, &source, &mut problems).await;
    broker_checks::check(&app, &plans, &known(&brokers, &app.config), &mut problems);
    if problems.has_broker() {
        // Without its brokers nearly everything else would fail as well.
        or_close(&brokers, &mut problems).await?;
    }

    let bus = Arc::new(BusCore::new(&brokers, Arc::clone(&source)));
    let throttles = Throttles::default();
    let tasks = Tasks::new(app.health.clone());
    let mut scope = app.values;
    scope.insert(brokers.clone());
    scope.insert(Source(source));
    scope.insert(Arc::clone(&bus));
    scope.insert(Arc::new(Free));
    scope.insert(tasks.clone());
    scope.insert(app.health.clone());
    scope.insert(throttles.clone());
    scope.insert(app.metrics.clone());
    scope.insert(app.config.settings());
    let failed = app.clients.insert(&app.config, &served, &app.provided, &mut scope);
    assemble(&app.providers, &app.services, &app.provided, failed, &mut scope, &mut problems).await;
    or_close(&brokers, &mut problems).await?;

    let mut binder = Binder { scope: &mut scope, brokers: &brokers, local: LocalHandlers::default(), throttles, observer: app.observer };
    let bound = binder.bind_all(&app.services, &plans, &mut problems);
    bus.set_local(binder.local);
    let serving = app.routes.open(&scope, &app.config, &mut problems).await;
    serving.answer_at(app.clients.home());
    or_close(&brokers, &mut problems).await?;

    let gauges = Gauges::of(app.metrics, &bound, &brokers);
    let runners = subscribe(bound, &mut problems).await;
    let mut shutdown = app.config.shutdown;
    shutdown.timeout = app.shutdown_timeout.unwrap_or(shutdown.timeout);
    let running = App::new(runners, gauges, brokers, scope, tasks, serving, shutdown);
    match problems.check() {
        Ok(()) => Ok(running.begin()),
        Err(error) => {
            running.end().await;
            Err(error)
        }
    }
}

/// Goes on if nothing is wrong so far; an application that does not start leaves no connection behind.
async fn or_close(brokers: &Brokers, problems: &mut Problems) -> Result<(), StartError> {
    let checked = problems.check();
    if checked.is_err() {
        join_all(brokers.iter().map(|(_, broker)| broker.close())).await;
    }
    checked
}

/// The brokers that were handed over, and those of the configuration that were not, all at once.
async fn connect(given: &BTreeMap<String, Arc<dyn Broker>>, config: &Config, service: &str, problems: &mut Problems) -> Brokers {
    let missing = config.brokers.iter().filter(|(name, _)| !given.contains_key(*name));
    let connecting = missing.map(|(name, broker)| async move { (name, factory::connect(name, broker, service).await) });
    let mut brokers = BTreeMap::new();
    for (name, connected) in join_all(connecting).await {
        let connected = problems.keep_broker(format_args!("broker `{name}`"), connected);
        brokers.extend(connected.map(|broker| (name.clone(), broker)));
    }
    brokers.extend(given.iter().map(|(name, broker)| (name.clone(), Arc::clone(broker))));
    Brokers::new(brokers)
}

/// What is known of the brokers. What is wrong with one that is not connected was said; that it lacks something as well says nothing new.
fn known<'a>(brokers: &'a Brokers, config: &'a Config) -> broker_checks::Known<'a> {
    let configured = config.brokers.iter().map(|(name, broker)| (name.as_str(), (broker.scheme(), Capabilities::all())));
    let connected = brokers.iter().map(|(name, broker)| (name, (broker.scheme(), broker.capabilities())));
    configured.chain(connected).collect()
}

/// Binds handlers to the services, values and layers that they run with.
struct Binder<'a> {
    scope: &'a mut Scope,
    brokers: &'a Brokers,
    local: LocalHandlers,
    throttles: Throttles,
    observer: Option<Arc<dyn Observer>>,
}

impl Binder<'_> {
    fn bind_all(&mut self, services: &[ServiceEntry], plans: &[Planned], problems: &mut Problems) -> Vec<Plan> {
        let mut bound = Vec::with_capacity(plans.len());
        for planned in plans {
            // What its handlers publish comes from this service, whoever else runs in the process.
            let process = self.scope.insert(Source(planned.service.into()));
            let layers = services.iter().find(|service| service.decl.name == planned.service).map(|service| (service.layers)(self.scope));
            let layers: Option<Vec<NamedLayer>> = problems.keep(layers.unwrap_or_else(|| Ok(Vec::new())));
            bound.extend(layers.and_then(|layers| self.bind(planned, &layers.into(), problems)));
            process.map(|process| self.scope.insert(process));
        }
        bound
    }

    fn bind(&mut self, planned: &Planned, layers: &Arc<[NamedLayer]>, problems: &mut Problems) -> Option<Plan> {
        let broker = Arc::clone(self.brokers.get(planned.subscription.broker)?);
        let mut handlers = Handlers::default();
        for handler in &planned.handlers {
            let entry = self.bind_handler(planned, handler, layers, &broker);
            let named = entry.map_err(|error| format!("handler `{}` ({}): {error}", handler.decl.name, handler.decl.location));
            handlers.extend(problems.keep(named).map(|entry| (handler.message.name, entry)));
        }
        let throttle = Throttle::new(planned.subscription.throttle);
        self.throttles.enter(planned.group(), planned.subscription.topic, throttle.clone());
        Some(Plan {
            service: planned.service,
            subscription: Arc::new(subscription(planned)),
            broker,
            after: planned.subscription.after,
            dedup: planned.subscription.dedup,
            workers: planned.subscription.concurrency,
            throttle,
            handlers,
            counters: Arc::new(Counters::default()),
            observer: self.observer.clone(),
        })
    }

    fn bind_handler(
        &mut self,
        planned: &Planned,
        handler: &HandlerEntry,
        layers: &Arc<[NamedLayer]>,
        broker: &Arc<dyn Broker>,
    ) -> Result<Entry, crate::inject::InjectError> {
        let (layers, timeout) = (Arc::clone(layers), handler.decl.timeout);
        let mut binding = Binding { scope: self.scope, service: planned.service, layers, timeout, broker, local: &mut self.local };
        let bound = (handler.bind)(&mut binding)?;
        Ok(Entry { decl: handler.decl, version: handler.message.version, handler: bound })
    }
}

/// What the broker is asked for.
pub(super) fn subscription(planned: &Planned) -> Subscription {
    let decl = &planned.subscription;
    let mut subscription = Subscription::new(planned.topic.clone(), planned.group());
    // So many messages are in hand when each worker has a whole batch.
    let batch = planned.handlers.iter().filter_map(|handler| handler.decl.batch).map(|batch| batch.max as usize).max();
    subscription.concurrency = decl.concurrency.saturating_mul(batch.unwrap_or(1));
    subscription.order = decl.ordered.and_then(NonZeroU16::new).map(|shards| Order { shards });
    subscription.from = decl.from;
    subscription.transactional = planned.handlers.iter().any(|handler| handler.decl.transactional);
    subscription
}

async fn subscribe(plans: Vec<Plan>, problems: &mut Problems) -> Vec<Runner> {
    let mut runners = Vec::with_capacity(plans.len());
    for plan in plans {
        let what = format!("service `{}`, subscription to `{}`", plan.service, plan.subscription.topic);
        runners.extend(problems.keep_broker(what, Runner::start(plan).await));
    }
    runners
}
