//! The moment at which waiting ends.

use std::future::Future;
use std::pin::{Pin, pin};
use std::task::{Context as Task, Poll};
use std::time::Duration;

use tokio::time::{Instant, Sleep, sleep_until};
use tonic::{Code, Status};

use super::GrpcError;
use crate::context::Context;

/// The moment, if there is one.
#[derive(Clone, Copy, Debug)]
pub(super) struct Deadline {
    moment: Option<Instant>,
    /// The time that the method gives, where that is what ends the call.
    bound: Option<Duration>,
}

impl Deadline {
    /// That long from now. A time too far away to be told is none.
    pub(super) fn after(timeout: Option<Duration>) -> Self {
        Self { moment: timeout.and_then(|timeout| Instant::now().checked_add(timeout)), bound: None }
    }

    /// When the caller wants it, or the method, whatever comes first.
    pub(super) fn earlier(caller: Option<Duration>, method: Option<Duration>) -> Self {
        let bound = method.filter(|method| caller.is_none_or(|caller| *method < caller));
        Self { bound, ..Self::after(bound.or(caller)) }
    }

    /// The earlier of that long from now and the deadline of the context.
    pub(super) fn of(context: &Context, timeout: Option<Duration>) -> Self {
        Self::after([context.time_left(), timeout].into_iter().flatten().min())
    }

    /// How long it is to it; nothing when it has passed.
    pub(super) fn left(self) -> Option<Duration> {
        self.moment.map(|moment| moment.saturating_duration_since(Instant::now()))
    }

    pub(super) fn has_passed(self) -> bool {
        self.left().is_some_and(|left| left.is_zero())
    }

    pub(super) fn timer(self) -> Timer {
        Timer(self.moment.map(|moment| Box::pin(sleep_until(moment))))
    }

    /// The outcome of the call, or `DeadlineExceeded`; the call is dropped then.
    pub(super) async fn bound<R>(self, call: impl Future<Output = Result<R, Status>>) -> Result<R, GrpcError> {
        if self.has_passed() {
            return Err(self.exceeded());
        }
        let (mut call, mut timer) = (pin!(call), self.timer());
        std::future::poll_fn(|task| {
            if let Poll::Ready(result) = call.as_mut().poll(task) {
                return Poll::Ready(result.map_err(|status| self.told(status)));
            }
            timer.poll(task).map(|()| Err(self.exceeded()))
        })
        .await
    }

    /// What a call ends with that took longer.
    pub(super) fn exceeded(self) -> GrpcError {
        let text = match self.bound {
            Some(bound) => format!("the call took longer than {bound:?}, which is what the service gives it"),
            None => "the deadline of the call passed before it was answered".to_owned(),
        };
        GrpcError::new(Code::DeadlineExceeded, text)
    }

    /// tonic has a clock of its own for the same moment, and calls it a cancellation.
    pub(super) fn told(self, status: Status) -> GrpcError {
        if status.code() == Code::Cancelled && self.has_passed() { self.exceeded() } else { status.into() }
    }
}

/// Ready when the moment has come; never when there is none.
#[derive(Debug)]
pub(super) struct Timer(Option<Pin<Box<Sleep>>>);

impl Timer {
    pub(super) fn poll(&mut self, task: &mut Task<'_>) -> Poll<()> {
        self.0.as_mut().map_or(Poll::Pending, |sleep| sleep.as_mut().poll(task))
    }
}
