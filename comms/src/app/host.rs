//! A process that runs an application until it is told to stop.

use std::sync::OnceLock;
use std::time::Instant;

use serde_json::{Value, json};

use super::health::Health;
use super::{App, AppBuilder, Stopped};
use crate::config::Config;
use crate::error::BoxError;
use crate::metrics::{CONTENT_TYPE, Metrics};
use crate::server::admin::{AdminServer, Answer, Route};
use crate::telemetry;

/// What the admin port tells of the application.
pub(super) struct About {
    /// `/info`: names and versions.
    pub(super) info: Value,
    /// `/topology`: the generated topologies.
    pub(super) topology: Value,
    /// `/openapi.json`.
    pub(super) openapi: Document,
    /// `/asyncapi.json`.
    pub(super) asyncapi: Document,
}

/// Makes a document once somebody asks for it: a start does not wait for that.
pub(super) type Document = Box<dyn Fn() -> Value + Send + Sync>;

/// Runs until SIGTERM or SIGINT, then stops in order. A second signal ends the process at once.
///
/// # Errors
/// When the application can't start, or did not finish what it had in hand in time.
pub(super) async fn run(app: AppBuilder, config: Config, about: About) -> Result<(), BoxError> {
    let begun = Instant::now();
    telemetry::init(&config.log)?;
    // Listens for signals before anything starts, so that one that comes early is not lost.
    let signals = Signals::listen()?;
    let admin = open_admin(&config, about, &app.health, &app.metrics).await?;
    run_with(app, config, admin, signals, begun).await
}

/// The same with what is open already.
async fn run_with(
    app: AppBuilder,
    config: Config,
    admin: Option<AdminServer>,
    mut signals: Signals,
    begun: Instant,
) -> Result<(), BoxError> {
    let address = admin.as_ref().map(AdminServer::address);
    let lag_interval = config.metrics.lag_interval;
    let started = tokio::select! {
        started = app.config(config).start() => started?,
        () = signals.next() => return Ok(()),
    };
    started.watch_lag(lag_interval);
    let (http, grpc) = (started.http_address().map(tracing::field::display), started.grpc_address().map(tracing::field::display));
    tracing::info!(http, grpc, admin = address.map(tracing::field::display), took = ?begun.elapsed(), "running");
    signals.next().await;
    tracing::info!("stopping: finishing what is in hand");
    let stopped = stop(started, &mut signals).await;
    if let Some(admin) = admin {
        admin.stop().await;
    }
    stopped
}

async fn stop(app: App, signals: &mut Signals) -> Result<(), BoxError> {
    tokio::select! {
        stopped = app.shutdown() => match stopped {
            Stopped::Drained => {
                tracing::info!("stopped");
                Ok(())
            }
            Stopped::TimedOut => Err("the shutdown timeout ended before every message in hand was settled; they are delivered again".into()),
        },
        () = signals.next() => Err("a second signal came: stopped at once; what was in hand is delivered again".into()),
    }
}

async fn open_admin(config: &Config, about: About, health: &Health, metrics: &Metrics) -> Result<Option<AdminServer>, BoxError> {
    if !config.admin.enabled {
        return Ok(None);
    }
    Ok(Some(AdminServer::bind(config.admin.address, routes(about, health, metrics)).await?))
}

fn routes(about: About, health: &Health, metrics: &Metrics) -> Vec<Route> {
    let report = |well: fn(&super::health::HealthReport) -> bool| -> Box<dyn Fn() -> Answer + Send + Sync> {
        let health = health.clone();
        Box::new(move || {
            let report = health.report();
            Answer::json(well(&report), &json!(report))
        })
    };
    let fixed = |value: Value| -> Box<dyn Fn() -> Answer + Send + Sync> { Box::new(move || Answer::json(true, &value)) };
    let made = |document: Document| -> Box<dyn Fn() -> Answer + Send + Sync> {
        let made = OnceLock::new();
        Box::new(move || made.get_or_init(|| Answer::json(true, &document())).clone())
    };
    let metrics = metrics.clone();
    let metrics = Box::new(move || Answer::text(CONTENT_TYPE, metrics.text()));
    vec![
        Route { path: "/health/live", about: "whether the process should be left running", answer: report(|report| report.live) },
        Route { path: "/health/ready", about: "whether the process should get work", answer: report(|report| report.ready) },
        Route { path: "/metrics", about: "what was counted, in the text format of Prometheus", answer: metrics },
        Route { path: "/info", about: "what runs here", answer: fixed(about.info) },
        Route { path: "/topology", about: "who publishes and handles what", answer: fixed(about.topology) },
        Route { path: "/openapi.json", about: "the HTTP routes, as an OpenAPI 3.1 document", answer: made(about.openapi) },
        Route { path: "/asyncapi.json", about: "the messages, as an AsyncAPI 3.0 document", answer: made(about.asyncapi) },
    ]
}

/// SIGTERM and SIGINT; Ctrl-C where there are no signals.
struct Signals {
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
    #[cfg(unix)]
    interrupt: tokio::signal::unix::Signal,
}

impl Signals {
    #[cfg(unix)]
    fn listen() -> std::io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }

    #[cfg(not(unix))]
    fn listen() -> std::io::Result<Self> {
        Ok(Self {})
    }

    #[cfg(unix)]
    async fn next(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }

    #[cfg(not(unix))]
    fn next(&mut self) -> impl Future<Output = ()> + '_ {
        async {
            let _ = tokio::signal::ctrl_c().await;
        }
    }
}

#[cfg(all(test, unix))]
#[path = "host_tests.rs"]
mod tests;

#[cfg(all(test, feature = "http"))]
#[path = "host_http_tests.rs"]
mod http_tests;
