//! Work of a service that no message starts: a timer, a poller, a load generator.

use std::future::Future;
use std::sync::Arc;

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

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
}

impl Tasks {
    pub(super) fn new() -> Self {
        Self(Arc::new(Inner { tracker: TaskTracker::new(), started: watch::Sender::new(false), stopping: CancellationToken::new() }))
    }

    /// Runs the task once the application has started. It should end soon after the token that it is
    /// handed is cancelled: shutdown waits for it, as for a message in hand, and then aborts it.
    pub fn spawn<F>(&self, task: impl FnOnce(CancellationToken) -> F + Send + 'static)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let mut started = self.0.started.subscribe();
        let stopping = self.0.stopping.clone();
        self.0.tracker.spawn(async move {
            // The sender lives in the tracker's own owner, so only the value or the end can come.
            let begun = stopping.run_until_cancelled(async { started.wait_for(|started| *started).await.is_ok() }).await;
            if begun == Some(true) {
                task(stopping).await;
            }
        });
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
        let tasks = Tasks::new();
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
    async fn a_task_of_an_application_that_never_starts_ends_with_it() {
        let tasks = Tasks::new();
        tasks.spawn(|_| std::future::pending());
        tasks.stop();
        tasks.ended().await;
    }
}
