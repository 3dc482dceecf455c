//! Work of a service that no message starts: a timer, a poller, a load generator.

use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::health::{Health, Matters};
use crate::error::panic_text;
use crate::inject::{InjectError, Injectable, Scope};

/// Runs background tasks with the life of the application: they begin once messages flow, and shutdown
/// waits for them. Injectable.
///
/// ```
/// use std::time::Duration;
/// use comms::Tasks;
///
/// fn every_second(tasks: &Tasks) {
///     tasks.spawn(|stopping| async move {
///         while stopping.run_until_cancelled(tokio::time::sleep(Duration::from_secs(1))).await.is_some() {
///             // work
///         }
///     });
/// }
/// # let _ = every_second;
/// ```
#[derive(Clone, Debug)]
pub struct Tasks(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    tracker: TaskTracker,
    started: watch::Sender<bool>,
    stopping: CancellationToken,
    aborting: CancellationToken,
    health: Health,
}

impl Tasks {
    pub(super) fn new(health: Health) -> Self {
        Self(Arc::new(Inner {
            tracker: TaskTracker::new(),
            started: watch::Sender::new(false),
            stopping: CancellationToken::new(),
            aborting: CancellationToken::new(),
            health,
        }))
    }

    /// Runs the task once the application has started. It should end soon after the token that it is
    /// handed is cancelled: shutdown waits for it, as for a message in hand, and then aborts it.
    pub fn spawn<F>(&self, task: impl FnOnce(CancellationToken) -> F + Send + 'static)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let mut started = self.0.started.subscribe();
        let (stopping, aborting) = (self.0.stopping.clone(), self.0.aborting.clone());
        let health = self.0.health.clone();
        self.0.tracker.spawn(async move {
            // The sender lives in the tracker's own owner, so only the value or the end can come.
            let begun = stopping.run_until_cancelled(async { started.wait_for(|started| *started).await.is_ok() }).await;
            if begun == Some(true) {
                let caught = AssertUnwindSafe(async { task(stopping).await }).catch_unwind();
                match aborting.run_until_cancelled(caught).await {
                    Some(Ok(())) => {}
                    Some(Err(panic)) => tell_of_panic(&health, panic_text(panic.as_ref())),
                    None => tracing::error!("a background task did not end when the application stopped; it was aborted"),
                }
            }
        });
    }

    /// The health that a task's panic is told to.
    pub(super) fn health(&self) -> &Health {
        &self.0.health
    }

    pub(super) fn start(&self) {
        self.0.started.send_replace(true);
    }

    pub(super) fn stop(&self) {
        self.0.stopping.cancel();
        self.0.tracker.close();
    }

    pub(super) async fn ended(&self) {
        self.0.tracker.wait().await;
    }

    /// Drops what still runs, and waits until it is dropped; not for ever, since a task that blocks its thread can't be
    /// dropped.
    pub(super) async fn abort(&self) {
        self.0.aborting.cancel();
        let _ = tokio::time::timeout(Duration::from_secs(1), self.0.tracker.wait()).await;
    }
}

fn tell_of_panic(health: &Health, panic: &str) {
    tracing::error!(panic, "a background task panicked; it is not started again");
    health.component("background tasks", Matters::Nothing).down(format!("a task panicked, and is not started again: {panic}"));
}

impl Injectable for Tasks {
    fn inject(scope: &Scope) -> Result<Self, InjectError> {
        scope.get()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_task_runs_from_start_to_stop() {
        let tasks = Tasks::new(Health::new());
        let (tell, mut told) = tokio::sync::mpsc::unbounded_channel();
        tasks.spawn(move |stopping| async move {
            let _ = tell.send("started");
            stopping.cancelled().await;
            let _ = tell.send("stopped");
        });
        assert!(told.try_recv().is_err(), "not before the application has started");
        tasks.start();
        assert_eq!(told.recv().await, Some("started"));
        tasks.stop();
        tasks.ended().await;
        assert_eq!(told.recv().await, Some("stopped"));
    }

    #[tokio::test]
    async fn a_task_that_does_not_end_is_aborted_and_one_that_panics_is_told_of() {
        let health = Health::new();
        let tasks = Tasks::new(health.clone());
        let held = Arc::new(());
        let inside = Arc::clone(&held);
        let (begun, begins) = tokio::sync::oneshot::channel();
        tasks.spawn(|_| async { panic!("no power") });
        tasks.spawn(move |_| async move {
            let _inside = inside;
            let _ = begun.send(());
            std::future::pending().await
        });
        tasks.start();
        begins.await.unwrap();
        tasks.stop();
        assert!(tokio::time::timeout(Duration::from_millis(20), tasks.ended()).await.is_err(), "it goes on");
        tasks.abort().await;
        assert_eq!(Arc::strong_count(&held), 1);
        assert!(format!("{:?}", health.report().components["background tasks"].state).contains("no power"));
    }

    #[tokio::test]
    async fn a_task_of_an_application_that_never_starts_ends_with_it() {
        let tasks = Tasks::new(Health::new());
        tasks.spawn(|_| std::future::pending());
        tasks.stop();
        tasks.ended().await;
    }
}
